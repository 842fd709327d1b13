"""Occasions: the days of a year on which something is sent."""

from datetime import date

import pytest

from domain.errors import Rejected
from domain.identity import Slug
from domain.policies.occasions import BIRTHDAY, day_of, kept, sends_on


def test_a_day_of_the_year_comes_once_a_year_and_an_own_one_may_be_any_day() -> None:
    assert sends_on(date(2026, 6, 18), Slug("06-18"), 0)
    assert not sends_on(date(2026, 6, 19), Slug("06-18"), 0)
    assert sends_on(date(2026, 6, 19), BIRTHDAY, 0)
    assert (day_of(Slug("11-11")), day_of(BIRTHDAY)) == ((11, 11), None)


def test_days_before_and_after_count_over_months_and_years() -> None:
    assert sends_on(date(2026, 6, 15), Slug("06-18"), -3)
    assert sends_on(date(2026, 12, 31), Slug("01-01"), -1)
    assert sends_on(date(2027, 1, 1), Slug("12-31"), 1)
    assert kept(date(2026, 12, 31), -1) == date(2027, 1, 1)


def test_the_29th_of_february_is_kept_on_the_28th_in_common_years() -> None:
    assert sends_on(date(2026, 2, 28), Slug("02-29"), 0)
    assert not sends_on(date(2028, 2, 28), Slug("02-29"), 0)
    assert sends_on(date(2028, 2, 29), Slug("02-29"), 0)
    assert sends_on(date(2026, 2, 26), Slug("02-29"), -2)


@pytest.mark.parametrize("said", ["13-01", "02-30", "2026-06-18", "lunar:08-15", "easter", ""])
def test_what_is_no_day_of_every_year_is_refused(said: str) -> None:
    with pytest.raises(Rejected) as refused:
        day_of(Slug(said))
    assert "write birthday, member-anniversary or one like 06-18" in str(refused.value)
