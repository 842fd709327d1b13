"""Telling of orders, payments, refunds and goals: once or many times, and whose they are."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot import forgetting
from bot.commands.command import CLI
from bot.ingest import (
    Buyer,
    Description,
    Goal,
    Noted,
    Payment,
    Refund,
    describe_customer,
    pay_order,
    place_order,
    reach_goal,
    refund_order,
    standing,
)
from bot.operations.reading import one_customer
from domain.customers.commands import MergeCustomers
from domain.customers.events import CustomerDescribed
from domain.errors import BadInput, Rejected, SiyuError, UnknownRecipient
from domain.goals.events import GoalReached
from domain.identity import Currency, Locale, Slug, ZoneName
from domain.purchases.events import OrderCorrected, OrderMatched, OrderPaid, OrderPlaced, OrderRefunded
from tests.bot.ingest.samples import (
    API,
    CNY,
    NUMBER,
    PHONE_OF_WANG,
    SAID_BY_WANG,
    an_order,
    has_phone,
    whose,
)
from tests.bot.premises import NOON, Premises
from tests.scenarios.bytescan import names_in, scan

PAYMENT = Payment(number=NUMBER, amount=18_900, currency=CNY, at=NOON)
REFUND = Refund(number=NUMBER, name="R1", amount=900, currency=CNY, at=NOON)
GOAL = Goal(goal="signed-up", key="form-7", at=NOON)


@pytest.fixture
def shop(premises: Premises) -> Premises:
    """Wang and Li wrote to it."""
    premises.says("wang", "你好")
    premises.says("li", "hello")
    premises.house.catch_up()
    return premises


def test_an_order_told_twice_is_one_and_the_answer_says_whose(shop: Premises) -> None:
    first = place_order(shop.house, an_order(), whose("wang"), by=API)
    assert first == Noted(True, Slug("contact"), shop.customer("wang"), first.purchase)
    again = place_order(shop.house, an_order(), whose("wang"), by=API)
    assert again == replace(first, changed=False)
    assert len(shop.events(OrderPlaced)) == 1
    assert standing(shop.house, NUMBER) == replace(first, changed=False)
    assert standing(shop.house, "unknown-1") is None


@pytest.mark.parametrize(
    "buyer, by",
    [
        (Buyer(phone=SAID_BY_WANG), "phone"),
        (Buyer(phone=PHONE_OF_WANG), "phone"),
        (Buyer(contact="Telegram：wang"), "contact"),
        (Buyer(unionid="o-unknown", phone=SAID_BY_WANG), "phone"),
        (Buyer(customer="#1"), "customer"),
        (Buyer(customer="＃1"), "customer"),
    ],
)
def test_a_buyer_is_named_in_many_ways(shop: Premises, buyer: Buyer, by: str) -> None:
    has_phone(shop)
    noted = place_order(shop.house, an_order(), buyer, by=API)
    assert (noted.by, noted.customer) == (by, shop.customer("wang"))


def test_a_phone_number_that_only_an_operator_noted_will_do(shop: Premises) -> None:
    has_phone(shop, "li", verified=False)
    noted = place_order(shop.house, an_order(), Buyer(phone=SAID_BY_WANG), by=API)
    assert (noted.by, noted.customer) == ("phone", shop.customer("li"))


def test_a_phone_number_noted_for_two_tells_nothing_until_they_are_one(shop: Premises) -> None:
    has_phone(shop, "li", verified=False)
    has_phone(shop, "wang", verified=False)
    assert place_order(shop.house, an_order(), Buyer(phone=SAID_BY_WANG), by=API).by is None
    wang, li = shop.customer("wang"), shop.customer("li")
    shop.house.do("operator-cli", MergeCustomers(customer=wang, other=li))
    noted = place_order(shop.house, an_order(), Buyer(phone=SAID_BY_WANG), by=API)
    assert (noted.by, noted.customer) == ("phone", wang)


def test_an_order_of_somebody_unknown_waits_and_is_theirs_when_they_write(shop: Premises) -> None:
    noted = place_order(shop.house, an_order(), whose("zhao"), by=API)
    assert (noted.changed, noted.by, noted.customer) == (True, None, None)
    shop.says("zhao", "我来了")
    found = standing(shop.house, NUMBER)
    assert found is not None
    assert (found.by, found.customer) == ("contact", shop.customer("zhao"))


def test_who_came_while_the_views_looked_elsewhere_is_found_all_the_same(shop: Premises) -> None:
    """The views never heard of Zhao when the order came."""
    shop.says("zhao", "hello")
    noted = place_order(shop.house, an_order(), whose("zhao"), by=API)
    assert (noted.by, noted.customer) == ("contact", shop.customer("zhao"))


def test_the_answer_names_who_answers_for_them_now(shop: Premises) -> None:
    wang, li = shop.customer("wang"), shop.customer("li")
    shop.house.do("operator-cli", MergeCustomers(customer=wang, other=li))
    assert place_order(shop.house, an_order(), Buyer(customer=li), by=API).customer == wang


def test_a_payment_of_an_unknown_order_tells_of_the_order_too(shop: Premises) -> None:
    noted = pay_order(shop.house, PAYMENT, whose("li"), by=API)
    assert (noted.changed, noted.customer) == (True, shop.customer("li"))
    assert [len(shop.events(kind)) for kind in (OrderPlaced, OrderPaid, OrderMatched)] == [1, 1, 1]


def test_a_payment_leaves_what_the_order_came_to_and_is_noted_once(shop: Premises) -> None:
    place_order(shop.house, an_order(), by=API)
    assert pay_order(shop.house, PAYMENT, by=API).changed
    assert not pay_order(shop.house, PAYMENT, by=API).changed
    assert shop.events(OrderCorrected) == []
    assert place_order(shop.house, an_order(amount=20_000), by=API).changed
    assert len(shop.events(OrderCorrected)) == 1


def test_a_refund_is_one_by_its_name(shop: Premises) -> None:
    place_order(shop.house, an_order(), by=API)
    assert refund_order(shop.house, REFUND, by=API).changed
    assert not refund_order(shop.house, REFUND, by=API).changed
    assert refund_order(shop.house, replace(REFUND, name="R2"), by=API).changed
    assert len(shop.events(OrderRefunded)) == 2
    with pytest.raises(UnknownRecipient, match="no such order"):
        refund_order(shop.house, replace(REFUND, number="other-1"), by=API)


def test_a_goal_is_reached_once_for_its_key(shop: Premises) -> None:
    first = reach_goal(shop.house, GOAL, whose("wang"), by=API)
    assert first == Noted(True, Slug("contact"), shop.customer("wang"))
    assert reach_goal(shop.house, GOAL, whose("li"), by=API) == replace(first, changed=False)
    assert reach_goal(shop.house, replace(GOAL, goal="came-back"), whose("li"), by=API).changed
    assert len(shop.events(GoalReached)) == 2
    shop.says("zhao", "hello")
    assert reach_goal(shop.house, replace(GOAL, key="y"), whose("zhao"), by=API).customer is not None
    with pytest.raises(UnknownRecipient, match="no such customer"):
        reach_goal(shop.house, replace(GOAL, key="x"), Buyer(phone="+8613900139000"), by=API)


def test_what_happened_is_kept_apart_from_when_we_heard_of_it(shop: Premises) -> None:
    place_order(shop.house, an_order(), by=API)
    (recorded,) = [r for r in shop.everything() if isinstance(r.event, OrderPlaced)]
    assert (recorded.occurred_at, recorded.actor) == (NOON - timedelta(days=1), "operator-shop")
    assert recorded.recorded_at > recorded.occurred_at


NAIVE = datetime(2026, 11, 1, 12)  # noqa: DTZ001  # that is what is wrong with it


@pytest.mark.parametrize(
    "change, why",
    [
        ({"number": " "}, "has 1 to 64 characters"),
        ({"number": "9" * 65}, "has 1 to 64 characters"),
        ({"at": NOON + timedelta(days=3)}, "is in the future"),
        ({"at": NAIVE}, "a time needs its zone"),
        ({"amount": -1}, "an amount is not negative"),
        ({"items": [{}] * 201}, "an order lists at most 200 items"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_nothing_is_stored(
    shop: Premises, change: dict[str, object], why: str
) -> None:
    before = shop.house.log.head()
    with pytest.raises(SiyuError, match=why):
        place_order(shop.house, replace(an_order(), **change), whose("wang"), by=API)  # type: ignore[arg-type]  # as told
    assert shop.house.log.head() == before


@pytest.mark.parametrize(
    "buyer, error",
    [
        (Buyer(phone="12"), BadInput),
        (Buyer(contact="telegram"), BadInput),
        (Buyer(customer="x" * 300), BadInput),
        (Buyer(customer="#999"), UnknownRecipient),
        (Buyer(customer="nobody"), UnknownRecipient),
    ],
)
def test_a_buyer_who_cannot_be_is_refused(shop: Premises, buyer: Buyer, error: type[SiyuError]) -> None:
    with pytest.raises(error):
        place_order(shop.house, an_order(), buyer, by=API)
    assert standing(shop.house, NUMBER) is None


def test_a_goal_is_a_code_and_an_order_keeps_its_currency(shop: Premises) -> None:
    for code in ("Signed up", "", "-", "x" * 65):
        with pytest.raises(BadInput, match="a goal is a lower-case code"):
            reach_goal(shop.house, replace(GOAL, goal=code), whose("wang"), by=API)
    place_order(shop.house, an_order(), by=API)
    with pytest.raises(Rejected, match="this order is in CNY, not in USD"):
        pay_order(shop.house, replace(PAYMENT, currency=Currency("USD")), by=API)


def test_what_is_known_of_somebody_is_described_once(shop: Premises) -> None:
    facts = Description(birthday="1990-05-17", language=Locale("zh"), zone=ZoneName("Asia/Tokyo"))
    shop.house.catch_up()
    noted = describe_customer(shop.house, facts, whose("wang"), by=API)
    assert noted == Noted(True, Slug("contact"), shop.customer("wang"))
    assert not describe_customer(shop.house, facts, Buyer(customer="#1"), by=API).changed
    assert len(shop.events(CustomerDescribed)) == 1
    assert describe_customer(shop.house, facts, whose("stranger"), by=API) == Noted(changed=False)


# --- privacy -------------------------------------------------------------------------------------------------------

CANARIES = {"number": "CANARY-NUMBER-7788", "item": "canary-item-zq", "phone": PHONE_OF_WANG[1:]}


def test_nothing_of_an_order_lies_in_clear_and_nothing_is_left_once_its_buyer_is_forgotten(
    shop: Premises,
) -> None:
    """Byte by byte, over all files: of an order that came before its buyer was known, too."""
    order = replace(an_order(CANARIES["number"]), items=[{"name": CANARIES["item"]}])
    place_order(shop.house, order, Buyer(phone=PHONE_OF_WANG), by=API)
    place_order(shop.house, replace(order, number=f"{CANARIES['number']}-2"), whose("wang"), by=API)
    shop.house.catch_up()
    folder = shop.house.settings.data
    assert all("views.db" in file for file in scan(CANARIES, folder))
    has_phone(shop)
    shop.house.catch_up()
    assert names_in(scan(CANARIES, folder)) == CANARIES.keys()  # so the scan works
    forgetting.forget(shop.house, one_customer(shop.house, "#1"), CLI)
    assert scan(CANARIES, folder) == {}
    placed = shop.events(OrderPlaced)
    assert [event.number.value for event in placed] == ["[forgotten]", "[forgotten]"]
    assert [event.items.value for event in placed if event.items is not None] == [[], []]


def test_what_the_shop_still_tells_of_a_forgotten_order_does_no_harm(shop: Premises) -> None:
    place_order(shop.house, an_order(), whose("wang"), by=API)
    shop.house.catch_up()
    forgetting.forget(shop.house, one_customer(shop.house, "#1"), CLI)
    again = place_order(shop.house, an_order(), whose("wang"), by=API)
    assert (again.changed, again.customer) == (False, None)
    assert refund_order(shop.house, REFUND, by=API).customer is None
    assert shop.events(OrderPlaced)[0].number.value == "[forgotten]"
