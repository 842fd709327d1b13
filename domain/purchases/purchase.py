"""The purchase: one order, by its number. Said twice it changes nothing; another amount is a correction, and the last word counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Streams
from domain.errors import Rejected, UnknownRecipient
from domain.identity import ContactId, Currency, CustomerId, Digest, Slug
from domain.message import Context, Event
from domain.purchases.commands import MatchOrder, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.events import (
    EVENTS,
    OrderCorrected,
    OrderMatched,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)

PurchaseCommand = PlaceOrder | PayOrder | RefundOrder | MatchOrder
PurchaseEvent = OrderPlaced | OrderCorrected | OrderPaid | OrderRefunded | OrderMatched


@dataclass(frozen=True, slots=True)
class PurchaseState:
    """``currency``: None until it was placed. ``paid``: None until it was. ``by``: what told whose it is, None until something did."""

    currency: Currency | None = None
    amount: int = 0
    paid: int | None = None
    refunded: int = 0
    refunds: frozenset[Digest] = frozenset()
    by: Slug | None = None
    customer: CustomerId | None = None
    contact: ContactId | None = None


def decide(state: PurchaseState, command: PurchaseCommand, _context: Context) -> Sequence[Event]:
    """Decide what the shop tells of this order."""
    match command:
        case PlaceOrder():
            return _placed(state, command)
        case PayOrder(purchase=purchase, amount=amount, currency=currency, at=at, corrects=corrects):
            _fits(state, amount, currency)
            again = amount == state.paid or (state.paid is not None and not corrects)
            return () if again else (OrderPaid(purchase=purchase, amount=amount, currency=currency, at=at),)
        case RefundOrder():
            return _refunded(state, command)
        case MatchOrder(purchase=purchase, by=by, customer=customer, contact=contact):
            if state.currency is None or state.by is not None:
                return ()
            return (OrderMatched(purchase=purchase, by=by, customer=customer, contact=contact),)
        case _:
            assert_never(command)


def _placed(state: PurchaseState, command: PlaceOrder) -> Sequence[Event]:
    if state.currency is not None:
        _fits(state, command.amount, command.currency)
        same = command.amount == state.amount or not command.corrects
        return () if same else (OrderCorrected(purchase=command.purchase, amount=command.amount),)
    if command.amount < 0:
        raise Rejected("an amount is not negative: tell of money that goes back as a refund")
    placed = OrderPlaced(
        purchase=command.purchase,
        number=command.number,
        items=command.items,
        amount=command.amount,
        currency=command.currency,
        at=command.at,
        source=command.source,
    )
    return (placed,)


def _refunded(state: PurchaseState, command: RefundOrder) -> Sequence[Event]:
    if command.refund in state.refunds:
        return ()
    _fits(state, command.amount, command.currency)
    most = max(state.amount, state.paid or 0) - state.refunded
    if not 0 < command.amount <= most:
        raise Rejected(
            "a refund of {amount} does not fit: at most {most} of this order can go back (smallest unit of {currency})",
            amount=command.amount,
            most=most,
            currency=command.currency,
        )
    refunded = OrderRefunded(
        purchase=command.purchase,
        refund=command.refund,
        amount=command.amount,
        currency=command.currency,
        at=command.at,
    )
    return (refunded,)


def _fits(state: PurchaseState, amount: int, currency: Currency) -> None:
    """Raise UnknownRecipient for an order nobody placed, Rejected for what cannot be of this one."""
    if state.currency is None:
        raise UnknownRecipient("no such order: tell of the order first")
    if currency != state.currency:
        raise Rejected(
            "this order is in {known}, not in {currency}: an order's currency does not change",
            known=state.currency,
            currency=currency,
        )
    if amount < 0:
        raise Rejected("an amount is not negative: tell of money that goes back as a refund")


def evolve(state: PurchaseState, event: PurchaseEvent) -> PurchaseState:
    """Fold one event into the state."""
    match event:
        case OrderPlaced(amount=amount, currency=currency):
            return replace(state, amount=amount, currency=currency)
        case OrderCorrected(amount=amount):
            return replace(state, amount=amount)
        case OrderPaid(amount=amount):
            return replace(state, paid=amount)
        case OrderRefunded(refund=refund, amount=amount):
            return replace(state, refunded=state.refunded + amount, refunds=state.refunds | {refund})
        case OrderMatched(by=by, customer=customer, contact=contact):
            return replace(state, by=by, customer=customer, contact=contact)
        case _:
            assert_never(event)


def _key(command: PurchaseCommand, _streams: Streams) -> str:
    return command.purchase


purchases = Decider(
    category="purchase",
    initial=PurchaseState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(PlaceOrder, PayOrder, RefundOrder, MatchOrder),
    key=_key,
)
