"""Cron: minute, hour, day, month and weekday, coded as ``cron:0_10_*_*_mon``, by local date and time.

As crontab(5) has it: lists, ranges, steps, the names of months and weekdays, 0 and 7 for Sunday. Not both a day and a weekday: crontab
means either of them then, which few people expect.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Rejected
from domain.identity import Slug, ZoneName
from domain.policies.recurrence import WEEKDAYS, local_moment

PREFIX = "cron:"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LOOKED_AHEAD = timedelta(days=8 * 366)
"""29 February may be eight years away, where a century ends."""
_ITEM = re.compile(r"(\*|[a-z0-9]{1,3})(?:-([a-z0-9]{1,3}))?(?:/([0-9]{1,2}))?", re.ASCII)
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_SUNDAYS = 7

Slot = tuple[date, time]
"""What a firing is keyed by: a local date and the time the line names, whatever clocks do on that day."""


@dataclass(frozen=True, slots=True)
class Crontab:
    """When it fires. ``weekdays``: 0 is Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, code: str) -> "Crontab":
        """Read a coded line, or one as people write it. Raises Rejected, saying which part is wrong."""
        words = code.removeprefix(PREFIX).replace("_", " ").lower().split()
        if len(words) != len(_FIELDS):
            raise Rejected(
                "{line!r} is no cron line: write minute hour day month weekday, such as 0 10 * * mon",
                line=" ".join(words),
            )
        if words[2] != "*" and words[4] != "*":
            raise Rejected(
                "a cron line with both a day and a weekday means different things to different people:"
                " name one of them"
            )
        found = [_parsed(word, *field) for word, field in zip(words, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = found
        return cls(minutes, hours, days, months, frozenset(day % _SUNDAYS for day in weekdays))

    def falls_on(self, day: date) -> bool:
        """Whether it fires on this local date."""
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays

    def due_between(self, after: datetime, until: datetime, zone: ZoneName) -> list[tuple[Slot, datetime]]:
        """Return (slot, moment) of each firing in (after, until], oldest first.

        The hour that clocks repeat fires once, at its first time; what falls into the one they skip fires at its end.
        """
        day, last = _local(after, zone) - timedelta(days=1), _local(until, zone)
        found: list[tuple[Slot, datetime]] = []
        while day <= last:
            if self.falls_on(day):
                moments = ((at, local_moment(day, at, zone)) for at in self._times())
                found += [((day, at), moment) for at, moment in moments if after < moment <= until]
            day += timedelta(days=1)
        return sorted(found, key=lambda slot: (slot[1], slot[0]))

    def next_after(self, after: datetime, zone: ZoneName) -> datetime | None:
        """Return the moment of the first firing after a moment; None where there is none within eight years (30 February)."""
        day, last = _local(after, zone) - timedelta(days=1), _local(after, zone) + LOOKED_AHEAD
        while day <= last:
            if self.falls_on(day):
                moments = [m for at in self._times() if (m := local_moment(day, at, zone)) > after]
                if moments:
                    return min(moments)
            day += timedelta(days=1)
        return None

    def _times(self) -> list[time]:
        return [time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]


def coded(line: str) -> Slug:
    """Return the coded form of a line as people write it. Raises Rejected."""
    Crontab.parse(line)
    return Slug(PREFIX + "_".join(line.lower().split()))


def _local(moment: datetime, zone: ZoneName) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _parsed(word: str, field: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for item in word.split(",") for value in _item(item, field, low, high))


def _item(item: str, field: str, low: int, high: int) -> range:
    found = _ITEM.fullmatch(item)
    if found is not None:
        first, last, step = found.groups()
        if first == "*":
            begin, end = low, high - (field == "weekday")
        else:
            begin = _number(first, field)
            end = _number(last, field) if last else (high if step else begin)
            if last and field == "weekday" and end == 0:
                end = _SUNDAYS  # a weekend ends on Sunday
        if low <= begin <= end <= high and step != "0" and not (first == "*" and last):
            return range(begin, end + 1, int(step or 1))
    raise Rejected("{item!r} is no {field} of a cron line", item=item, field=field)


def _number(word: str, field: str) -> int:
    """Return the number that a word of a field says, -1 for none."""
    if word.isdecimal():
        return int(word)
    if field == "month" and word in MONTHS:
        return MONTHS.index(word) + 1
    return (WEEKDAYS.index(word) + 1) % 7 if field == "weekday" and word in WEEKDAYS else -1
