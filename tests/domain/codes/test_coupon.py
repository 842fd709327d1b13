"""The coupon: redeemed once, before its pool expires."""

from dataclasses import replace

from domain.codes.events import CouponRedeemed
from domain.errors import Rejected
from tests.domain.controls import commands, events
from tests.domain.controls.ids import NOON
from tests.domain.shop import Shop


def redeemable() -> Shop:
    return Shop().given(commands.ADD_CODES, commands.SET_POOL_EXPIRY)


def test_a_code_is_redeemed_once_and_the_second_time_is_told_when_the_first_was() -> None:
    shop = redeemable()
    shop.when(commands.REDEEM_COUPON).then(events.COUPON_REDEEMED)
    shop.when(commands.REDEEM_COUPON).then_failed(
        "this code was redeemed already, at 2026-03-02 04:00:00+00:00", Rejected
    )


def test_of_two_tills_at_once_one_redeems_it() -> None:
    shop = redeemable()
    shop.batch(commands.REDEEM_COUPON, replace(commands.REDEEM_COUPON, operator=None))
    assert len(shop.all_of(CouponRedeemed)) == 1


def test_what_expired_is_not_redeemed() -> None:
    shop = redeemable()
    shop.now = commands.SET_POOL_EXPIRY.expires_at
    shop.when(commands.REDEEM_COUPON).then_failed("this code has expired", Rejected)
    assert shop.now > NOON


def test_of_somebody_who_was_forgotten_nobody_is_named() -> None:
    redeemable().when(replace(commands.REDEEM_COUPON, customer=None)).then(
        replace(events.COUPON_REDEEMED, customer=None)
    )
