"""Telling: what another system says of an order, a payment, a refund or a goal, noted in one append, and what came of it.

All of it may be said twice: an order is known by its number, a refund and a goal by what the other system calls them. All of it is
blocking: call it from a thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from bot.house import House, done
from bot.ingest.buyers import NOBODY, Buyer, Known, known
from domain.contacts.contact import contacts
from domain.customers.commands import DescribeCustomer
from domain.customers.customer import MOST_MERGED, customers
from domain.decider import Decider
from domain.dispatch import Done, Request, fold
from domain.errors import BadInput, UnknownRecipient
from domain.goals.commands import ReachGoal
from domain.goals.goal import goals
from domain.identity import (
    ContactId,
    Currency,
    CustomerId,
    Digest,
    Locale,
    PurchaseId,
    Slug,
    ZoneName,
    stream,
)
from domain.message import Command, Context, Origin, Personal
from domain.policies.text import normalised
from domain.purchases.commands import FindBuyer, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.numbers import LONGEST_NUMBER, purchase_of
from domain.purchases.purchase import purchases
from domain.purchasing import BY_CUSTOMER

API = Slug("api")
CSV = Slug("csv")
AHEAD = timedelta(days=1)
"""Clocks of other systems may be so far ahead, and no further."""
LONGEST_CODE = 64
MOST_ITEMS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Who tells. ``actor``: as in the log, ``operator-ID``. ``origin``: IMPORT for history, which causes no action."""

    actor: Slug
    source: Slug = API
    origin: Origin = Origin.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """``amount``: in the currency's smallest unit, of the whole order. ``items``: JSON, as the shop lists them. ``at``: with a zone."""

    number: str
    amount: int
    currency: Currency
    at: datetime
    items: list[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """``amount``: all that was paid for the order so far."""

    number: str
    amount: int
    currency: Currency
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """``name``: what the shop calls this refund, unique within the order."""

    number: str
    name: str
    amount: int
    currency: Currency
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """``goal``: a code such as ``signed-up``. ``key``: what the other system calls this one time."""

    goal: str
    key: str
    at: datetime
    value: int | None = None
    currency: Currency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of a customer; None is not said. ``birthday``: as domain/policies/anniversaries.py reads it."""

    birthday: str | None = None
    member_since: date | None = None
    language: Locale | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What is known now. ``changed``: something was new. ``customer``: who answers for it now.

    ``by``: what told whose it is (``customer``, ``contact``, ``unionid``, ``phone``, ``number``), None while nobody knows.
    """

    changed: bool
    by: Slug | None = None
    customer: CustomerId | None = None
    purchase: PurchaseId | None = None


def place_order(house: House, order: Order, buyer: Buyer = NOBODY, *, by: Teller) -> Noted:
    """Note an order and whose it is. One that is known is corrected where its amount differs.

    Raises BadInput, UnknownRecipient (a customer is named who does not exist), Rejected (another currency), StoreUnavailable, Overloaded.
    """
    purchase = _purchase(house, order.number)
    place = _placing(purchase, order, by, corrects=True)
    return _told(house, purchase, (place,), buyer, order.at, by)


def pay_order(house: House, payment: Payment, buyer: Buyer = NOBODY, *, by: Teller) -> Noted:
    """Note that an order was paid; one nobody told of is noted as placed then, too. Raises as ``place_order``."""
    purchase = _purchase(house, payment.number)
    order = Order(number=payment.number, amount=payment.amount, currency=payment.currency, at=payment.at)
    pay = PayOrder(purchase=purchase, amount=payment.amount, currency=payment.currency, at=payment.at)
    place = _placing(purchase, order, by, corrects=False)
    return _told(house, purchase, (place, pay), buyer, payment.at, by)


def note_order(
    house: House, order: Order, payment: Payment | None, refund: Refund | None, buyer: Buyer, *, by: Teller
) -> Noted:
    """Note all that a row of a file tells of an order, at once. What is known is not corrected: a file may be an old one.

    Raises as ``place_order``; BadInput where something else is known than it says.
    """
    purchase = _purchase(house, order.number)
    commands: list[Command] = [_placing(purchase, order, by, corrects=False)]
    if payment is not None:
        commands.append(
            PayOrder(
                purchase=purchase,
                amount=payment.amount,
                currency=payment.currency,
                at=payment.at,
                corrects=False,
            )
        )
    if refund is not None:
        commands.append(_refunding(house, purchase, refund))
    noted = _told(house, purchase, tuple(commands), buyer, order.at, by)
    known_as = _state(house, purchases, purchase)
    paid = payment.amount if payment is not None else known_as.paid
    if (known_as.amount, known_as.paid) != (order.amount, paid):
        raise BadInput("another amount is known of this order: it stays (the API corrects it)")
    return noted


def refund_order(house: House, refund: Refund, *, by: Teller) -> Noted:
    """Note that money went back. Raises as ``place_order``; UnknownRecipient for an order nobody told of, Rejected for too much."""
    purchase = _purchase(house, refund.number)
    return _told(house, purchase, (_refunding(house, purchase, refund),), NOBODY, refund.at, by)


def reach_goal(house: House, goal: Goal, buyer: Buyer, *, by: Teller) -> Noted:
    """Note that somebody reached a goal. Raises BadInput, UnknownRecipient (nobody known: tell it again later), StoreUnavailable."""
    key = house.digest("goal", _slug(goal.goal), _code(goal.key))
    try:
        result = _reach(house, key, goal, known(house, buyer), by)
    except UnknownRecipient:
        house.catch_up()  # the views may not have shown them yet
        result = _reach(house, key, goal, known(house, buyer), by)
    reached = _state(house, goals, key)
    if reached is None:
        raise AssertionError("a goal that was noted is not in the log")
    return Noted(bool(result.events), reached.by, _owner(house, reached.customer, reached.contact))


def _reach(house: House, key: Digest, goal: Goal, buyer: Known, by: Teller) -> Done:
    command = ReachGoal(
        key=key,
        goal=_slug(goal.goal),
        customer=buyer.customer,
        signs=buyer.signs,
        at=goal.at,
        value=goal.value,
        currency=goal.currency,
    )
    return _submit(house, (command,), goal.at, by)


def describe_customer(house: House, description: Description, whom: Buyer, *, by: Teller) -> Noted:
    """Note what another system knows of a customer; where it leads to nobody, nothing.

    ``by`` of what is returned is None then. Raises BadInput, UnknownRecipient (a customer is named who does not exist), StoreUnavailable.
    """
    found = known(house, whom)
    sign = next((sign for sign in found.signs if sign.contact is not None), None)
    customer = found.customer or _owner(house, None, None if sign is None else sign.contact)
    if customer is None:
        return Noted(changed=False)
    told = (description.birthday, description.member_since, description.language, description.zone)
    command = DescribeCustomer(
        customer=customer,
        birthday=None if description.birthday is None else Personal(description.birthday),
        member_since=description.member_since,
        language=description.language,
        zone=description.zone,
        source=by.source,
        digest=house.digest("description", *(str(part or "") for part in told)),
    )
    result = _submit(house, (command,), house.clock(), by)
    how = BY_CUSTOMER if found.customer is not None or sign is None else sign.kind
    return Noted(bool(result.events), how, _owner(house, customer, None))


def standing(house: House, number: str) -> Noted | None:
    """Return what is known of whose an order is, None for a number nobody told of. Raises BadInput, StoreUnavailable."""
    purchase = _purchase(house, number)
    return None if _state(house, purchases, purchase).currency is None else _noted(house, purchase)


# --- what is said ----------------------------------------------------------------------------------------------------


def _purchase(house: House, number: str) -> PurchaseId:
    return purchase_of(house.digest, _code(number))


def _placing(purchase: PurchaseId, order: Order, by: Teller, *, corrects: bool) -> PlaceOrder:
    if order.items is not None and len(order.items) > MOST_ITEMS:
        raise BadInput("an order lists at most {most} items", most=MOST_ITEMS)
    return PlaceOrder(
        purchase=purchase,
        number=Personal(normalised(order.number).strip()),
        items=None if order.items is None else Personal(order.items),
        amount=order.amount,
        currency=order.currency,
        at=order.at,
        source=by.source,
        corrects=corrects,
    )


def _refunding(house: House, purchase: PurchaseId, refund: Refund) -> RefundOrder:
    return RefundOrder(
        purchase=purchase,
        refund=house.digest("refund", purchase, _code(refund.name)),
        amount=refund.amount,
        currency=refund.currency,
        at=refund.at,
    )


def _buyer(purchase: PurchaseId, buyer: Known) -> FindBuyer:
    return FindBuyer(purchase=purchase, customer=buyer.customer, signs=buyer.signs)


def _code(said: str) -> str:
    """Return what something is known by. Raises BadInput."""
    text = normalised(said).strip()
    if not 0 < len(text) <= LONGEST_NUMBER:
        raise BadInput(
            "what an order, a refund or a goal is called has 1 to {most} characters", most=LONGEST_NUMBER
        )
    return text


def _slug(goal: str) -> Slug:
    code = goal.strip()
    fits = code.replace("-", "").isalnum() and code.isascii() and code == code.lower()
    if not fits or len(code) > LONGEST_CODE:
        raise BadInput("a goal is a lower-case code such as signed-up, not {goal!r}", goal=goal)
    return Slug(code)


# --- what came of it -------------------------------------------------------------------------------------------------


def _told(
    house: House,
    purchase: PurchaseId,
    commands: tuple[Command, ...],
    buyer: Buyer,
    at: datetime,
    by: Teller,
) -> Noted:
    found = known(house, buyer)
    result = _submit(house, (*commands, _buyer(purchase, found)), at, by)
    noted = _noted(house, purchase)
    if noted.by is None and found.signs and by.origin is Origin.LIVE:
        house.catch_up()  # somebody may have come while the views did not show them yet, and before the order waited for them
        shown = known(house, buyer)
        if any(sign.contact is not None for sign in shown.signs):
            _submit(house, (_buyer(purchase, shown),), at, by)
            noted = _noted(house, purchase)
    return replace(noted, changed=bool(result.events))


def _submit(house: House, commands: Sequence[Command], at: datetime, by: Teller) -> Done:
    now = house.clock()
    if at.tzinfo is None:
        raise BadInput("a time needs its zone, such as +08:00")
    if at > now + AHEAD:
        raise BadInput("{at} is in the future", at=at.isoformat())
    context = Context(actor=by.actor, occurred_at=at, now=now, origin=by.origin)
    return done(house.submit_blocking(Request(context, tuple(commands))))


def _noted(house: House, purchase: PurchaseId) -> Noted:
    state = _state(house, purchases, purchase)
    return Noted(
        changed=False, by=state.by, customer=_owner(house, state.customer, state.contact), purchase=purchase
    )


def _owner(house: House, customer: CustomerId | None, contact: ContactId | None) -> CustomerId | None:
    """Return who answers for it now, as the log has it: a view may not be there yet. None for somebody who was forgotten."""
    owner = customer if contact is None else _state(house, contacts, contact).customer
    for _ in range(MOST_MERGED + 1):
        if owner is None:
            return None
        state = _state(house, customers, owner)
        if state.merged_into is None:
            return None if state.forgotten else owner
        owner = state.merged_into
    raise AssertionError(f"{owner} was merged in a circle")


def _state(house: House, decider: Decider[Any], key: str | Digest) -> Any:  # noqa: ANN401  # the decider's own state
    return fold(decider, house.log.read_stream(stream(decider.category, key)))
