"""The results of a campaign: what became of it, its texts compared with one another, and all of it with those who got nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

from sqlalchemy import Connection

from bot.campaigns.statistics import (
    UNEVEN_BELOW,
    Difference,
    Interval,
    Rate,
    adjusted,
    difference,
    evenness,
    people_needed,
)
from domain.campaigns.plan import CONTROL, Arm
from domain.deliveries.events import HOLDOUT
from domain.errors import UnknownRecipient
from domain.identity import BroadcastId, CampaignId, RunId, Slug
from projections.campaigns import (
    Among,
    Campaign,
    Figure,
    Figures,
    Reason,
    Routed,
    Worth,
    added_up,
    by_route,
    campaign,
    figures_by_variant,
    last_at,
    reasons,
    runs,
    worth,
)

NOTICEABLE_LIFT: Final = 0.2
"""What a comparison is expected to notice: a rate that is a fifth higher."""
SURE_BELOW: Final = 0.05
RATED: Final = (
    Figure.DELIVERED,
    Figure.READ,
    Figure.CLICKED,
    Figure.REPLIED,
    Figure.OPTED_OUT,
    Figure.CONVERTED,
)
"""The figures that are told as a share of what was sent."""
_SHOWN: Final = {
    Figure.HELD_OUT: Figure.HELD_OUT_CONVERTED,
    Figure.GLOBALLY_HELD_OUT: Figure.GLOBALLY_HELD_OUT_CONVERTED,
}


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One text. ``rate``: of what is compared, among those it was sent to. ``against``: compared with the first text.

    ``p_value``: of that comparison, made larger for there being several (Holm).
    """

    variant: Slug
    weight: int
    figures: Figures
    rate: Rate
    against: Difference | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Holdout:
    """Those who got nothing, by ``figure``, and what the campaign brought about beyond what they did by themselves.

    ``base``: theirs; ``reached``: the rate of all whom it would have reached but for what comes after the draw.
    """

    figure: Figure
    base: Rate
    reached: Rate
    difference: Difference


@dataclass(frozen=True, slots=True)
class Results:
    """``campaign``: None for a broadcast. ``measure``: what the texts are compared by. ``occurrences``: how many runs are counted.

    ``evenness``: how often chance alone would deal people out so unevenly. ``open_until``: until when something may still be counted.
    ``needed``: how many people each text needs to tell a rate from one a fifth higher, None where that cannot be said.
    """

    id: CampaignId | BroadcastId
    campaign: Campaign | None
    run: RunId | None
    occurrences: int
    figures: Figures
    reasons: Sequence[Reason]
    worth: Sequence[Worth]
    measure: Figure
    arms: Sequence[ArmResult]
    holdouts: Sequence[Holdout]
    evenness: float
    open_until: datetime | None
    needed: int | None
    routes: Sequence[Routed] = ()

    @property
    def uneven(self) -> bool:
        """Whether people were not dealt out as planned."""
        return self.evenness < UNEVEN_BELOW

    @property
    def too_few(self) -> bool:
        """Whether a text was sent to fewer than a comparison needs."""
        return self.needed is None or any(arm.rate.people < self.needed for arm in self.arms)


def gather(
    connection: Connection,
    wanted: CampaignId | BroadcastId,
    *,
    now: datetime,
    run: RunId | None = None,
    measure: Figure | None = None,
) -> Results:
    """Return the results of a campaign (or broadcast), or of one run of it. Raises UnknownRecipient."""
    known = campaign(connection, CampaignId(wanted))
    among = Among(campaign=wanted, run=run)
    by_variant = figures_by_variant(connection, among)
    total = added_up(by_variant.values())
    if known is None and not total[Figure.PLANNED]:
        raise UnknownRecipient("no such campaign")
    by = measure or _measure(known, total)
    arms = _arms(known, by_variant, by)
    smallest = min((arm.rate for arm in arms), key=lambda rate: rate.people, default=Rate(0, 0))
    needed = people_needed(arms[0].rate.value, NOTICEABLE_LIFT) if arms else inf
    return Results(
        id=wanted,
        campaign=known,
        run=run,
        occurrences=1 if run is not None else max(1, len(runs(connection, CampaignId(wanted)))),
        figures=total,
        reasons=reasons(connection, among),
        worth=worth(connection, among),
        measure=by,
        arms=arms,
        holdouts=_holdouts(total),
        evenness=_evenness(known, by_variant),
        open_until=_open_until(known, last_at(connection, among), now),
        needed=int(needed) if needed < inf and smallest.people else None,
        routes=by_route(connection, among),
    )


def _measure(known: Campaign | None, total: Figures) -> Figure:
    """What the texts are compared by where nobody says: the goal, else clicks, else answers."""
    if known is not None and known.goal is not None:
        return Figure.CONVERTED
    return Figure.CLICKED if total[Figure.CLICKED] else Figure.REPLIED


def _arms(known: Campaign | None, by_variant: Mapping[Slug | None, Figures], by: Figure) -> list[ArmResult]:
    """Return the texts as the campaign names them, each compared with the first."""
    named = known.arms if known is not None and known.arms else (Arm(variant=CONTROL),)
    found = [
        ArmResult(arm.variant, arm.weight, counted, Rate(counted[by], counted[Figure.SENT]))
        for arm in named
        if (counted := by_variant.get(arm.variant)) is not None
    ]
    if len(found) < 2:  # noqa: PLR2004  # one text is compared with nothing
        return found
    first, others = found[0], found[1:]
    compared = [difference(first.rate, other.rate) for other in others]
    sure = adjusted([one.p_value for one in compared])
    return [
        first,
        *(
            ArmResult(arm.variant, arm.weight, arm.figures, arm.rate, against, p_value)
            for arm, against, p_value in zip(others, compared, sure, strict=True)
        ),
    ]


def _holdouts(total: Figures) -> list[Holdout]:
    reached = Rate(total[Figure.ELIGIBLE_CONVERTED], total[Figure.ELIGIBLE])
    found = []
    for figure, converted in _SHOWN.items():
        base = Rate(total[converted], total[figure])
        if base.people:
            found.append(Holdout(figure, base, reached, difference(base, reached)))
    return found


def _evenness(known: Campaign | None, by_variant: Mapping[Slug | None, Figures]) -> float:
    """Compare how people were dealt out with how they should have been: those who are compared, and those held out."""
    if known is None:
        return 1.0
    share = 1 - known.holdout_percent / 100
    arms = known.arms or (Arm(variant=CONTROL),)
    whole = sum(arm.weight for arm in arms)
    expected = {arm.variant: share * arm.weight / whole for arm in arms}
    counted = {arm.variant: Figure.ELIGIBLE for arm in arms}
    if known.holdout_percent:
        expected[HOLDOUT], counted[HOLDOUT] = 1 - share, Figure.HELD_OUT
    observed = [by_variant[v][figure] if v in by_variant else 0 for v, figure in counted.items()]
    return evenness(observed, list(expected.values()))


def _open_until(known: Campaign | None, last: datetime | None, now: datetime) -> datetime | None:
    if last is None:
        return None
    days = 3 if known is None or known.goal_days is None else max(3, known.goal_days)
    ends = last + timedelta(days=days)
    return ends if ends > now else None


# --- for machines --------------------------------------------------------------------------------------------------


def as_json(results: Results) -> dict[str, Any]:
    """Return it as plain JSON values; rates and intervals as shares of 1."""
    known = results.campaign
    return {
        "campaign": results.id,
        "name": None if known is None else known.name,
        "stage": None if known is None else known.stage.value,
        "run": results.run,
        "runs": results.occurrences,
        "figures": {figure.value: number for figure, number in results.figures.items()},
        "rates": {figure.value: _rate(rate(results.figures, figure)) for figure in RATED},
        "reasons": [
            {"status": r.status.value, "reason": r.reason, "rule": r.rule, "recipients": r.recipients}
            for r in results.reasons
        ],
        "routes": [
            {"channel": one.channel, "route": one.route, "recipients": one.recipients}
            for one in results.routes
        ],
        "worth": [{"currency": one.currency, "value": one.value} for one in results.worth],
        "measure": results.measure.value,
        "arms": [
            {
                "variant": arm.variant,
                "weight": arm.weight,
                "figures": {figure.value: number for figure, number in arm.figures.items()},
                "rate": _rate(arm.rate),
                "against_first": None if arm.against is None else _difference(arm.against),
                "p_value_adjusted": arm.p_value,
            }
            for arm in results.arms
        ],
        "holdouts": [
            {
                "figure": held.figure.value,
                "base": _rate(held.base),
                "reached": _rate(held.reached),
                "difference": _difference(held.difference),
            }
            for held in results.holdouts
        ],
        "sample_ratio_p_value": results.evenness,
        "uneven": results.uneven,
        "people_needed": results.needed,
        "open_until": None if results.open_until is None else results.open_until.isoformat(),
    }


def rate(counted: Figures, figure: Figure) -> Rate:
    """Return which share of what was sent a figure is."""
    return Rate(counted[figure], counted[Figure.SENT])


def _rate(of: Rate) -> dict[str, Any]:
    return {"hits": of.hits, "people": of.people, "value": of.value, "interval": _interval(of.interval)}


def _difference(of: Difference) -> dict[str, Any]:
    interval = _interval(of.interval)
    return {"value": of.value, "interval": interval, "lift": of.lift, "p_value": of.p_value}


def _interval(of: Interval) -> list[float]:
    return [of.low, of.high]
