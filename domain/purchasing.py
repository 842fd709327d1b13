"""Purchasing: whose an order or a goal is.

Decided on the streams of whoever may have the sign that came with it, so that an order and its buyer who come at the same time find each
other.
"""

from collections.abc import Iterator

from domain.contacts.contact import contacts
from domain.contacts.identifier import identifiers
from domain.customers.customer import answering_for, customers
from domain.decider import Handler, Streams, Write
from domain.errors import UnknownRecipient
from domain.goals.commands import NoteGoal, ReachGoal
from domain.goals.goal import goals
from domain.identity import ContactId, CustomerId, Slug, stream
from domain.message import Command, Context
from domain.policies.signs import Sign
from domain.purchases.claim import claims
from domain.purchases.commands import AwaitOrder, ClaimByNumber, ClaimOrders, FindBuyer, MatchOrder
from domain.purchases.purchase import purchases

BY_CUSTOMER = Slug("customer")
BY_NUMBER = Slug("number")


def find_buyer(command: FindBuyer, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Match, or let it wait. Raises UnknownRecipient for a customer who is named and does not exist (any more)."""
    if streams.state(purchases, command.purchase).by is not None:
        return
    if command.customer is not None:
        if not is_known(command.customer, streams):
            raise UnknownRecipient("no such customer")
        yield MatchOrder(purchase=command.purchase, by=BY_CUSTOMER, customer=command.customer)
        return
    for sign in command.signs:
        contact = holder_of(sign, streams)
        if contact is not None:
            yield MatchOrder(purchase=command.purchase, by=sign.kind, contact=contact)
            return
    for sign in command.signs:
        yield AwaitOrder(sign=sign.digest, purchase=command.purchase)


def is_known(customer: CustomerId, streams: Streams) -> bool:
    """Whether there is such a customer, who was not forgotten."""
    state = streams.state(customers, answering_for(customer, streams))
    return state.exists and not state.forgotten


def holder_of(sign: Sign, streams: Streams) -> ContactId | None:
    """Return who has a sign: whom a channel vouches for, else whom the views show; nobody who was forgotten."""
    holders: list[ContactId] = [*streams.state(identifiers, sign.digest).holders]
    if sign.contact is not None:
        holders.append(sign.contact)
    for contact in holders:
        state = streams.state(contacts, contact)
        if state.customer is not None and not state.forgotten:
            return contact
    return None


def claim(command: ClaimOrders, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Give a contact what waited for them."""
    for purchase in streams.state(claims, command.sign).waiting:
        yield MatchOrder(purchase=purchase, by=command.kind, contact=command.contact)


def claim_by_number(command: ClaimByNumber, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Give a contact what they say is theirs and is nobody's."""
    for purchase in command.purchases:
        state = streams.state(purchases, purchase)
        if state.currency is not None and state.by is None:
            yield MatchOrder(purchase=purchase, by=BY_NUMBER, contact=command.contact)


def reach(command: ReachGoal, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Note a goal once. Raises UnknownRecipient where it would be nobody's: then it may be told again later."""
    if streams.state(goals, command.key) is not None:
        return
    found = _reached_by(command, streams)
    if found is None:
        raise UnknownRecipient("no such customer")
    by, customer, contact = found
    yield NoteGoal(
        key=command.key,
        goal=command.goal,
        by=by,
        customer=customer,
        contact=contact,
        at=command.at,
        value=command.value,
        currency=command.currency,
    )


def _reached_by(
    command: ReachGoal, streams: Streams
) -> tuple[Slug, CustomerId | None, ContactId | None] | None:
    if command.customer is not None:
        return (BY_CUSTOMER, command.customer, None) if is_known(command.customer, streams) else None
    for sign in command.signs:
        contact = holder_of(sign, streams)
        if contact is not None:
            return sign.kind, None, contact
    return None


PURCHASING: tuple[Handler, ...] = (
    Handler(FindBuyer, find_buyer),
    Handler(ClaimOrders, claim),
    # Most numbers that people say are no order's.
    Handler(
        ClaimByNumber, claim_by_number, hopes=lambda c: [stream(purchases.category, p) for p in c.purchases]
    ),
    Handler(ReachGoal, reach),
)
