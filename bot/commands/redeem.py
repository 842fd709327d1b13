"""/redeem: a customer shows a code at the till, and it is used up."""

from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.customers import label
from domain.codes.commands import RedeemCoupon
from domain.codes.pool import code_digest
from domain.errors import Rejected, UnknownRecipient
from domain.identity import OperatorId
from domain.operators.events import Role
from projections.codes import Coupon, coupon
from projections.people.customers import customer


def _redeem(call: Call) -> Reply:
    said = call.rest.strip()
    if not said:
        raise Usage("")
    with call.office.views.read() as connection:
        found = coupon(connection, code_digest(call.office.digest, said))
    if found is None:  # a code that nobody was given reads the same as one that does not exist
        raise UnknownRecipient(call.say("This is no code that we gave to anybody."))
    whose = _whose(call, found)
    if found.redeemed_at is not None:
        told = call.say("This code was redeemed already, at {time}. It was given to {customer}.")
        raise Rejected(told.format(time=call.clock.shown(found.redeemed_at), customer=whose))
    if found.expires_at is not None and found.expired(call.now):
        told = call.say("This code expired at {time}. It was given to {customer}.")
        raise Rejected(told.format(time=call.clock.shown(found.expires_at), customer=whose))
    told = call.say("Redeemed. The code was given to {customer} at {time}, by the campaign {campaign}.")
    given = call.clock.shown(found.given_at)
    return Reply(
        told.format(customer=whose, time=given, campaign=found.campaign),
        (redeeming(found, call.operator.id),),
        rows=({"pool": found.pool, "campaign": found.campaign, "given_at": found.given_at},),
    )


def redeeming(found: Coupon, operator: OperatorId) -> RedeemCoupon:
    """Return the command that uses a code up. It is refused where somebody else was quicker, or the code has expired."""
    return RedeemCoupon(
        code=found.code,
        pool=found.pool,
        number=found.number,
        campaign=found.campaign,
        delivery=found.delivery,
        customer=found.customer,
        operator=operator,
    )


def _whose(call: Call, found: Coupon) -> str:
    if found.customer is not None:
        with call.office.views.read() as connection:
            owner = customer(connection, found.customer)
        if owner is not None:
            call.mentioned.append(owner.id)
            return label(owner)
    return call.say("somebody who was forgotten")


redeem = OperatorCommand(
    name="redeem",
    role=Role.AGENT,
    usage=("/redeem CODE",),
    help="use up a code that a customer was given",
    run=_redeem,
    words=("核销",),
)
