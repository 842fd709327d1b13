"""Anniversaries: birthdays as they are told, solar or lunar, and on which day of this year they are kept.

What today is in the lunar calendar is an argument: it is an astronomer's table, and no decision.
"""

import re
from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date

_SOLAR = re.compile(r"(?:([0-9]{4})-)?([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
_LUNAR = re.compile(r"lunar:(?:([0-9]{4})-)?([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
FIRST_YEAR = 1880
"""Nobody alive was born before."""
LEAP_YEAR = 2024
"""Some leap year: a birthday without a year may be on 29 February."""
MONTHS, LUNAR_DAYS = 12, 30
Day = tuple[int, int]
"""Month and day."""


@dataclass(frozen=True, slots=True)
class Birthday:
    """``year``: None where it was not told. ``lunar``: ``month`` and ``day`` are those of the lunar calendar."""

    month: int
    day: int
    year: int | None = None
    lunar: bool = False


@dataclass(frozen=True, slots=True)
class LunarDay:
    """A day in the lunar calendar. ``leap``: its month is the second one of this number. ``days``: how many this month has, 29 or 30."""

    month: int
    day: int
    days: int
    leap: bool = False


def birthday_of(said: str) -> Birthday | None:
    """Return what ``1990-05-17``, ``05-17``, ``lunar:04-15`` or ``lunar:1990-04-15`` says; None for what is no day."""
    lunar, solar = _LUNAR.fullmatch(said.strip()), _SOLAR.fullmatch(said.strip())
    found = lunar or solar
    if found is None:
        return None
    year = None if found[1] is None else int(found[1])
    month, day = int(found[2]), int(found[3])
    if not 1 <= month <= MONTHS or (year is not None and year < FIRST_YEAR):
        return None
    longest = LUNAR_DAYS if lunar else monthrange(year or LEAP_YEAR, month)[1]
    return Birthday(month, day, year, lunar=lunar is not None) if 1 <= day <= longest else None


def kept_on(today: date) -> tuple[Day, ...]:
    """Return the days of which the anniversary is kept today: 29 February falls on 28 in common years."""
    on = (today.month, today.day)
    return (on, (2, 29)) if on == (2, 28) and not isleap(today.year) else (on,)


def kept_on_lunar(today: LunarDay) -> tuple[Day, ...]:
    """Return the lunar days of which the anniversary is kept today.

    The 30th falls on the 29th where the month ends then. In a leap month nothing is kept: it was, in the month of the same number before.
    """
    if today.leap:
        return ()
    on = (today.month, today.day)
    short = today.day == today.days < LUNAR_DAYS
    return (on, (today.month, LUNAR_DAYS)) if short else (on,)
