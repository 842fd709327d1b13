"""When a campaign goes out: each occurrence of its timing, and at which moment each recipient's message may leave.

Occurrences are keyed by local date (a cron line's by date and time), so what clocks, restarts and views do changes nothing about how often
it goes out. Of those that were missed while nobody ran, only the newest is made up for, within a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from domain.campaigns.plan import Cadence, Timing
from domain.identity import Slug, ZoneName
from domain.policies.crontab import PREFIX, Crontab
from domain.policies.occasions import sends_on
from domain.policies.recurrence import Recurrence, local_moment

MADE_UP_FOR = timedelta(hours=24)
"""An occurrence that was missed longer ago is left out."""
EARLIEST_ZONE = timedelta(hours=14)
"""Nowhere is it later than in UTC+14 (Kiritimati): there a campaign in local time begins."""
WIDEST = timedelta(hours=26)
"""From there to UTC-12."""
LOOKED_AHEAD_DAYS = (2, 40, 4 * 366)
"""A day that comes once in four years is found, too."""
MORNING = time(10)
"""When it goes out by date, where no time of day is said."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a campaign goes out. ``key``: with the campaign's id it names the run; empty for what goes out once.

    ``at``: when its messages may leave, by the campaign's own zone; ``begins``: from when on they are planned, earlier where they leave by
    each recipient's clock. ``day``: its local date, where it comes again.
    """

    key: Slug
    at: datetime
    begins: datetime
    day: date | None = None


def newest_due(timing: Timing, launched: datetime, now: datetime) -> Occurrence | None:
    """Return the newest occurrence that begins by now, None where there is none that may still go out.

    ``launched``: from when on the campaign counts (CampaignScheduled.at). Whether that run was started already, its stream says.
    """
    if timing.cadence is Cadence.ONCE:
        once = _occurrence(timing, Slug(""), launched, None)
        return once if once.begins <= now else None
    lead = WIDEST if timing.local else timedelta()
    since = max(now - MADE_UP_FOR, launched - timedelta(seconds=1))
    due = [o for o in _between(timing, since, now + lead) if o.begins <= now]
    return max(due, key=lambda o: (o.at, o.key), default=None)


def next_occurrence(timing: Timing, now: datetime) -> Occurrence | None:
    """Return the first occurrence after ``now``; None where it goes out once, has ended, or has none in the next four years."""
    for days in LOOKED_AHEAD_DAYS:
        coming = list(_between(timing, now, now + timedelta(days=days)))
        if coming:
            return min(coming, key=lambda o: (o.at, o.key))
    return None


def is_over(timing: Timing, now: datetime) -> bool:
    """Whether no further run begins, so far as its timing says."""
    return timing.cadence is Cadence.ONCE or (timing.until is not None and now > timing.until)


def leaves_at(timing: Timing, at: datetime, zone: ZoneName | None, spread: float) -> datetime:
    """Return when somebody's message may leave. ``at``: the run's; ``zone``: theirs, where known; ``spread``: where in ``over_s``, 0 to 1.

    In local time it is what their clock shows then; where that has passed already, a moment that is past: it goes as soon as it may.
    """
    if timing.local:
        wall = at.astimezone(ZoneInfo(timing.zone))
        at = local_moment(wall.date(), wall.time(), zone or timing.zone)
    return at + timedelta(seconds=int(timing.over_s * spread))


def _occurrence(timing: Timing, key: Slug, at: datetime, day: date | None) -> Occurrence:
    begins = at
    if timing.local:
        wall = at.astimezone(ZoneInfo(timing.zone)).replace(tzinfo=UTC)
        begins = min(at, wall - EARLIEST_ZONE)
    return Occurrence(key, at, begins, day)


def _between(timing: Timing, after: datetime, until: datetime) -> Iterator[Occurrence]:
    """Yield what falls into (after, until], and not after the timing's own end."""
    until = until if timing.until is None else min(until, timing.until)
    match timing.cadence:
        case Cadence.ONCE:
            return
        case Cadence.RECURRING:
            code = timing.recurrence or Slug("")
            if code.startswith(PREFIX):
                for (day, clock), at in Crontab.parse(code).due_between(after, until, timing.zone):
                    yield _occurrence(timing, Slug(f"{day}@{clock:%H:%M}"), at, day)
            else:
                for day, at in Recurrence.parse(code).due_between(after, until, timing.zone):
                    yield _occurrence(timing, Slug(f"{day}"), at, day)
        case Cadence.BY_DATE:
            for day, at in _by_date(timing, after, until):
                yield _occurrence(timing, Slug(f"{day}"), at, day)
        case _:
            assert_never(timing.cadence)


def _by_date(timing: Timing, after: datetime, until: datetime) -> Iterator[tuple[date, datetime]]:
    tz = ZoneInfo(timing.zone)
    day, last = after.astimezone(tz).date(), until.astimezone(tz).date()
    while day <= last:
        at = local_moment(day, timing.clock or MORNING, timing.zone)
        if after < at <= until and sends_on(day, timing.date or Slug(""), timing.offset_days):
            yield day, at
        day += timedelta(days=1)
