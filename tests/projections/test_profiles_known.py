"""What other systems told of customers: whose birthday is kept today, solar and lunar, and who is a member for years."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Select

from domain.customers.commands import DescribeCustomer, MergeCustomers, UnmergeCustomer
from domain.forgetting import ForgetCustomer
from domain.identity import CustomerId, Digest, Locale, Slug, ZoneName
from domain.message import Personal
from domain.policies.anniversaries import Birthday, LunarDay
from projections.engine import Projector
from projections.people import customers
from projections.profiles_known import KnownProfile, born_on, known_of, members_for_years_on
from tests.projections.house import House, must
from tests.projections.reading import catch_up

MAY_17 = date(2026, 5, 17)


@pytest.fixture
def house() -> House:
    house = House()
    for who in ("wang", "li", "zhao"):
        house.says(who, "hi")
    return house


def describes(
    house: House,
    who: str,
    birthday: str | None = None,
    *,
    since: date | None = None,
    language: str | None = None,
    zone: str | None = None,
) -> CustomerId:
    customer = house.customer(who)
    command = DescribeCustomer(
        customer=customer,
        birthday=None if birthday is None else Personal(birthday),
        member_since=since,
        language=None if language is None else Locale(language),
        zone=None if zone is None else ZoneName(zone),
        source=Slug("import"),
    )
    must(house.do(command))
    return customer


def asked(projector: Projector, question: Select[Any]) -> set[str]:
    catch_up(projector)
    with projector.views.read() as connection:
        return set(connection.execute(question).scalars())


def test_birthdays_are_kept_on_their_day_with_and_without_a_year(projector: Projector, house: House) -> None:
    wang, li = describes(house, "wang", "1990-05-17"), describes(house, "li", "05-17")
    describes(house, "zhao", "05-18")
    assert asked(projector, born_on(MAY_17, None)) == {wang, li}


def test_lunar_birthdays_are_kept_by_the_lunar_day_and_by_no_other(
    projector: Projector, house: House
) -> None:
    wang, li = describes(house, "wang", "lunar:04-30"), describes(house, "li", "04-30")
    short = LunarDay(4, 29, days=29)
    assert asked(projector, born_on(date(2026, 6, 1), short)) == {wang}
    assert asked(projector, born_on(date(2026, 4, 30), LunarDay(3, 14, days=30))) == {li}
    assert asked(projector, born_on(date(2026, 6, 1), None)) == set()


def test_29_february_is_kept_on_28_in_common_years(projector: Projector, house: House) -> None:
    wang = describes(house, "wang", "2000-02-29")
    assert asked(projector, born_on(date(2026, 2, 28), None)) == {wang}
    assert asked(projector, born_on(date(2028, 2, 28), None)) == set()
    assert asked(projector, born_on(date(2028, 2, 29), None)) == {wang}


def test_a_members_day_is_kept_from_the_second_year_on(projector: Projector, house: House) -> None:
    wang = describes(house, "wang", since=date(2024, 5, 17))
    describes(house, "li", since=MAY_17)
    describes(house, "zhao", since=date(2024, 5, 16))
    assert asked(projector, members_for_years_on(MAY_17)) == {wang}


def test_what_is_told_later_counts_and_what_is_not_said_stays(projector: Projector, house: House) -> None:
    wang = describes(house, "wang", "1990-05-17", language="zh")
    describes(house, "wang", "1991-06-18", zone="Asia/Tokyo")
    describes(house, "wang", "somewhen")
    catch_up(projector)
    with projector.views.read() as connection:
        assert known_of(connection, [wang, house.customer("li")]) == {
            wang: KnownProfile(Birthday(6, 18, 1991), None, Locale("zh"), ZoneName("Asia/Tokyo"))
        }
    assert asked(projector, born_on(MAY_17, None)) == set()


def test_of_merged_records_the_one_that_answers_has_the_say(projector: Projector, house: House) -> None:
    wang, li = describes(house, "wang", "05-17"), describes(house, "li", "05-18", zone="Asia/Tokyo")
    zhao = describes(house, "zhao", language="en")
    must(house.do(MergeCustomers(customer=wang, other=li)))
    assert asked(projector, born_on(MAY_17, None)) == {wang}
    assert asked(projector, born_on(date(2026, 5, 18), None)) == set()
    must(house.do(UnmergeCustomer(customer=li)))
    assert asked(projector, born_on(date(2026, 5, 18), None)) == {li}
    must(house.do(MergeCustomers(customer=zhao, other=li)))
    assert asked(projector, born_on(date(2026, 5, 18), None)) == {zhao}
    with projector.views.read() as connection:
        assert known_of(connection, [zhao])[zhao] == KnownProfile(
            Birthday(5, 18), None, Locale("en"), ZoneName("Asia/Tokyo")
        )


def test_the_question_narrows_who_is_listed_by_number(projector: Projector, house: House) -> None:
    wang, li = describes(house, "wang", "05-17"), describes(house, "li", "05-17")
    catch_up(projector)
    with projector.views.read() as connection:
        page = customers.listed(connection, among=born_on(MAY_17, None), limit=1)
        rest = customers.listed(connection, among=born_on(MAY_17, None), after=page[0].number)
    assert [customer.id for customer in (*page, *rest)] == [wang, li]


def test_of_the_forgotten_nothing_is_known(projector: Projector, house: House) -> None:
    wang = describes(house, "wang", "1990-05-17", since=date(2024, 5, 17))
    must(house.do(ForgetCustomer(customer=wang, addresses=((house.contact("wang"), Digest("a")),))))
    assert asked(projector, born_on(MAY_17, None)) == set()
    with projector.views.read() as connection:
        assert known_of(connection, [wang]) == {}
