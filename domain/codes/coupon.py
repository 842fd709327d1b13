"""The coupon: one stream for each code, by keyed hash, so that it is redeemed once, whoever is first."""

from collections.abc import Iterator, Sequence

from domain.codes.commands import RedeemCoupon
from domain.codes.events import COUPON_EVENTS, CouponRedeemed
from domain.codes.pool import pools
from domain.decider import Decider, Handler, Streams, Write
from domain.errors import Rejected
from domain.message import Command, Context, Event


def _no_commands(_state: CouponRedeemed | None, command: object, _context: Context) -> Sequence[Event]:
    raise AssertionError(f"coupons are written by the handler, not by {type(command).__name__}")


coupons: Decider[CouponRedeemed | None] = Decider(
    category="coupon",
    initial=None,
    decide=_no_commands,
    evolve=lambda _state, event: event,
    events=COUPON_EVENTS,
    commands=(),
    key=lambda _command, _streams: "",
)
"""The state is how it was redeemed."""


def redeem(command: RedeemCoupon, streams: Streams, context: Context) -> Iterator[Write | Command]:
    """Redeem a code, once. Raises Rejected where it was redeemed before, or its pool has expired."""
    before = streams.state(coupons, command.code)
    if before is not None:
        raise Rejected("this code was redeemed already, at {at}", at=before.at.isoformat(" ", "seconds"))
    if streams.state(pools, command.pool).expired(context.now):
        raise Rejected("this code has expired")
    redeemed = CouponRedeemed(
        code=command.code,
        pool=command.pool,
        number=command.number,
        campaign=command.campaign,
        customer=command.customer,
        delivery=command.delivery,
        at=context.now,
        operator=command.operator,
    )
    yield Write(coupons, command.code, (redeemed,))


REDEEMING = Handler(RedeemCoupon, redeem)
