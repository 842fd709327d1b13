"""Purchases: an order is one by its number, whoever tells of it and how often."""

from dataclasses import replace

from domain.errors import UnknownRecipient
from domain.identity import Currency, Digest, PurchaseId, Slug
from domain.purchases.claim import MOST_AWAITED, ClaimState, claims
from domain.purchases.commands import AwaitOrder, MatchOrder
from domain.purchases.events import OrderAwaited
from domain.purchases.numbers import MOST_NUMBERS_SAID, numbers_said
from domain.purchases.purchase import PurchaseState, purchases
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, CNY, CODE, MRS_WANG, TEA_ORDER
from tests.domain.given import given

PLACED, PAID = events.ORDER_PLACED, events.ORDER_PAID
NEGATIVE = "an amount is not negative: tell of money that goes back as a refund"


def test_an_order_is_placed_once_however_often_it_is_told() -> None:
    given(purchases).when(commands.PLACE_ORDER).then(PLACED)
    given(purchases, PLACED).when(commands.PLACE_ORDER).then_nothing()


def test_another_amount_is_a_correction_and_the_last_word_counts() -> None:
    less = replace(commands.PLACE_ORDER, amount=18_900)
    after = given(purchases, PLACED).when(less).then(events.ORDER_CORRECTED)
    assert after.amount == 18_900
    given(purchases, PLACED, events.ORDER_CORRECTED).when(less).then_nothing()


def test_whoever_may_not_correct_leaves_an_order_and_its_payment_as_they_are_known() -> None:
    old = replace(commands.PLACE_ORDER, amount=1, corrects=False)
    given(purchases, PLACED).when(old).then_nothing()
    given(purchases).when(old).then(replace(PLACED, amount=1))
    pay = replace(commands.PAY_ORDER, amount=1, corrects=False)
    given(purchases, PLACED, PAID).when(pay).then_nothing()
    given(purchases, PLACED).when(pay).then(replace(PAID, amount=1))


def test_an_orders_currency_does_not_change() -> None:
    told = "this order is in CNY, not in USD: an order's currency does not change"
    for command in (commands.PLACE_ORDER, commands.PAY_ORDER, commands.REFUND_ORDER):
        given(purchases, PLACED).when(replace(command, currency=Currency("USD"))).then_rejected(told)


def test_an_amount_is_not_negative() -> None:
    for command in (commands.PLACE_ORDER, commands.PAY_ORDER):
        given(purchases, PLACED).when(replace(command, amount=-1)).then_rejected(NEGATIVE)
    given(purchases).when(replace(commands.PLACE_ORDER, amount=-1)).then_rejected(NEGATIVE)


def test_a_payment_is_noted_once_and_corrected() -> None:
    given(purchases, PLACED).when(commands.PAY_ORDER).then(PAID)
    given(purchases, PLACED, PAID).when(commands.PAY_ORDER).then_nothing()
    more = replace(commands.PAY_ORDER, amount=19_000)
    given(purchases, PLACED, PAID).when(more).then(replace(PAID, amount=19_000))


def test_nothing_is_paid_or_given_back_of_an_order_nobody_placed() -> None:
    for command in (commands.PAY_ORDER, commands.REFUND_ORDER):
        given(purchases).when(command).then_rejected(
            "no such order: tell of the order first", UnknownRecipient
        )


def test_a_refund_is_one_by_its_name_and_several_may_not_be_more_than_the_order() -> None:
    back = events.ORDER_REFUNDED
    given(purchases, PLACED).when(commands.REFUND_ORDER).then(back)
    given(purchases, PLACED, back).when(commands.REFUND_ORDER).then_nothing()
    rest = replace(commands.REFUND_ORDER, refund=Digest("rest"), amount=19_000)
    given(purchases, PLACED, back).when(rest).then(replace(back, refund=Digest("rest"), amount=19_000))
    given(purchases, PLACED, back).when(replace(rest, amount=19_001)).then_rejected(
        "a refund of 19001 does not fit: at most 19000 of this order can go back (smallest unit of CNY)"
    )
    for none in (0, -5):
        assert given(purchases, PLACED).when(replace(rest, amount=none)).error is not None


def test_what_was_matched_first_stays() -> None:
    by_phone = commands.MATCH_ORDER
    given(purchases, PLACED).when(by_phone).then(events.ORDER_MATCHED)
    other = MatchOrder(purchase=TEA_ORDER, by=Slug("customer"), customer=MRS_WANG)
    given(purchases, PLACED, events.ORDER_MATCHED).when(other).then_nothing()
    given(purchases).when(by_phone).then_nothing()


def test_the_state_after_all_of_it() -> None:
    last = given(purchases, PLACED, PAID, events.ORDER_REFUNDED, events.ORDER_MATCHED).state
    assert last == PurchaseState(
        currency=CNY,
        amount=19_900,
        paid=18_900,
        refunded=900,
        refunds=frozenset({CODE}),
        by=Slug("phone"),
        contact=ALICE,
    )


def test_an_order_waits_once_for_a_sign_and_a_till_keeps_no_more_than_so_many_waiting() -> None:
    given(claims).when(commands.AWAIT_ORDER).then(events.ORDER_AWAITED)
    given(claims, events.ORDER_AWAITED).when(commands.AWAIT_ORDER).then_nothing()
    many = [OrderAwaited(sign=CODE, purchase=PurchaseId(f"p{n}")) for n in range(MOST_AWAITED)]
    full = given(claims, *many)
    assert len(full.state.waiting) == MOST_AWAITED
    full.when(AwaitOrder(sign=CODE, purchase=TEA_ORDER)).then_nothing()
    assert given(claims).state == ClaimState()


def test_what_looks_like_an_order_number_in_a_message() -> None:
    assert numbers_said("我的订单号Ａ－20260302－17还没发货") == ["a-20260302-17"]
    assert numbers_said("call me at 12:30 or 1234") == []
    assert numbers_said("order abcdef and ab12cd") == []
    assert numbers_said("20260001 20260001 20260002") == ["20260001", "20260002"]
    many = " ".join(str(10_000_000 + n) for n in range(9))
    assert len(numbers_said(many)) == MOST_NUMBERS_SAID
    assert numbers_said("x" * 500 + "1234567890" * 50) != []
