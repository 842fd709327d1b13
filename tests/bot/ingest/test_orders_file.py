"""Files of orders: what is taken, what matched, what was wrong; and again it changes nothing."""

from pathlib import Path

import pytest

from bot.operations.importing import import_file
from domain.conversations.commands import Message
from domain.conversations.events import ContentKind
from domain.errors import BadInput
from domain.message import Origin
from domain.purchases.events import OrderMatched, OrderPaid, OrderPlaced, OrderRefunded
from projections import purchases
from projections.purchases import Purchase
from tests.bot.ingest.samples import has_phone, imported, table, written
from tests.bot.premises import Premises

HEADER = ("订单号", "手机号", "金额", "下单时间", "支付时间", "退款金额", "商品")
FIRST = ("A-0001-1", "138 0013 8000", "￥199.00", "2026-11-01 10:00", "2026-11-01 10:05", "", "龙井;壶")
SECOND = ("A-0002-1", "13900139000", '"1,299.50"', "2026/11/2 10:00", "", "", "")
THIRD = ("A-0003-1", "", "50", "2026-11-03", "2026-11-03 09:00", "20", "")


@pytest.fixture
def shop(premises: Premises) -> Premises:
    """Wang, whose phone number is known, and Li, of whom nothing is."""
    premises.says("wang", "你好")
    premises.says("li", "hello")
    has_phone(premises)
    return premises


def orders(premises: Premises) -> dict[str, Purchase]:
    premises.house.catch_up()
    with premises.house.views.read() as connection:
        return {order.number: order for order in purchases.listed(connection, limit=10_000)}


def test_orders_are_taken_with_payment_and_refund_and_the_report_says_what_matched(
    shop: Premises, tmp_path: Path
) -> None:
    lines, code = imported(shop.house, written(tmp_path, table(HEADER, FIRST, SECOND, THIRD), "gb18030"))
    assert (lines, code) == (
        [
            "3 orders: 3 with news, 0 known just so, 0 not taken",
            "matched with a customer: 1",
            "  by phone number: 1",
            "nobody's yet: 2; they wait for whoever turns out to be the buyer",
        ],
        0,
    )
    found = orders(shop)
    first, second, third = (found[row[0]] for row in (FIRST, SECOND, THIRD))
    assert (first.amount, first.paid, first.items, first.customer) == (
        19_900,
        19_900,
        ["龙井", "壶"],
        shop.customer("wang"),
    )
    assert (second.amount, second.paid, second.customer) == (129_950, None, None)
    assert (third.paid, third.refunded, third.currency) == (5_000, 2_000, "CNY")
    assert {r.origin for r in shop.everything() if isinstance(r.event, OrderPlaced)} == {Origin.IMPORT}
    at = {r.event.at == r.occurred_at for r in shop.everything() if isinstance(r.event, OrderPlaced)}
    assert at == {True}


def test_the_same_file_again_changes_nothing(shop: Premises, tmp_path: Path) -> None:
    path = written(tmp_path, table(HEADER, FIRST, SECOND, THIRD))
    imported(shop.house, path)
    before = shop.house.log.head()
    lines, code = imported(shop.house, path)
    assert shop.house.log.head() == before
    assert (lines[:3], code) == (
        [
            "3 orders: 0 with news, 3 known just so, 0 not taken",
            "matched with a customer: 1",
            "  by phone number: 1",
        ],
        0,
    )


def test_a_bad_row_is_told_with_its_line_and_loses_nothing_else(shop: Premises, tmp_path: Path) -> None:
    def row(
        number: str, phone: str = "", amount: str = "1", at: str = "2026-11-01", items: str = ""
    ) -> tuple[str, ...]:
        return (number, phone, amount, at, "", "", items)

    path = written(
        tmp_path,
        table(
            HEADER,
            row("G-0001"),
            row(""),
            row("B-0001", amount="free"),
            row("B-0002", at="sometime"),
            row("B-0003", at=""),
            row("B-0004", phone="12"),
            row("B-0005", at="2031-01-01"),
            row('"B-0006'),
            row("B-0007", amount="-5"),
            ("G-0002",),
            row("G-0003", items="=HYPERLINK(evil)"),
            ("B-0008", "", "1", "2026-11-01", "", "5", ""),
        ),
    )
    lines, code = imported(shop.house, path)
    assert code == 1
    assert [line for line in lines if line.startswith("line")] == [
        "line 3: what an order, a refund or a goal is called has 1 to 64 characters",
        "line 4: 'free' is no amount in CNY",
        "line 5: 'sometime' is no time: write it as 2026-03-02 12:30",
        "line 6: it says neither when it was ordered nor when it was paid",
        "line 7: '12' is no phone number that can be dialled",
        "line 8: 2030-12-31T16:00:00+00:00 is in the future",
        "line 9: a quote is not closed, or stands where none belongs",
        "line 10: '-5' is no amount in CNY",
        "line 11: it says neither when it was ordered nor when it was paid",
        "line 13: a refund of 500 does not fit: at most 100 of this order can go back (smallest unit of CNY)",
    ]
    assert "12 orders: 2 with news, 0 known just so, 10 not taken" in lines
    found = orders(shop)
    assert found.keys() == {"G-0001", "G-0003"}
    assert found["G-0003"].items == ["=HYPERLINK(evil)"]


def test_a_file_corrects_nothing_and_says_so(shop: Premises, tmp_path: Path) -> None:
    imported(shop.house, written(tmp_path, table(HEADER, FIRST)))
    other = (*FIRST[:2], "1", *FIRST[3:])
    lines, code = imported(shop.house, written(tmp_path, table(HEADER, other)))
    assert (lines[0], code) == (
        "line 2: another amount is known of this order: it stays (the API corrects it)",
        1,
    )
    assert orders(shop)[FIRST[0]].amount == 19_900


def test_a_payment_that_came_since_is_taken_from_the_newer_file(shop: Premises, tmp_path: Path) -> None:
    imported(shop.house, written(tmp_path, table(HEADER, SECOND)))
    paid = (*SECOND[:4], "2026-11-02 11:00", *SECOND[5:])
    lines, _ = imported(shop.house, written(tmp_path, table(HEADER, paid)))
    assert lines[0] == "1 orders: 1 with news, 0 known just so, 0 not taken"
    assert len(shop.events(OrderPaid)) == 1


def test_an_order_waits_for_its_phone_number_and_is_matched_when_it_is_shared(
    shop: Premises, tmp_path: Path
) -> None:
    imported(shop.house, written(tmp_path, table(HEADER, SECOND)))
    own = {"phone": "+8613900139000", "own": True}
    shop.receive("li", Message(text="", kind=ContentKind.CONTACT, details=own))
    assert orders(shop)["A-0002-1"].customer == shop.customer("li")


def test_several_rows_of_one_order_are_taken_one_after_the_other(shop: Premises, tmp_path: Path) -> None:
    rows = [FIRST] * 40
    lines, _ = imported(shop.house, written(tmp_path, table(HEADER, *rows)))
    assert lines[0] == "40 orders: 1 with news, 39 known just so, 0 not taken"
    kinds = (OrderPlaced, OrderPaid, OrderMatched, OrderRefunded)
    assert [len(shop.events(kind)) for kind in kinds] == [1, 1, 1, 0]


def test_of_two_rows_that_differ_the_first_one_counts(shop: Premises, tmp_path: Path) -> None:
    pairs = [
        ((f"P-{n:04}", "", amount, "2026-11-01", "", "", "")) for n in range(60) for amount in ("199", "1")
    ]
    lines, _ = imported(shop.house, written(tmp_path, table(HEADER, *pairs)))
    assert [line.split(":")[0] for line in lines[:60]] == [f"line {3 + 2 * n}" for n in range(60)]
    assert {order.amount for order in orders(shop).values()} == {19_900}


@pytest.mark.parametrize(
    "header, why",
    [
        ("a,b\n", "is no file of orders"),
        ("phone\n", "is no file of orders"),
        ("order_number,phone\n", "a file of orders has the columns order_number, amount"),
        ("order_number,amount\n", "a file of orders has the columns order_number, amount"),
        ("order_number,订单号\n", "say the same"),
        ('"order_number\n', "a quote is not closed"),
        ("", "is empty"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused_before_anything_is_stored(
    shop: Premises, tmp_path: Path, header: str, why: str
) -> None:
    before = shop.house.log.head()
    with pytest.raises(BadInput, match=why):
        list(import_file(shop.house, str(written(tmp_path, f"{header}1,2\n" if header else ""))))
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        list(import_file(shop.house, str(tmp_path / "missing.csv")))
    assert shop.house.log.head() == before


def test_outside_china_an_amount_needs_its_currency(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data", SIYU_REGION="intl", SIYU_TIME_ZONE="Europe/Berlin")
    header = ("order_number", "amount", "currency", "paid_at")
    rows = (("E-0001-1", "12.50", "EUR", "2026-11-01 10:00"), ("E-0002-1", "12.50", "", "2026-11-01 10:00"))
    lines, _ = imported(premises.house, written(tmp_path, table(header, *rows)))
    order = orders(premises)["E-0001-1"]
    assert (order.currency, order.ordered_at.hour) == ("EUR", 9)
    assert lines[0] == "line 3: '' is no currency: write its three letters, such as USD"
    premises.close()


def test_a_long_file_tells_how_far_it_is(shop: Premises, tmp_path: Path) -> None:
    rows = [(f"L-{n:07}", "", "1", "2026-11-01", "", "", "x" * 200) for n in range(2_000)]
    path = written(tmp_path, table(HEADER, *rows))
    lines, code = imported(shop.house, path)
    told = [line for line in lines if line.endswith("%")]
    assert [line.split()[0] for line in told] == ["1000", "2000"]
    assert told[-1] == "2000 rows, 100 %"
    assert (lines[2], code) == ("2000 orders: 2000 with news, 0 known just so, 0 not taken", 0)
    assert len(orders(shop)) == 2_000
