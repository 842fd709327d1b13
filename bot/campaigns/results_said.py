"""The results of a campaign in words."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bot.campaigns.results import NOTICEABLE_LIFT, RATED, SURE_BELOW, ArmResult, Holdout, Results, rate
from bot.campaigns.statistics import Difference, Rate
from projections.campaigns import Figure, Reason, Worth

Say = Callable[[str], str]
PLACES = {"JPY": 0, "KRW": 0, "VND": 0}
"""Digits behind the point of an amount, where they are not two."""
RAREST = 1e-6
"""What is rarer is told as this."""
FATES = (
    Figure.WAITING,
    Figure.LEFT_OUT,
    Figure.SENT,
    Figure.UNKNOWN,
    Figure.FAILED,
    Figure.EXPIRED,
)
"""What became of all that was planned: these add up."""


def figure_said(figure: Figure, say: Say) -> str:
    """Return what a figure is called."""
    return {
        Figure.PLANNED: say("planned for"),
        Figure.WAITING: say("on its way"),
        Figure.LEFT_OUT: say("left out"),
        Figure.SENT: say("sent to"),
        Figure.UNKNOWN: say("nobody knows"),
        Figure.FAILED: say("failed"),
        Figure.EXPIRED: say("came too late"),
        Figure.DELIVERED: say("arrived"),
        Figure.READ: say("read it"),
        Figure.CLICKED: say("clicked"),
        Figure.REPLIED: say("answered"),
        Figure.RECALLED: say("taken back"),
        Figure.OPTED_OUT: say("unsubscribed after it"),
        Figure.CONVERTED: say("reached the goal"),
        Figure.ELIGIBLE: say("compared with those left in peace"),
        Figure.ELIGIBLE_CONVERTED: say("of these, reached the goal"),
        Figure.HELD_OUT: say("left in peace to compare with"),
        Figure.HELD_OUT_CONVERTED: say("left in peace, reached the goal all the same"),
        Figure.GLOBALLY_HELD_OUT: say("get no offers at all, to compare with"),
        Figure.GLOBALLY_HELD_OUT_CONVERTED: say("get no offers, reached the goal all the same"),
    }[figure]


def route_said(route: str, say: Say) -> str:
    """Return what a route of a channel is called."""
    return {
        "service": say("inside the reply window"),
        "subscribe": say("subscribe message"),
        "template": say("template message"),
        "mass": say("mass message"),
    }.get(route, route)


def told(
    results: Results,
    say: Say,
    reason_said: Callable[[str], str],
    shown: Callable[[datetime], str],
) -> list[str]:
    """Return the results as lines. ``reason_said``: why somebody got nothing, in words; ``shown``: a moment as people read it."""
    known = results.campaign
    lines = [str(results.id) if known is None else f"{known.id}  {known.name}"]
    lines += [_line(figure_said(Figure.PLANNED, say), str(results.figures[Figure.PLANNED]))]
    for fate in FATES:
        if results.figures[fate]:
            lines.append(_line(figure_said(fate, say), str(results.figures[fate])))
            lines += _why(fate, results.reasons, reason_said)
        if fate is Figure.SENT:
            lines += [f"    {route_said(one.route, say)}: {one.recipients}" for one in results.routes]
    lines += [
        _line(figure_said(figure, say), rate_said(rate(results.figures, figure)))
        for figure in RATED
        if results.figures[figure]
    ]
    recalled = results.figures[Figure.RECALLED]
    lines += [_line(figure_said(Figure.RECALLED, say), str(recalled))] if recalled else []
    if results.worth:
        amounts = ", ".join(map(worth_said, results.worth))
        lines.append(_line(say("worth"), amounts))
    lines += [*_compared(results, say), *_held_out(results, say)]
    if results.uneven:
        said = say(
            "People were not dealt out as planned (by chance once in {times} times): do not trust the comparison before you know why."
        )
        lines.append(said.format(times=f"{1 / max(results.evenness, RAREST):,.0f}"))
    if results.open_until is not None:
        lines.append(say("Until {time} more may come in.").format(time=shown(results.open_until)))
    return lines


def _line(name: str, value: str) -> str:
    return f"  {name}: {value}"


def _why(fate: Figure, reasons: Sequence[Reason], reason_said: Callable[[str], str]) -> Iterator[str]:
    """Yield why it became so, where there is a reason."""
    for one in reasons:
        if one.status.value == fate.value and one.reason is not None:
            yield f"    {reason_said(one.reason)}: {one.recipients}"


def percent(share: float) -> str:
    """Return a share as people read it."""
    return f"{100 * share:.1f} %"


def rate_said(of: Rate) -> str:
    """Return a rate with its interval."""
    interval = of.interval
    return f"{of.hits} ({percent(of.value)}, {percent(interval.low)} – {percent(interval.high)})"


def worth_said(one: Worth) -> str:
    """Return an amount in its currency; a mere number where it has none."""
    if one.currency is None:
        return f"{one.value:,}"
    places = PLACES.get(one.currency, 2)
    return f"{one.value / 10**places:,.{places}f} {one.currency}"


# --- comparisons ---------------------------------------------------------------------------------------------------


def _compared(results: Results, say: Say) -> Iterator[str]:
    arms = results.arms
    if len(arms) < 2:  # noqa: PLR2004  # one text is compared with nothing
        return
    yield say("The texts, by who {figure}:").format(figure=figure_said(results.measure, say))
    for arm in arms:
        rated = say("{rate} of {people}").format(rate=rate_said(arm.rate), people=arm.rate.people)
        against = "" if arm.against is None else f"; {_against(arm.against, say)}"
        yield f"  {arm.variant}: {rated}{against}"
    yield from conclusions(results, say)


def _against(found: Difference, say: Say) -> str:
    low, high = found.interval.low, found.interval.high
    said = say("{value} percentage points ({low} to {high})")
    return said.format(value=_points(found.value), low=_points(low), high=_points(high))


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def conclusions(results: Results, say: Say) -> list[str]:
    """Return what the comparison of the texts comes to, a sentence for each that is compared with the first."""
    first = results.arms[0]
    lines = [line for arm in results.arms[1:] if (line := _conclusion(arm, first, say))]
    if not lines and results.too_few:
        return [_too_few(results, first, say)]
    if not lines:
        return [
            say("No text does better than {control} so far as one can tell.").format(control=first.variant)
        ]
    return lines


def _conclusion(arm: ArmResult, first: ArmResult, say: Say) -> str | None:
    if arm.against is None or arm.p_value is None or arm.p_value >= SURE_BELOW:
        return None
    better = say("{arm} does better than {control}: {rate} against {base} (p = {p}).")
    worse = say("{arm} does worse than {control}: {rate} against {base} (p = {p}).")
    return (better if arm.against.value > 0 else worse).format(
        arm=arm.variant,
        control=first.variant,
        rate=percent(arm.rate.value),
        base=percent(first.rate.value),
        p=f"{arm.p_value:.2g}",
    )


def _too_few(results: Results, first: ArmResult, say: Say) -> str:
    smallest = min(arm.rate.people for arm in results.arms)
    if results.needed is None:
        said = say("Too little to compare yet: of {control} there is nothing to start from.")
        return said.format(control=first.variant)
    said = say(
        "Too little to tell yet: to notice that {base} became {higher}, each text needs about {needed} people; the smallest has {smallest}."
    )
    base = first.rate.value
    higher = percent(base * (1 + NOTICEABLE_LIFT))
    return said.format(base=percent(base), higher=higher, needed=results.needed, smallest=smallest)


def _held_out(results: Results, say: Say) -> Iterator[str]:
    if results.campaign is None or results.campaign.goal is None:
        return
    for held in results.holdouts:
        yield _line(figure_said(held.figure, say), str(held.base.people))
        yield f"    {_lift(held, say)}"


def _lift(held: Holdout, say: Say) -> str:
    found = held.difference
    values = {
        "reached": percent(held.reached.value),
        "base": percent(held.base.value),
        "difference": _against(found, say),
        "p": f"{found.p_value:.2g}",
    }
    if found.p_value >= SURE_BELOW:
        said = say(
            "Reached the goal: {reached}, without the campaign {base}; {difference}. That may be chance (p = {p})."
        )
        return said.format(**values)
    lift = "" if found.lift is None else f"{100 * found.lift:+.0f} %"
    said = say("Reached the goal: {reached}, without the campaign {base}; {difference}, {lift} (p = {p}).")
    return said.format(**values, lift=lift)
