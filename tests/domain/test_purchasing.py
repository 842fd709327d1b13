"""Purchasing: an order finds its buyer, whichever of the two comes first."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.conversations.commands import Message, Sender
from domain.conversations.events import ContentKind
from domain.customers.commands import MergeCustomers
from domain.dispatch import Done
from domain.errors import UnknownRecipient
from domain.forgetting import ForgetCustomer
from domain.goals.events import GoalReached
from domain.identity import CustomerId, Digest, OperatorId, Slug
from domain.message import Command, Personal
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode
from domain.operators.events import Role
from domain.policies.signs import Sign, address_sign, sign_of
from domain.processes.identifying import PHONE, UNIONID, identified_by
from domain.purchases.claim import claims
from domain.purchases.commands import FindBuyer
from domain.purchases.events import OrderAwaited, OrderMatched, OrderPlaced
from domain.purchases.numbers import purchase_of
from domain.purchases.purchase import purchases
from tests.domain.controls import commands
from tests.domain.controls.ids import NOON, TELEGRAM
from tests.domain.logs import EventfulLog
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, came, said

NUMBER, PHONE_NUMBER = "A-20260302-17", "+8613800138000"


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"), said("hello", LIN))


def order(
    shop: Shop, *signs: Sign, customer: CustomerId | None = None, number: str = NUMBER
) -> Sequence[Command]:
    """An order comes in."""
    purchase = purchase_of(shop.digest, number)
    place = replace(commands.PLACE_ORDER, purchase=purchase, number=Personal(number))
    return place, FindBuyer(purchase=purchase, customer=customer, signs=signs)


def by_phone(shop: Shop, number: str = PHONE_NUMBER) -> Sign:
    return sign_of(shop.digest, PHONE, number)


def has_phone(shop: Shop, who: Sender = WANG, *, verified: bool = True) -> Command:
    return identified_by(shop.contact(who), PHONE, PHONE_NUMBER, verified=verified, digest=shop.digest)


def matches(shop: Shop) -> list[tuple[str, str | None, str | None]]:
    return [(m.by, m.contact, m.customer) for m in shop.all_of(OrderMatched)]


def test_a_customer_who_is_named_has_the_order(shop: Shop) -> None:
    shop.when(*order(shop, customer=shop.customer())).then_kinds(OrderPlaced, OrderMatched)
    assert matches(shop) == [("customer", None, shop.customer())]


def test_a_customer_who_does_not_exist_is_an_error_and_nothing_is_stored(shop: Shop) -> None:
    shop.when(*order(shop, customer=CustomerId("nobody"))).then_failed("no such customer", UnknownRecipient)
    assert shop.all_of(OrderPlaced) == []


def test_whoever_has_the_phone_number_has_the_order(shop: Shop) -> None:
    shop.given(has_phone(shop)).when(*order(shop, by_phone(shop))).then_kinds(OrderPlaced, OrderMatched)
    assert matches(shop) == [("phone", shop.contact(), None)]


def test_an_order_waits_for_whoever_shares_the_phone_number_later(shop: Shop) -> None:
    shop.when(*order(shop, by_phone(shop))).then_kinds(OrderPlaced, OrderAwaited)
    own = {"phone": PHONE_NUMBER, "own": True}
    shop.given(came(Message(text="", kind=ContentKind.CONTACT, details=own)))
    assert matches(shop) == [("phone", shop.contact(), None)]


def test_an_order_waits_for_somebody_who_writes_for_the_first_time(shop: Shop) -> None:
    new = Sender(external_id="77", name="赵敏")
    shop.when(*order(shop, address_sign(shop.digest, TELEGRAM, "77")))
    assert matches(shop) == []
    shop.given(said("我来了", new))
    assert matches(shop) == [("contact", shop.contact(new), None)]


def test_an_order_whose_number_is_said_in_the_chat_is_theirs(shop: Shop) -> None:
    shop.when(*order(shop))
    shop.given(said("请问 a-20260302-17 发货了吗？", LIN))
    assert matches(shop) == [("number", shop.contact(LIN), None)]


def test_a_number_that_is_said_costs_no_look_into_the_log_unless_it_is_an_order_s() -> None:
    log = EventfulLog()
    shop = Shop(log=log).given(said("你好"), said("hello", LIN))
    shop.when(*order(shop))
    shop.dispatcher.forget_states()
    log.reads.clear()

    first, second = shop.batch(said("my invoice says B-20260302-18", WANG), said(f"{NUMBER}, please", LIN))

    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert matches(shop) == [("number", shop.contact(LIN), None)]
    looked_at = [stream_id for stream_id, _ in log.reads if stream_id.startswith("purchase-")]
    assert looked_at == [f"purchase-{purchase_of(shop.digest, NUMBER)}"]


@pytest.mark.parametrize("where", ["group", "forwarded", "somebody else's"])
def test_a_number_that_proves_nothing_changes_nothing(shop: Shop, where: str) -> None:
    shop.when(*order(shop, customer=shop.customer() if where == "somebody else's" else None))
    before = matches(shop)
    shop.given(said(NUMBER, LIN, chat=TEA_FANS if where == "group" else None, forwarded=where == "forwarded"))
    assert matches(shop) == before


def test_what_an_operator_quotes_is_not_theirs(shop: Shop) -> None:
    li = OperatorId("li")
    add = AddOperator(operator=li, name=Personal("Li"), name_digest=Digest("li"), role=Role.AGENT)
    code = IssueBindCode(operator=li, code=Digest("code"), expires_at=NOON.replace(year=2027))
    shop.given(add, code, BindOperator(code=Digest("code"), contact=shop.contact(LIN)))
    shop.when(*order(shop))
    shop.given(said(NUMBER, LIN))
    assert matches(shop) == []


def test_the_first_sign_that_leads_to_somebody_counts(shop: Shop) -> None:
    shop.given(has_phone(shop))
    unionid = sign_of(shop.digest, UNIONID, "o-nobody")
    shown = Sign(kind=Slug("contact"), digest=Digest("x"), contact=shop.contact(LIN))
    shop.when(*order(shop, unionid, by_phone(shop), shown))
    assert matches(shop) == [("phone", shop.contact(), None)]


def test_whom_a_channel_vouches_for_goes_before_whom_an_operator_noted(shop: Shop) -> None:
    shop.given(has_phone(shop, WANG))
    noted = replace(by_phone(shop), contact=shop.contact(LIN))
    shop.when(*order(shop, noted))
    assert matches(shop) == [("phone", shop.contact(WANG), None)]


def test_a_phone_number_that_an_operator_notes_finds_what_waits_for_it(shop: Shop) -> None:
    shop.when(*order(shop, by_phone(shop)))
    shop.given(has_phone(shop, LIN, verified=False))
    assert matches(shop) == [("phone", shop.contact(LIN), None)]


def test_an_order_told_again_with_a_sign_is_matched_then(shop: Shop) -> None:
    shop.when(*order(shop)).then_kinds(OrderPlaced)
    shop.given(has_phone(shop))
    shop.when(*order(shop, by_phone(shop))).then_kinds(OrderMatched)
    shop.when(*order(shop, by_phone(shop))).then()


def test_several_orders_that_wait_are_all_found(shop: Shop) -> None:
    for number in ("B-2026-0001", "B-2026-0002"):
        shop.when(*order(shop, by_phone(shop), number=number))
    shop.given(has_phone(shop))
    assert [contact for _, contact, _ in matches(shop)] == [shop.contact()] * 2


def test_a_customer_who_was_merged_away_may_still_be_named(shop: Shop) -> None:
    record = shop.customer(LIN)
    shop.given(MergeCustomers(customer=shop.customer(), other=record))
    shop.when(*order(shop, customer=record))
    assert matches(shop) == [("customer", None, record)]


def forget(shop: Shop, who: Sender = WANG) -> ForgetCustomer:
    return ForgetCustomer(customer=shop.customer(who), addresses=((shop.contact(who), Digest("a")),))


def test_nobody_who_was_forgotten_gets_an_order(shop: Shop) -> None:
    shop.given(has_phone(shop))
    customer, contact = shop.customer(), shop.contact()
    shop.given(forget(shop))
    shop.when(*order(shop, customer=customer)).then_failed("no such customer", UnknownRecipient)
    shown = replace(by_phone(shop), contact=contact)
    shop.when(*order(shop, shown)).then_kinds(OrderPlaced, OrderAwaited)


def test_an_order_and_a_phone_number_that_come_at_the_same_time_find_each_other() -> None:
    log = EventfulLog()
    one = Shop(log=log)
    one.given(said("你好"))
    other = Shop(log=log, identities=one.identities)
    log.before.append(lambda: _must(other, has_phone(one)))
    one.when(*order(one, by_phone(one)))
    assert matches(one) == [("phone", one.contact(), None)]


def test_a_phone_number_and_an_order_that_come_at_the_same_time_find_each_other() -> None:
    log = EventfulLog()
    one = Shop(log=log)
    one.given(said("你好"))
    other = Shop(log=log, identities=one.identities)
    log.before.append(lambda: _must(other, *order(other, by_phone(other))))
    one.given(has_phone(one))
    assert matches(one) == [("phone", one.contact(), None)]


def test_an_order_that_names_somebody_who_is_being_forgotten_is_not_theirs() -> None:
    log = EventfulLog()
    one = Shop(log=log)
    one.given(said("你好"))
    customer, promise = one.customer(), forget(one)
    other = Shop(log=log, identities=one.identities)
    log.before.append(lambda: _must(other, promise))
    one.when(*order(one, customer=customer)).then_failed("no such customer", UnknownRecipient)
    assert matches(one) == []


def _must(shop: Shop, *told: Command) -> None:
    (result,) = shop.dispatcher.step([shop.request(*told)])
    assert isinstance(result, Done), result


def test_a_goal_is_of_the_customer_or_of_whoever_has_the_sign(shop: Shop) -> None:
    shop.given(has_phone(shop))
    named = replace(commands.REACH_GOAL, customer=shop.customer(LIN))
    shop.when(named).then_kinds(GoalReached)
    shop.when(named).then()
    signed = replace(named, key=Digest("two"), customer=None, signs=(by_phone(shop),))
    shop.when(signed).then_kinds(GoalReached)
    first, second = shop.all_of(GoalReached)
    assert (first.by, first.customer, first.contact) == ("customer", shop.customer(LIN), None)
    assert (second.by, second.customer, second.contact) == ("phone", None, shop.contact())


def test_a_goal_of_nobody_known_is_refused_so_that_it_is_told_again_later(shop: Shop) -> None:
    unknown = replace(commands.REACH_GOAL, customer=None, signs=(by_phone(shop),))
    for command in (
        unknown,
        replace(unknown, customer=CustomerId("x"), signs=()),
        replace(unknown, signs=()),
    ):
        shop.when(command).then_failed("no such customer", UnknownRecipient)
    shop.given(has_phone(shop)).when(unknown).then_kinds(GoalReached)


def test_what_waits_names_nobody_in_clear(shop: Shop) -> None:
    shop.when(*order(shop, by_phone(shop)))
    purchase = purchase_of(shop.digest, NUMBER)
    assert shop.state(claims, by_phone(shop).digest).waiting == (purchase,)
    assert shop.state(purchases, purchase).by is None
    assert PHONE_NUMBER not in repr(shop.recorded())
    assert NUMBER not in repr(shop.recorded())


def test_an_order_number_is_the_same_in_any_width_and_case(shop: Shop) -> None:
    assert purchase_of(shop.digest, " Ａ-20260302-17 ") == purchase_of(shop.digest, NUMBER.lower())
    assert purchase_of(shop.digest, "other-1234") != purchase_of(shop.digest, NUMBER)
