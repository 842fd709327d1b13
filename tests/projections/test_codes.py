"""Pools and codes as they are shown: what is left, whose a code is, and nothing of the codes themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.codes.commands import AddCodes, DoubtPool, SetPoolExpiry, SettlePool
from domain.codes.events import CodeAssigned
from domain.codes.pool import code_digest
from domain.contacts.suppression import address_digest
from domain.customers.commands import MergeCustomers
from domain.forgetting import ForgetCustomer
from domain.identity import Digest, Slug
from domain.message import Personal
from projections.codes import CODES, Coupon, Pool, coupon, known, numbers, pools_listed
from projections.engine import Projector
from projections.people.customers import customer
from tests.projections.code_moves import SUMMER, TEA, fills, gives, launches, redeems
from tests.projections.house import BOT, TELEGRAM, House, must
from tests.projections.reading import catch_up


@pytest.fixture
def shop(house: House) -> House:
    """A campaign under way whose pool has three codes; Wang and Li wrote."""
    for who in ("wang", "li"):
        house.says(who, "hello")
    must(fills(house, "TEA-1", "TEA-2", "TEA-3"))
    must(launches(house))
    return house


def digest(house: House, code: str) -> Digest:
    return code_digest(house.digest, code)


def assigned(house: House) -> CodeAssigned:
    """The code that was given out first."""
    return next(r.event for r in house.everything() if isinstance(r.event, CodeAssigned))


def test_a_pool_shows_what_is_given_out_redeemed_and_left(projector: Projector, shop: House) -> None:
    delivery, at = gives(shop, "wang"), shop.now
    catch_up(projector)
    first = Coupon(digest(shop, "tea-1"), TEA, 1, SUMMER, delivery, shop.customer("wang"), at, None, None)
    with projector.views.read() as connection:
        assert coupon(connection, digest(shop, "tea-1")) == first
        assert coupon(connection, digest(shop, "tea-2")) is None  # it is there, and nobody was given it
        assert coupon(connection, digest(shop, "nothing")) is None
    must(redeems(shop, assigned(shop)))
    ends = shop.now + timedelta(days=1)
    must(shop.do(SetPoolExpiry(pool=TEA, expires_at=ends)))
    catch_up(projector)
    with projector.views.read() as connection:
        (tea,) = pools_listed(connection)
        assert tea == Pool(TEA, added=3, taken=1, redeemed=1, expires_at=ends, passed=1, doubted=False)
        assert ([tea.left(moment) for moment in (shop.now, ends)], tea.withdrawn) == ([2, 0], 0)
        redeemed = coupon(connection, digest(shop, "TEA-1"))
        assert redeemed is not None
        assert (redeemed.redeemed_at, redeemed.expired(shop.now), redeemed.expired(ends)) == (
            shop.now,
            False,
            True,
        )


def test_of_a_pool_in_doubt_none_is_left_and_then_all_that_are_not_withdrawn(
    projector: Projector, shop: House
) -> None:
    gives(shop, "wang")
    must(shop.do(DoubtPool(pool=TEA)))
    catch_up(projector)
    with projector.views.read() as connection:
        (doubted,) = pools_listed(connection)
        assert (doubted.doubted, doubted.left(shop.now)) == (True, 0)
        wanted = [digest(shop, code) for code in ("tea-1", "tea-2", "elsewhere")]
        assert numbers(connection, TEA, wanted) == {wanted[0]: 1, wanted[1]: 2}
        assert numbers(connection, Slug("other"), wanted) == {}
    must(shop.do(SettlePool(pool=TEA, through=2)))
    catch_up(projector)
    with projector.views.read() as connection:
        (settled,) = pools_listed(connection)
    assert (settled.doubted, settled.left(shop.now), settled.withdrawn) == (False, 1, 1)
    gives(shop, "li")
    catch_up(projector)
    with projector.views.read() as connection:
        (after,) = pools_listed(connection)
    assert (after.left(shop.now), after.withdrawn, after.taken) == (0, 1, 2)


def test_known_codes_are_found_in_whichever_pool_they_are(projector: Projector, shop: House) -> None:
    many = [f"OTHER-{number}" for number in range(700)]
    digests = tuple(digest(shop, code) for code in many)
    must(shop.do(AddCodes(pool=Slug("other"), since=0, codes=Personal(many), digests=digests)))
    catch_up(projector)
    with projector.views.read() as connection:
        found = known(connection, [*digests, digest(shop, "tea-3"), digest(shop, "new")])
    assert found == {digest(shop, "TEA-3"): TEA} | dict.fromkeys(digests, Slug("other"))


def test_two_pools_filled_at_once_with_the_same_code_are_both_shown(
    projector: Projector, shop: House
) -> None:
    same = AddCodes(pool=Slug("b"), since=0, codes=Personal(["TEA-1"]), digests=(digest(shop, "TEA-1"),))
    must(shop.do(same))
    gives(shop, "wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [pool.added for pool in pools_listed(connection)] == [1, 3]
        found = coupon(connection, digest(shop, "TEA-1"))
    assert found is not None
    assert found.pool == TEA


def test_a_merged_customers_code_is_whose_they_are_now(projector: Projector, shop: House) -> None:
    gives(shop, "li")
    must(shop.do(MergeCustomers(customer=shop.customer("wang"), other=shop.customer("li"))))
    catch_up(projector)
    with projector.views.read() as connection:
        found = coupon(connection, digest(shop, "TEA-1"))
        assert found is not None
        assert found.customer is not None
        owner = customer(connection, found.customer)
    assert owner is not None
    assert owner.id == shop.customer("wang")


def test_who_was_forgotten_is_named_no_more_and_their_code_can_be_redeemed(
    projector: Projector, shop: House
) -> None:
    gives(shop, "wang")
    contact = shop.contact("wang")
    address = address_digest(shop.digest, TELEGRAM, BOT, "wang")
    must(shop.do(ForgetCustomer(customer=shop.customer("wang"), addresses=((contact, address),))))
    catch_up(projector)
    with projector.views.read() as connection:
        found = coupon(connection, digest(shop, "TEA-1"))
    assert found is not None
    assert found.customer is None
    must(redeems(shop, assigned(shop), named=False))
    catch_up(projector)
    with projector.views.read() as connection:
        assert [(pool.taken, pool.redeemed) for pool in pools_listed(connection)] == [(1, 1)]


def test_the_view_holds_no_code_in_clear(projector: Projector, shop: House) -> None:
    gives(shop, "wang")
    catch_up(projector)
    with projector.views.read() as connection:
        rows = connection.execute(select(CODES)).all()
    assert len(rows) == 3
    assert "TEA-" not in repr(rows).upper().replace("'TEA:", "")
