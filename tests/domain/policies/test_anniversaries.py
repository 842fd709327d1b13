"""Anniversaries: on which day they are kept."""

from datetime import date, timedelta

import pytest

from domain.policies.anniversaries import Birthday, LunarDay, birthday_of, kept_on, kept_on_lunar


@pytest.mark.parametrize(
    "said, expected",
    [
        ("1990-05-17", Birthday(5, 17, 1990)),
        ("05-17", Birthday(5, 17)),
        ("lunar:04-15", Birthday(4, 15, lunar=True)),
        ("lunar:1990-04-15", Birthday(4, 15, 1990, lunar=True)),
        ("02-29", Birthday(2, 29)),
        ("2000-02-29", Birthday(2, 29, 2000)),
        ("2001-02-29", None),
        ("04-31", None),
        ("lunar:04-30", Birthday(4, 30, lunar=True)),
        ("lunar:04-31", None),
        ("13-01", None),
        ("00-10", None),
        ("1700-01-01", None),
        ("[forgotten]", None),
        ("", None),
        ("0517", None),
    ],
)
def test_birthdays_as_they_are_told(said: str, expected: Birthday | None) -> None:
    assert birthday_of(said) == expected


def test_29_february_falls_on_28_in_common_years() -> None:
    assert kept_on(date(2026, 2, 28)) == ((2, 28), (2, 29))
    assert kept_on(date(2028, 2, 28)) == ((2, 28),)
    assert kept_on(date(2028, 2, 29)) == ((2, 29),)
    assert kept_on(date(2026, 3, 1)) == ((3, 1),)


@pytest.mark.parametrize("year", [2026, 2028, 2100])
def test_every_day_of_the_year_is_kept_once_in_every_year(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    kept = [on for day in days if day.year == year for on in kept_on(day)]
    assert len(kept) == len(set(kept)) == 366


def test_the_lunar_30th_falls_on_the_29th_where_the_month_ends_then() -> None:
    assert kept_on_lunar(LunarDay(4, 29, days=29)) == ((4, 29), (4, 30))
    assert kept_on_lunar(LunarDay(4, 29, days=30)) == ((4, 29),)
    assert kept_on_lunar(LunarDay(4, 30, days=30)) == ((4, 30),)


def test_a_leap_month_repeats_no_birthday() -> None:
    assert kept_on_lunar(LunarDay(6, 15, days=30, leap=True)) == ()
