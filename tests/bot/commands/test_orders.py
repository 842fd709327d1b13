"""What operators see of a customer's orders: in the timeline and on the card."""

from datetime import timedelta

import pytest

from domain.goals.commands import ReachGoal
from domain.identity import Currency, Digest, Slug
from domain.message import Personal
from domain.purchases.commands import FindBuyer, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.numbers import purchase_of
from tests.bot.commands.shop import Shop
from tests.projections.house import must

CNY = Currency("CNY")


@pytest.fixture
def ordered(shop: Shop) -> Shop:
    """Wang ordered, paid, got something back and reached a goal."""
    shop.says("wang", "hello")
    purchase, wang = purchase_of(shop.digest, "A-2026-1"), shop.customer("wang")
    place = PlaceOrder(
        purchase=purchase,
        number=Personal("A-2026-1"),
        items=Personal([{"name": "龙井", "count": 2}]),
        amount=19_900,
        currency=CNY,
        at=shop.now - timedelta(days=1),
        source=Slug("api"),
    )
    must(shop.do(place, FindBuyer(purchase=purchase, customer=wang)))
    must(shop.do(PayOrder(purchase=purchase, amount=18_900, currency=CNY, at=shop.now)))
    back = RefundOrder(purchase=purchase, refund=Digest("r"), amount=900, currency=CNY, at=shop.now)
    must(shop.do(back))
    must(shop.do(ReachGoal(key=Digest("k"), goal=Slug("signed-up"), customer=wang, at=shop.now)))
    shop.catch_up()
    return shop


@pytest.mark.parametrize(
    "language, told",
    [
        (
            "en",
            [
                "ordered A-2026-1 · 龙井 × 2, 199.00 CNY",
                "paid 189.00 CNY",
                "got back 9.00 CNY",
                "reached the goal signed-up",
            ],
        ),
        (
            "zh",
            [
                "下单 A-2026-1 · 龙井 × 2，199.00 CNY",
                "支付 189.00 CNY",
                "退款 9.00 CNY",
                "达成目标 signed-up",
            ],
        ),
    ],
)
def test_the_timeline_tells_of_orders_in_the_operators_language(
    ordered: Shop, language: str, told: list[str]
) -> None:
    lines = ordered.speaks(language).asks("/timeline #1").text.splitlines()
    assert [line[13:] for line in lines[-4:]] == told


def test_a_card_says_how_much_was_ordered_and_when_last(ordered: Shop) -> None:
    assert ordered.asks("/card #1").text.splitlines() == [
        "#1 Wang · Telegram",
        "orders: 1, 199.00 CNY, the last on 2026-11-19",
        "hello",
    ]
