"""The timeline shows which codes somebody was given, and that they used them."""

import pytest

from domain.codes.events import CodeAssigned
from domain.contacts.suppression import address_digest
from domain.forgetting import ForgetCustomer
from projections.engine import Projector
from projections.timeline import Filters, Kind, everywhere, of_customer
from tests.projections.code_moves import fills, gives, launches, redeems
from tests.projections.house import BOT, TELEGRAM, House, must
from tests.projections.reading import catch_up

COUPONS = Filters(kinds=frozenset({Kind.GIVEN, Kind.REDEEMED}))


@pytest.mark.parametrize("at_once", [True, False], ids=["one-batch", "two-batches"])
def test_which_code_somebody_was_given_and_that_they_used_it_is_shown(
    projector: Projector, house: House, at_once: bool
) -> None:
    for who in ("wang", "li"):
        house.says(who, "hello")
    fills(house, "TEA-1", "TEA-2")
    launches(house)
    gives(house, "li")
    delivery = gives(house, "wang")
    if not at_once:
        catch_up(projector)
    assigned = [r.event for r in house.everything() if isinstance(r.event, CodeAssigned)]
    must(redeems(house, assigned[1]))
    catch_up(projector)
    with projector.views.read() as connection:
        given, used = of_customer(connection, house.customer("wang"), COUPONS)
        (others,) = of_customer(connection, house.customer("li"), COUPONS)
        found = everywhere(connection, Filters(text="tea-2", kinds=COUPONS.kinds))
    assert assigned[1].delivery == delivery
    assert [(e.kind, e.text, e.value) for e in (given, used, others)] == [
        (Kind.GIVEN, "TEA-2", "tea"),
        (Kind.REDEEMED, "TEA-2", "tea"),
        (Kind.GIVEN, "TEA-1", "tea"),
    ]
    assert found == [given, used]


def test_what_somebody_redeems_who_was_forgotten_is_in_no_timeline(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    fills(house, "TEA-1")
    launches(house)
    gives(house, "wang")
    catch_up(projector)
    (assigned,) = [r.event for r in house.everything() if isinstance(r.event, CodeAssigned)]
    contact, address = house.contact("wang"), address_digest(house.digest, TELEGRAM, BOT, "wang")
    must(house.do(ForgetCustomer(customer=house.customer("wang"), addresses=((contact, address),))))
    must(redeems(house, assigned, named=False))
    catch_up(projector)
    with projector.views.read() as connection:
        assert everywhere(connection, COUPONS) == []
        assert everywhere(connection, Filters(text="tea-1")) == []
