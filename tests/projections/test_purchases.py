"""Purchases and goals as the views show them: whose they are follows links and merges, and forgetting leaves nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.customers.events import CustomerForgotten
from domain.forgetting import ForgetCustomer
from domain.goals.commands import ReachGoal
from domain.identity import Currency, CustomerId, Digest, PurchaseId, Slug, SubjectId
from domain.message import Personal
from domain.policies.signs import Sign, sign_of
from domain.processes.identifying import PHONE, identified_by
from domain.purchases.commands import FindBuyer, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.numbers import purchase_of
from projections import goals, purchases
from projections.engine import Projector, verify
from projections.forgotten import promised
from projections.purchases import Purchase, Totals
from projections.timeline import Filters, Kind, everywhere, of_customer
from tests.projections.conftest import OpenViews
from tests.projections.house import NOON, House, must
from tests.projections.reading import GivenLog, catch_up, contents
from tests.projections.test_forgotten import PROJECTIONS, _sealed

CNY = Currency("CNY")
NUMBER, PHONE_NUMBER = "A-2026-17", "+8613800138000"
DAY = timedelta(days=1)


@pytest.fixture
def house() -> House:
    house = House()
    for who in ("wang", "li", "zhao"):
        house.says(who, "hi")
    return house


def orders(
    house: House,
    number: str = NUMBER,
    *signs: Sign,
    customer: CustomerId | None = None,
    amount: int = 19_900,
    at: datetime = NOON,
) -> PurchaseId:
    """An order comes in, from whoever."""
    purchase = purchase_of(house.digest, number)
    placed = PlaceOrder(
        purchase=purchase,
        number=Personal(number),
        items=Personal([{"name": "oolong", "count": 2}, "pot"]),
        amount=amount,
        currency=CNY,
        at=at,
        source=Slug("api"),
    )
    must(house.do(placed, FindBuyer(purchase=purchase, customer=customer, signs=signs)))
    return purchase


def pays(house: House, purchase: PurchaseId, amount: int = 19_900) -> None:
    must(house.do(PayOrder(purchase=purchase, amount=amount, currency=CNY, at=house.now)))


def refunds(house: House, purchase: PurchaseId, amount: int = 900) -> None:
    back = RefundOrder(purchase=purchase, refund=Digest("r"), amount=amount, currency=CNY, at=house.now)
    must(house.do(back))


def phone(house: House) -> Sign:
    return sign_of(house.digest, PHONE, PHONE_NUMBER)


def has_phone(house: House, who: str) -> None:
    must(house.do(identified_by(house.contact(who), PHONE, PHONE_NUMBER, verified=True, digest=house.digest)))


def theirs(projector: Projector, customer: CustomerId) -> list[str]:
    catch_up(projector)
    with projector.views.read() as connection:
        return [order.number for order in purchases.of_customer(connection, customer)]


def test_an_order_as_it_was_told_paid_and_partly_given_back(projector: Projector, house: House) -> None:
    wang = house.customer("wang")
    purchase = orders(house, customer=wang)
    pays(house, purchase, 18_900)
    refunds(house, purchase)
    catch_up(projector)
    with projector.views.read() as connection:
        (order,) = purchases.of_customer(connection, wang)
        assert purchases.purchase(connection, purchase) == order
        (total,) = purchases.totals(connection, wang)
    assert order == Purchase(
        id=purchase,
        cursor=order.cursor,
        number=NUMBER,
        items=[{"name": "oolong", "count": 2}, "pot"],
        amount=19_900,
        currency=CNY,
        paid=18_900,
        refunded=900,
        ordered_at=NOON,
        paid_at=house.now,
        refunded_at=house.now,
        source=Slug("api"),
        matched_by=Slug("customer"),
        contact=None,
        customer=wang,
    )
    assert total == Totals(CNY, orders=1, ordered=19_900, paid=18_000, last_at=NOON)


def test_orders_are_paged_newest_first_by_customer_and_oldest_first_over_all(
    projector: Projector, house: House
) -> None:
    wang = house.customer("wang")
    for n in range(5):
        orders(house, f"A-2026-{n}", customer=wang)
    orders(house, "nobody-2026")
    catch_up(projector)
    with projector.views.read() as connection:
        first = purchases.of_customer(connection, wang, limit=2)
        second = purchases.of_customer(connection, wang, before=first[-1].cursor, limit=10)
        assert [o.number for o in (*first, *second)] == [f"A-2026-{n}" for n in (4, 3, 2, 1, 0)]
        page = purchases.listed(connection, limit=4)
        rest = purchases.listed(connection, after=page[-1].cursor)
        assert [o.number for o in (*page, *rest)][-2:] == ["A-2026-4", "nobody-2026"]
        assert [o.number for o in purchases.listed(connection, unmatched=True)] == ["nobody-2026"]
        assert purchases.anybody_ordered(connection)


def test_an_order_that_waited_is_theirs_once_they_are_known(projector: Projector, house: House) -> None:
    orders(house, NUMBER, phone(house))
    li = house.customer("li")
    assert theirs(projector, li) == []
    has_phone(house, "li")
    assert theirs(projector, li) == [NUMBER]


def test_orders_follow_a_merge_and_come_back_when_it_is_undone(projector: Projector, house: House) -> None:
    wang, li = house.customer("wang"), house.customer("li")
    has_phone(house, "li")
    orders(house, "by-phone-2026", phone(house))
    orders(house, "by-name-2026", customer=li)
    orders(house, "of-wang-2026", customer=wang)
    must(house.do(MergeCustomers(customer=wang, other=li)))
    assert theirs(projector, wang) == ["of-wang-2026", "by-name-2026", "by-phone-2026"]
    assert theirs(projector, li) == []
    with projector.views.read() as connection:
        (total,) = purchases.totals(connection, wang)
        assert (total.orders, total.ordered) == (3, 3 * 19_900)
        assert list(purchases.last_ordered(connection, [wang, li])) == [wang]
    must(house.do(UnmergeCustomer(customer=li)))
    assert theirs(projector, wang) == ["of-wang-2026"]
    assert theirs(projector, li) == ["by-name-2026", "by-phone-2026"]


def test_who_ordered_last_when_tells_the_bands_of_recency(projector: Projector, house: House) -> None:
    wang, li = house.customer("wang"), house.customer("li")
    orders(house, "old-2026-1", customer=wang, at=NOON - 100 * DAY)
    orders(house, "new-2026-1", customer=wang, at=NOON - DAY)
    orders(house, "old-2026-2", customer=li, at=NOON - 60 * DAY)
    orders(house, "nobodys-2026", at=NOON)
    catch_up(projector)
    with projector.views.read() as connection:
        everybody = [wang, li, house.customer("zhao")]
        assert purchases.last_ordered(connection, everybody) == {wang: NOON - DAY, li: NOON - 60 * DAY}

        def between(since: datetime | None, until: datetime | None) -> list[str]:
            return list(connection.execute(purchases.ordered_last(since, until)).scalars())

        assert between(NOON - 2 * DAY, None) == [wang]
        assert between(NOON - 90 * DAY, NOON - 2 * DAY) == [li]
        assert between(None, NOON - 90 * DAY) == []
        assert sorted(between(None, None)) == sorted([wang, li])


def test_goals_are_listed_and_follow_a_merge(projector: Projector, house: House) -> None:
    wang, li = house.customer("wang"), house.customer("li")
    for n, who in enumerate((wang, li, li)):
        goal = ReachGoal(key=Digest(f"k{n}"), goal=Slug("visit"), customer=who, at=NOON + n * DAY)
        must(house.do(goal))
    catch_up(projector)
    with projector.views.read() as connection:
        first, second = goals.of_customer(connection, li)
        assert [first.at, second.at] == [NOON + 2 * DAY, NOON + DAY]
        assert goals.of_customer(connection, li, before=first.cursor) == [second]
        recent = connection.execute(goals.reached_by(Slug("visit"), NOON + DAY)).scalars()
        assert set(recent) == {li}
    must(house.do(MergeCustomers(customer=wang, other=li)))
    catch_up(projector)
    with projector.views.read() as connection:
        assert len(goals.of_customer(connection, wang)) == 3
        assert goals.of_customer(connection, li) == []
        assert set(connection.execute(goals.reached_by(Slug("visit"))).scalars()) == {wang}


# --- the timeline --------------------------------------------------------------------------------------------------


def told(projector: Projector, customer: CustomerId) -> list[tuple[Kind, str | None, str | None]]:
    catch_up(projector)
    kinds = frozenset({Kind.ORDERED, Kind.PAID, Kind.REFUNDED, Kind.REACHED})
    with projector.views.read() as connection:
        return [(e.kind, e.text, e.value) for e in of_customer(connection, customer, Filters(kinds=kinds))]


ALL_OF_IT = [
    (Kind.ORDERED, f"{NUMBER} · oolong × 2 · pot", "199.00 CNY"),
    (Kind.PAID, None, "189.00 CNY"),
    (Kind.REFUNDED, None, "9.00 CNY"),
    (Kind.REACHED, None, "visit"),
]


@pytest.mark.parametrize("between", [True, False])
def test_a_timeline_tells_of_orders_from_before_they_were_matched_and_after(
    projector: Projector, house: House, *, between: bool
) -> None:
    """``between``: the views see each step by itself."""
    purchase = orders(house, NUMBER, phone(house))
    steps: list[Callable[[], None]] = [
        lambda: has_phone(house, "wang"),
        lambda: pays(house, purchase, 18_900),
        lambda: refunds(house, purchase),
    ]
    for step in steps:
        if between:
            catch_up(projector)
        step()
    wang = house.customer("wang")
    must(house.do(ReachGoal(key=Digest("k"), goal=Slug("visit"), customer=wang, at=NOON)))
    assert told(projector, wang) == ALL_OF_IT
    assert told(projector, house.customer("li")) == []
    with projector.views.read() as connection:
        assert [entry.kind for entry in everywhere(connection, Filters(text=NUMBER))] == [Kind.ORDERED]


# --- forgetting ----------------------------------------------------------------------------------------------------


def forgets(house: House, who: str) -> None:
    contact = house.contact(who)
    must(house.do(ForgetCustomer(customer=house.customer(who), addresses=((contact, Digest("a")),))))


def lived(house: House) -> tuple[PurchaseId, PurchaseId]:
    """Wang ordered twice, once by phone and once by name; Li ordered too, and somebody unknown."""
    has_phone(house, "wang")
    by_phone = orders(house, "canary-2026-1", phone(house))
    by_name = orders(house, "canary-2026-2", customer=house.customer("wang"))
    orders(house, "stays-2026-3", customer=house.customer("li"))
    orders(house, "stays-2026-4")
    goal = ReachGoal(key=Digest("k"), goal=Slug("visit"), customer=house.customer("wang"), at=NOON)
    must(house.do(goal))
    return by_phone, by_name


def test_the_keys_of_what_somebody_ordered_are_destroyed_with_theirs(
    projector: Projector, house: House
) -> None:
    mine = lived(house)
    catch_up(projector)
    forgets(house, "wang")
    catch_up(projector)
    with projector.views.read() as connection:
        (promise,) = promised(connection)
    assert {s for s in promise.subjects if s.startswith("purchase-")} == {
        SubjectId(f"purchase-{purchase}") for purchase in mine
    }


def test_nothing_of_their_orders_is_left_in_any_view_and_the_others_stay(
    projector: Projector, house: House
) -> None:
    by_phone, _ = lived(house)
    catch_up(projector)
    before = contents(projector.views, PROJECTIONS)
    assert {"purchases", "timeline", "timeline_words"} <= {
        t for t, rows in before.items() if "canary" in repr(rows)
    }
    forgets(house, "wang")
    catch_up(projector)
    after = repr(contents(projector.views, PROJECTIONS))
    assert "canary" not in after
    assert after.count("stays-2026-3") >= 1
    with projector.views.read() as connection:
        assert purchases.purchase(connection, by_phone) is None
        assert [o.number for o in purchases.listed(connection)] == ["stays-2026-3", "stays-2026-4"]
        assert connection.execute(goals.reached_by(Slug("visit"))).all() == []


def test_what_the_shop_still_tells_of_a_forgotten_order_is_shown_nowhere(
    projector: Projector, house: House
) -> None:
    by_phone, _ = lived(house)
    forgets(house, "wang")
    catch_up(projector)
    before = contents(projector.views, PROJECTIONS)
    pays(house, by_phone)
    refunds(house, by_phone)
    orders(house, "canary-2026-1", amount=5)
    catch_up(projector)
    assert contents(projector.views, PROJECTIONS) == before
    assert verify(projector) == []


def test_views_rebuilt_once_the_keys_are_gone_are_the_same(open_views: OpenViews, house: House) -> None:
    lived(house)
    forgets(house, "wang")
    grown = Projector(open_views(), house.log, PROJECTIONS)
    catch_up(grown)
    with grown.views.read() as connection:
        (promise,) = promised(connection)
    sealed = GivenLog([_sealed(recorded, set(promise.subjects)) for recorded in house.everything()])
    fresh = Projector(open_views(), sealed, PROJECTIONS)
    catch_up(fresh)
    assert contents(fresh.views, PROJECTIONS) == contents(grown.views, PROJECTIONS)


def test_an_order_matched_just_before_its_buyer_is_forgotten_goes_with_them(
    projector: Projector, house: House
) -> None:
    """The promise names no orders: which ones go is told by the order of the log."""
    purchase = orders(house, NUMBER, phone(house))
    has_phone(house, "wang")
    forgets(house, "wang")
    catch_up(projector)
    (event,) = house.events_of(CustomerForgotten)
    assert all(not s.startswith("purchase-") for s in event.subjects)
    with projector.views.read() as connection:
        (promise,) = promised(connection)
    assert SubjectId(f"purchase-{purchase}") in promise.subjects
