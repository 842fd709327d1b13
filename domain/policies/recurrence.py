"""When something recurs: coded as ``daily@10:00``, ``mon,thu@09:30`` or ``day-1@10:00``, in a local zone.

A recurrence is keyed by local date: the hour that clocks repeat fires once, the hour they skip fires at its end.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Rejected
from domain.identity import Slug, ZoneName

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = re.compile("[0-9]{2}:[0-9]{2}")
LONGEST_GAP_DAYS = 62
"""A monthly one on the 31st may skip a month."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On these weekdays (0 is Monday; empty: every day), or on this day of the month, at this local time."""

    at: time
    weekdays: frozenset[int] = frozenset()
    month_day: int | None = None

    @classmethod
    def parse(cls, code: str) -> "Recurrence":
        """Read a coded recurrence. Raises Rejected, saying which part is wrong."""
        days, _, clock = code.partition("@")
        try:
            at = time.fromisoformat(clock if CLOCK.fullmatch(clock) else "")
        except ValueError:
            raise Rejected("{value!r} is no time of day: write it as 10:00", value=clock or code) from None
        if days == "daily":
            return cls(at)
        if days.startswith("day-"):
            number = int(days[4:]) if days[4:].isdecimal() else 0
            if not 1 <= number <= 31:  # noqa: PLR2004  # the days of a month
                raise Rejected("{days!r} is no day of a month", days=days[4:])
            return cls(at, month_day=number)
        unknown = [day for day in days.split(",") if day not in WEEKDAYS]
        if unknown:
            raise Rejected(
                "{unknown!r} is no weekday: write {known} or daily",
                unknown=unknown[0],
                known=", ".join(WEEKDAYS),
            )
        return cls(at, weekdays=frozenset(WEEKDAYS.index(day) for day in days.split(",")))

    def code(self) -> Slug:
        """Return the coded form."""
        clock = self.at.strftime("%H:%M")
        if self.month_day is not None:
            return Slug(f"day-{self.month_day}@{clock}")
        if self.weekdays:
            return Slug(",".join(WEEKDAYS[day] for day in sorted(self.weekdays)) + f"@{clock}")
        return Slug(f"daily@{clock}")

    def falls_on(self, day: date) -> bool:
        """Whether it fires on this local date."""
        if self.month_day is not None:
            return day.day == self.month_day
        return not self.weekdays or day.weekday() in self.weekdays

    def moment(self, day: date, zone: ZoneName) -> datetime:
        """Return when it fires on this local date, in UTC: see ``local_moment``."""
        return local_moment(day, self.at, zone)

    def due_between(self, after: datetime, until: datetime, zone: ZoneName) -> list[tuple[date, datetime]]:
        """Return (local date, moment) of each firing in (after, until], oldest first; at most as many as there are days."""
        tz = ZoneInfo(zone)
        day, last = after.astimezone(tz).date() - timedelta(days=1), until.astimezone(tz).date()
        found: list[tuple[date, datetime]] = []
        while day <= last:
            if self.falls_on(day) and after < (moment := self.moment(day, zone)) <= until:
                found.append((day, moment))
            day += timedelta(days=1)
        return found

    def next_after(self, after: datetime, zone: ZoneName) -> tuple[date, datetime]:
        """Return (local date, moment) of the first firing after a moment."""
        return self.due_between(after, after + timedelta(days=LONGEST_GAP_DAYS), zone)[0]


def local_moment(day: date, at: time, zone: ZoneName) -> datetime:
    """Return when clocks show this time on this local date, in UTC: the first time they do, or the end of an hour that they skip."""
    tz = ZoneInfo(zone)
    local = datetime.combine(day, at, tzinfo=tz)
    moment = local.astimezone(UTC)
    if moment.astimezone(tz).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    before = local.utcoffset() or timedelta()
    after = (local.replace(fold=1)).utcoffset() or timedelta()
    skipped_from = datetime.combine(day, at, tzinfo=UTC) - before
    return _end_of_gap(skipped_from, before, after, tz)


def _end_of_gap(shown: datetime, before: timedelta, after: timedelta, tz: ZoneInfo) -> datetime:
    """Return the moment the clocks jumped: the first one at which the later offset holds."""
    low, high = (
        shown - abs(after - before) - timedelta(hours=1),
        shown + abs(after - before) + timedelta(hours=1),
    )
    wanted = high.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(tz).utcoffset() == wanted:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
