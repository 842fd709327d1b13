"""Campaigns in words: when they go out, whom they mean, how they stand, what they would come to."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from bot.campaigns.outreach import Way
from bot.campaigns.results_said import route_said
from bot.commands.codes import doubt
from bot.commands.command import Call
from bot.commands.outlook import Outlook
from bot.commands.preview import reason_said
from bot.commands.recurrences import spoken
from domain.campaigns.campaign import ALONE_UP_TO, CampaignState, Stage
from domain.campaigns.canary import first_of
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import Cadence, Meant, Selection, Timing
from domain.deliveries.events import HOLDOUT
from domain.errors import Rejected
from domain.identity import Slug
from domain.policies.crontab import PREFIX
from domain.policies.occasions import BIRTHDAY, MEMBER_ANNIVERSARY
from domain.policies.recurrence import Recurrence
from projections.campaign_names import Named
from projections.codes import pool_named

MINUTE_S: Final = 60
HOUR_S: Final = 3_600


def stage_said(call: Call, stage: Stage) -> str:
    """Return where a campaign stands."""
    return {
        Stage.NONE: call.say("not there"),
        Stage.DRAFT: call.say("draft"),
        Stage.TESTED: call.say("tested"),
        Stage.APPROVED: call.say("approved"),
        Stage.SCHEDULED: call.say("launched"),
        Stage.RUNNING: call.say("running"),
        Stage.PAUSED: call.say("paused"),
        Stage.FINISHED: call.say("finished"),
        Stage.CANCELLED: call.say("cancelled"),
    }[stage]


def shown(call: Call, found: Named) -> str:
    """Return a campaign in one line."""
    when = f"  {call.clock.shown(found.at)}" if found.at is not None else ""
    return f"{found.campaign}  {found.name} ({stage_said(call, found.stage)}){when}"


def described(call: Call, state: CampaignState, meant: int) -> list[str]:
    """Return what a campaign is, as lines. ``meant``: how many its next run means, which decides whether some go first."""
    drafted = state.drafted
    if drafted is None:
        return []
    stage = stage_said(call, state.stage)
    return [
        f"{drafted.campaign}  {drafted.name.value} ({stage})",
        _whom(call, drafted.selection, state.listed),
        *when_said(call, drafted.timing),
        *_careful(call, drafted, meant),
    ]


def _whom(call: Call, selection: Selection, listed: int) -> str:
    said = {
        Meant.ALL: call.say("Means: everybody"),
        Meant.TAGS: call.say("Means: everybody tagged {tags}").format(tags=" + ".join(selection.tags)),
        Meant.LIST: call.say("Means: a list of {count}").format(count=listed),
        Meant.GROUPS: call.say("Means: {count} groups").format(count=len(selection.groups)),
    }[selection.meant]
    if selection.without:
        said += call.say(", without {tags}").format(tags=", ".join(selection.without))
    return said


def when_said(call: Call, timing: Timing) -> list[str]:
    """Return when a campaign goes out, as lines."""
    lines = [_begins(call, timing)]
    if timing.local:
        lines.append(call.say("At that time of each recipient's own zone."))
    if timing.over_s:
        lines.append(call.say("Spread over {span}.").format(span=span_said(call, timing.over_s)))
    if timing.until is not None:
        lines.append(call.say("Nothing begins after {time}.").format(time=call.clock.shown(timing.until)))
    return lines


def _begins(call: Call, timing: Timing) -> str:
    match timing.cadence:
        case Cadence.ONCE if timing.at is None:
            return call.say("Goes out as soon as it is launched.")
        case Cadence.ONCE:
            return call.say("Goes out at {time}.").format(time=call.clock.shown(timing.at or call.now))
        case Cadence.RECURRING:
            return call.say("Goes out {recurrence}.").format(recurrence=_recurs(call, timing))
        case Cadence.BY_DATE:
            return _by_date(call, timing)


def _recurs(call: Call, timing: Timing) -> str:
    code = timing.recurrence or Slug("")
    if code.startswith(PREFIX):
        return f"cron {code.removeprefix(PREFIX).replace('_', ' ')} {timing.zone}"
    try:
        return spoken(Recurrence.parse(code), call.clock)
    except Rejected:
        return code


def _by_date(call: Call, timing: Timing) -> str:
    match timing.date:
        case occasion if occasion == BIRTHDAY:
            day = call.say("on each one's birthday")
        case occasion if occasion == MEMBER_ANNIVERSARY:
            day = call.say("on the anniversary of each one's joining")
        case occasion:
            day = call.say("each year on {day}").format(day=occasion)
    if timing.offset_days > 0:
        day = call.say("{days} days after: {day}").format(days=timing.offset_days, day=day)
    elif timing.offset_days < 0:
        day = call.say("{days} days before: {day}").format(days=-timing.offset_days, day=day)
    at = f"{timing.clock:%H:%M} {timing.zone}" if timing.clock is not None else timing.zone
    return call.say("Goes out {day}, at {time}.").format(day=day, time=at)


def _careful(call: Call, drafted: CampaignDrafted, meant: int) -> Iterator[str]:
    if drafted.arms:
        arms = ", ".join(f"{arm.variant} {arm.weight}" for arm in drafted.arms)
        yield call.say("Compares: {arms}").format(arms=arms)
    if drafted.holdout_percent:
        yield call.say("{percent} % get nothing, to compare with.").format(percent=drafted.holdout_percent)
    if drafted.canary is not None and first_of(drafted, meant):
        said = call.say(
            "First {percent} % (at least {count}), then it waits {span} and goes on if fewer than {failures} % failed"
            " and {opt_outs} % unsubscribed."
        )
        canary = drafted.canary
        yield said.format(
            percent=f"{canary.percent:g}",
            count=canary.at_least,
            span=span_said(call, canary.wait_s),
            failures=f"{canary.failures_percent:g}",
            opt_outs=f"{canary.opt_outs_percent:g}",
        )


def span_said(call: Call, seconds: float) -> str:
    """Return how long something takes, rounded up to minutes, or to hours where it is long."""
    if seconds < 2 * HOUR_S:
        return call.say("{count} min").format(count=max(1, -(-int(seconds) // MINUTE_S)))
    return call.say("{count} h").format(count=-(-int(seconds) // HOUR_S))


# --- what it would come to -----------------------------------------------------------------------------------------


def forecast(call: Call, state: CampaignState, found: Outlook) -> list[str]:
    """Return what a campaign would come to, as lines."""
    drafted = state.drafted
    if drafted is None:
        return []
    return [
        *(f"{name}: {text}" if "\n" not in text else f"{name}:\n{text}" for name, text in found.samples),
        *_reached(call, found),
        *_left_out(call, found),
        call.say("Not counted: whom somebody talks with just then, and campaigns of a higher priority."),
        *_arms(call, drafted, found),
        *_codes(call, drafted, found),
        *_finished(call, drafted, found),
    ]


def _reached(call: Call, found: Outlook) -> Iterator[str]:
    if found.day is None:
        yield call.say("Means {count} now.").format(count=found.meant)
    else:
        yield call.say("Means {count} on {day}, when it goes out next.").format(
            count=found.meant, day=found.day
        )
    if not found.count:
        yield call.say("Reaches nobody now.")
        return
    ways = (
        (f"{channel} ({route_said(route, call.say)})" if route else channel, count)
        for (channel, route), count in sorted(found.reached.items())
        if count
    )
    yield call.say("Reaches {count}: {channels}").format(count=found.count, channels=_counts(ways))
    for way in call.office.outreach.ways():
        yield from _quota(call, way, found)


def _quota(call: Call, way: Way, found: Outlook) -> Iterator[str]:
    for route in way.routes:
        if route.per_month and found.reached[way.channel, route.name]:
            said = call.say(
                "{route}: {channel} lets through {count} a month to each of them, and leaves out the rest."
            )
            yield said.format(
                route=route_said(route.name, call.say), channel=way.channel, count=route.per_month
            )
        calls = found.calls[way.channel, way.account]
        if route.calls_per_day and calls:
            said = call.say(
                "{route}: {channel} takes {calls} calls for it at least, of {limit} a day; how many are left it does not tell."
            )
            yield said.format(
                route=route_said(route.name, call.say),
                channel=way.channel,
                calls=calls,
                limit=route.calls_per_day,
            )


def _left_out(call: Call, found: Outlook) -> Iterator[str]:
    if found.left_out:
        reasons = ((reason_said(call, reason), count) for reason, count in found.left_out.most_common())
        said = call.say("Left out {count}: {reasons}")
        yield said.format(count=found.left_out.total(), reasons=_counts(reasons))
    if found.capped:
        said = call.say(
            "Had their share of messages: {count}. They get it later, or not at all if that is too late."
        )
        yield said.format(count=found.capped)


def _arms(call: Call, drafted: CampaignDrafted, found: Outlook) -> Iterator[str]:
    drawn = {arm: count for arm, count in found.arms.items() if arm != HOLDOUT}
    if drafted.arms:
        yield call.say("Drawn: {arms}").format(arms=_counts(sorted(drawn.items())))
    first = first_of(drafted, found.meant)
    if first:
        yield call.say("Go first: {count}").format(count=first)
    if found.meant > ALONE_UP_TO:
        said = call.say(
            "More than {limit} people: somebody else has to approve it, where there is somebody else."
        )
        yield said.format(limit=ALONE_UP_TO)


def _codes(call: Call, drafted: CampaignDrafted, found: Outlook) -> Iterator[str]:
    if drafted.codes is None:
        return
    with call.office.views.read() as connection:
        pool = pool_named(connection, drafted.codes)
    left = 0 if pool is None else pool.left(call.now)
    if pool is not None and pool.doubted:
        yield doubt(call, pool)
    elif left < found.count:
        said = call.say(
            "The pool {pool} has {left} codes for {count} people: add some, or the others are left out."
        )
        yield said.format(pool=drafted.codes, left=left, count=found.count)


def _finished(call: Call, drafted: CampaignDrafted, found: Outlook) -> Iterator[str]:
    """At the accounts' rates, behind the spread; other messages on the way make it later."""
    timing = drafted.timing
    if timing.cadence is not Cadence.ONCE or not found.count:
        return
    planned = max(timing.at or call.now, call.now)
    begins, ends = found.begins or planned, found.ends or planned
    if begins > planned and not timing.local:
        yield call.say("Quiet hours: it waits until {time}.").format(time=call.clock.shown(begins))
    lasts_s = found.lasts_s(call.office.outreach.ways())
    if lasts_s is None:
        yield call.say("How fast it goes is known while Siyu runs and all its accounts are open.")
        return
    wait_s = drafted.canary.wait_s if drafted.canary and first_of(drafted, found.meant) else 0
    done = ends + timedelta(seconds=max(lasts_s, timing.over_s) + wait_s)
    yield call.say("Finished at about {time}.").format(
        time=call.clock.shown(done.replace(microsecond=0, second=0))
    )


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)
