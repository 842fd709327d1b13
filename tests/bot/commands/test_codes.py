"""/codes and /redeem: what is left, and a code that is used up once."""

from datetime import timedelta

import pytest

from bot.commands.command import Reply
from domain.codes.commands import DoubtPool, SetPoolExpiry, SettlePool
from domain.codes.events import CouponRedeemed
from domain.customers.commands import MergeCustomers
from domain.errors import Rejected
from domain.identity import OperatorId
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop
from tests.projections.code_moves import TEA, fills, gives, launches
from tests.projections.house import must

GIVEN = "given to #1 Wang (telegram @wang_x)"


@pytest.fixture
def till(shop: Shop) -> Shop:
    """#1 Wang has the code TEA-1; TEA-2 is nobody's."""
    for who in ("wang", "li"):
        shop.says(who, "hello")
    must(fills(shop, "TEA-1", "TEA-2"))
    must(launches(shop))
    gives(shop, "wang")
    return shop


def refused(reply: Reply) -> str:
    assert (reply.outcome, reply.commands) == (CommandOutcome.FAILED, ())
    return reply.text


@pytest.mark.parametrize("line", ["/redeem TEA-1", "/redeem tea-1", "核销 ＴＥＡ－１", "/核销  TEA-1 "])
def test_a_code_is_redeemed_however_it_is_typed(till: Shop, line: str) -> None:
    done = till.orders(line, Role.AGENT)
    assert done.text.startswith(f"Redeemed. The code was {GIVEN} at 2026-11-20 12:00")
    assert done.text.endswith("by the campaign summer.")
    (redeemed,) = till.events_of(CouponRedeemed)
    assert (redeemed.customer, redeemed.operator, redeemed.number) == (
        till.customer("wang"),
        OperatorId("cli"),
        1,
    )
    assert done.customers == (till.customer("wang"),)


def test_the_second_time_it_is_told_when_the_first_was(till: Shop) -> None:
    till.orders("/redeem TEA-1")
    till.now += timedelta(days=1)
    again = refused(till.asks("/redeem TEA-1"))
    assert again.startswith("This code was redeemed already, at 2026-11-20 12:00")
    assert GIVEN in again


def test_of_two_who_redeem_it_at_once_one_is_told_that_the_other_was_quicker(till: Shop) -> None:
    first, second = (till.asks("/redeem TEA-1", request=till.request()) for _ in range(2))
    must(till.append("/redeem TEA-1", first, till.request()))
    result = till.append("/redeem TEA-1", second, till.request())
    error = getattr(result, "error", None)
    assert isinstance(error, Rejected)
    assert str(error).startswith("this code was redeemed already, at 2026-11-20 04:00")


def test_a_code_that_nobody_was_given_reads_as_one_that_does_not_exist(till: Shop) -> None:
    texts = {refused(till.asks(f"/redeem {code}")) for code in ("TEA-2", "NOTHING")}
    assert texts == {"This is no code that we gave to anybody."}


def test_an_expired_code_is_refused_saying_when_it_ended(till: Shop) -> None:
    must(till.do(SetPoolExpiry(pool=TEA, expires_at=till.now + timedelta(hours=1))))
    till.now += timedelta(hours=1)
    assert refused(till.asks("/redeem TEA-1")).startswith("This code expired at 2026-11-20 13:00")


def test_it_is_the_customers_who_they_are_now(till: Shop) -> None:
    must(till.do(MergeCustomers(customer=till.customer("li"), other=till.customer("wang"))))
    assert "#2 Li" in till.orders("/redeem TEA-1").text


def test_agents_redeem_and_viewers_do_not(till: Shop) -> None:
    assert till.asks("/redeem TEA-1", Role.VIEWER).outcome is CommandOutcome.REFUSED
    assert till.asks("/redeem", Role.AGENT).text.endswith("/redeem CODE")


def test_the_pools_are_listed_with_what_is_left(till: Shop) -> None:
    assert till.asks("/codes").text == "tea: 1 left of 2, 1 given out, 0 redeemed"
    must(till.do(SetPoolExpiry(pool=TEA, expires_at=till.now + timedelta(hours=1))))
    told = till.asks("/codes").text
    assert told.startswith("tea: 1 left of 2, 1 given out, 0 redeemed (they count until 2026-11-20 13:00")
    till.now += timedelta(hours=1)
    reply = till.asks("券码", locale="zh")
    assert reply.text.startswith("tea：共 2 个，剩 0 个，已发 1 个，已核销 0 个 (有效期至")
    assert reply.rows == ({"pool": TEA, "added": 2, "taken": 1, "redeemed": 0, "left": 0, "in_doubt": False},)


def test_that_a_pool_is_in_doubt_is_told_with_what_to_do_and_in_the_plan(till: Shop) -> None:
    must(till.do(DoubtPool(pool=TEA)))
    doubt = "tea: nobody knows which of its codes were given out since the backup, so none is: siyu codes settle tea"
    reply = till.asks("/codes")
    assert reply.text.splitlines() == ["tea: 0 left of 2, 1 given out, 0 redeemed", doubt]
    assert reply.rows[0]["in_doubt"] is True
    assert doubt in till.asks("/campaign plan summer").text.splitlines()
    must(till.do(SettlePool(pool=TEA, through=2)))
    assert (
        "The pool tea has 0 codes for 1 people: add some, or the others are left out."
        in till.asks("/campaign plan summer").text.splitlines()
    )


def test_the_timeline_tells_of_codes(till: Shop) -> None:
    till.orders("/redeem TEA-1", Role.AGENT)
    lines = [line.partition("  ")[2] for line in till.asks("/timeline #1", Role.VIEWER).text.splitlines()]
    assert [line for line in lines if "TEA-1 of" in line] == [
        "was given the code TEA-1 of tea",
        "redeemed the code TEA-1 of tea",
    ]
    chinese = till.asks("/timeline #1", Role.VIEWER, locale="zh").text
    assert "收到券码 TEA-1（tea）" in chinese


def test_without_any_pool_it_says_how_to_fill_one(shop: Shop) -> None:
    assert shop.asks("/codes").text == "There are no codes yet: siyu codes add POOL FILE.csv puts some in."
