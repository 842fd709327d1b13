"""Days that not every year has, and years that no table has: who is congratulated when."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from bot.reading import FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR, SqlAudience, lunar_day
from domain.customers.commands import DescribeCustomer
from domain.identity import Slug
from domain.message import Personal
from domain.policies.occasions import BIRTHDAY, MEMBER_ANNIVERSARY
from domain.ports.audience import Whom
from tests.bot.premises import Premises

BEYOND = LAST_LUNAR_YEAR + 1
BORN = {"sun": "1990-02-17", "leap": "2000-02-29", "moon": "lunar:01-01", "eve": "lunar:12-30"}


@pytest.fixture
def audience(premises: Premises) -> SqlAudience:
    """Four customers, each with a birthday of their kind; ``leap`` became a member on 29 February."""
    for who, born in BORN.items():
        premises.says(who, "hi")
        customer, since = premises.customer(who), date(2024, 2, 29) if who == "leap" else None
        described = DescribeCustomer(
            customer=customer, birthday=Personal(born), member_since=since, source=Slug("x")
        )
        premises.house.do("system", described)
    premises.house.catch_up()
    return SqlAudience(premises.house.views, "Tea House")


def days_of(year: int) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    return [day for day in days if day.year == year]


def kept_in(
    year: int, premises: Premises, audience: SqlAudience, occasion: Slug = BIRTHDAY
) -> dict[str, list[date]]:
    """On which days of the year's beginning each of them is meant; all they have lies there."""
    names = {premises.contact(who): who for who in BORN}
    found: dict[str, list[date]] = {who: [] for who in BORN}
    for day in (day for day in days_of(year) if day <= date(year, 3, 5)):
        for one in audience.page(Whom(occasion=occasion, day=day), 0, 10):
            found[names[one.contact]].append(day)
    return found


def test_whoever_was_born_on_29_february_is_meant_once_a_year(
    premises: Premises, audience: SqlAudience
) -> None:
    found = [kept_in(year, premises, audience)["leap"] for year in (2028, 2100)]
    assert found == [[date(2028, 2, 29)], [date(2100, 2, 28)]]


def test_whoever_became_a_member_on_29_february_is_meant_once_a_year_from_the_next_on(
    premises: Premises, audience: SqlAudience
) -> None:
    found = [kept_in(year, premises, audience, MEMBER_ANNIVERSARY)["leap"] for year in (2024, 2025, 2028)]
    assert found == [[], [date(2025, 2, 28)], [date(2028, 2, 29)]]


def test_in_a_year_that_the_lunar_tables_lack_birthdays_by_the_sun_are_kept_and_nobody_is_meant_wrongly(
    premises: Premises, audience: SqlAudience
) -> None:
    assert kept_in(BEYOND, premises, audience) == {
        "sun": [date(BEYOND, 2, 17)],
        "leap": [date(BEYOND, 2, 28)],
        "moon": [],
        "eve": [],
    }
    assert len(kept_in(LAST_LUNAR_YEAR, premises, audience)["moon"]) == 1


@pytest.mark.parametrize("year", [FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR])
def test_the_lunar_tables_have_every_day_up_to_their_ends(year: int) -> None:
    there = [lunar_day(day) for day in days_of(year)]
    assert None not in there
    follows = [
        (one.day, other.day)
        for one, other in pairwise(there)
        if one is not None and other is not None and other.day != 1
    ]
    assert all(other == one + 1 for one, other in follows)
    assert [lunar_day(day) for day in days_of(FIRST_LUNAR_YEAR - 1) + days_of(BEYOND) if lunar_day(day)] == []
