"""Recurrences as people say them: ``mon 10:00``, ``mon,thu 9:30``, ``daily 10:00``, 每天10点, 每周一三9:30, 每月1号10点. Pure."""

import re

from bot.commands.times import CHINESE_WEEKDAYS, WEEKDAYS, Clock, plain, time_of_day
from domain.errors import Rejected
from domain.policies.recurrence import Recurrence

_DAILY = re.compile(r"(?:every day|everyday|daily|每天|每日)[\s@]*")
_DAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_WEEKLY = re.compile(rf"(?:every )?((?:{_DAY})(?:(?:, ?|/)(?:{_DAY}))*)(?=[\s@\d])[\s@]*")
_CHINESE_WEEKLY = re.compile(
    r"每?个?(?:周|星期|礼拜)([一二三四五六日天](?:[、,和/]?(?:周|星期|礼拜)?[一二三四五六日天])*)\s*"
)
_MONTHLY = re.compile(r"(?:每个?月|monthly on (?:the )?|day-)(\d{1,2})(?:[日号]|st|nd|rd|th)?[\s@]*")
LONGEST_MONTH = 31


def recurrence(text: str, clock: Clock) -> Recurrence | None:
    """Return when something recurs, None for what says nothing of the kind. Raises Rejected for a day or time that does not exist."""
    said = plain(text)
    weekdays: frozenset[int] = frozenset()
    month_day: int | None = None
    if found := _DAILY.match(said):
        pass
    elif found := _WEEKLY.match(said):
        weekdays = frozenset(WEEKDAYS[name] for name in re.findall(_DAY, found[1]))
    elif found := _CHINESE_WEEKLY.match(said):
        weekdays = frozenset(CHINESE_WEEKDAYS[name] for name in re.findall("[一二三四五六日天]", found[1]))
    elif found := _MONTHLY.match(said):
        month_day = int(found[1])
    else:
        return None
    at = time_of_day(said[found.end() :], clock)
    if at is None or at.at.second:
        return None
    if at.next_day:
        raise Rejected(clock.say("{time}: write midnight as 00:00 of the next day").format(time=text))
    if month_day is not None and not 1 <= month_day <= LONGEST_MONTH:
        raise Rejected(clock.say("a month has no day {day}").format(day=month_day))
    return Recurrence(at.at, weekdays=weekdays, month_day=month_day)


def weekdays(clock: Clock) -> tuple[str, ...]:
    """Return the short names of the days, Monday first."""
    return (
        clock.say("Mon"), clock.say("Tue"), clock.say("Wed"), clock.say("Thu"),
        clock.say("Fri"), clock.say("Sat"), clock.say("Sun"),
    )  # fmt: skip


def spoken(found: Recurrence, clock: Clock) -> str:
    """Return a recurrence as people read it, with its zone."""
    names = weekdays(clock)
    at = f"{found.at:%H:%M}"
    if found.month_day is not None:
        said = clock.say("on day {day} of each month at {at}").format(day=found.month_day, at=at)
    elif found.weekdays:
        days = ", ".join(names[day] for day in sorted(found.weekdays))
        said = clock.say("every {days} at {at}").format(days=days, at=at)
    else:
        said = clock.say("every day at {at}").format(at=at)
    return f"{said} {clock.zone}"
