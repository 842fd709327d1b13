"""Forgetting: the promise, as one append. What it promises is destroyed afterwards, and again at every start (bot/forgetting.py)."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.contacts.commands import SuppressAddress
from domain.contacts.contact import contacts
from domain.contacts.events import ContactForgotten
from domain.customers.customer import answering_for, customers
from domain.customers.events import CustomerForgotten
from domain.decider import Handler, Streams, Write
from domain.deliveries.commands import CancelDelivery
from domain.errors import Rejected, UnknownRecipient
from domain.identity import ContactId, CustomerId, DeliveryId, Digest, OperatorId, ScheduleId, Slug
from domain.message import Command, Context
from domain.schedules.commands import EndSchedule

FORGOTTEN = Slug("forgotten")
"""Why nothing goes out to them any more."""
MOST_AT_ONCE = 500
"""Open deliveries and schedules that end in the same append; the gate refuses whatever else there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCustomer:
    """Forget a person: this customer with all that were merged into it, and their contacts.

    ``addresses``: (contact, ``address_digest`` of where it is reached) for each of the contacts. ``orders``: what operators said of this
    person. ``deliveries`` and ``schedules``: what is open for them, as far as the views show it.
    """

    customer: CustomerId
    addresses: tuple[tuple[ContactId, Digest], ...]
    orders: tuple[Digest, ...] = ()
    deliveries: tuple[DeliveryId, ...] = ()
    schedules: tuple[ScheduleId, ...] = ()
    operator: OperatorId | None = None


def forget(command: ForgetCustomer, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Record the promise in the streams of the customer and the contacts. Said twice it changes nothing.

    Raises UnknownRecipient, Rejected where the customer is one of us, or a contact was linked just now.
    """
    customer = answering_for(command.customer, streams)
    state = streams.state(customers, customer)
    if not state.exists:
        raise UnknownRecipient("no such customer")
    if state.forgotten:
        return
    addresses = dict(command.addresses)
    theirs = tuple(sorted(state.contacts))
    if not addresses.keys() >= set(theirs):
        raise Rejected("a contact was linked to this customer just now: try again")
    if any(streams.state(contacts, contact).operator is not None for contact in theirs):
        raise Rejected("this is an operator: take them out of the team first")
    forgotten = CustomerForgotten(
        customer=customer,
        customers=tuple(part.customer for part in state.parts),
        contacts=theirs,
        orders=command.orders,
        operator=command.operator,
    )
    yield Write(customers, customer, (forgotten,))
    for contact in theirs:
        yield Write(contacts, contact, (ContactForgotten(contact=contact),))
        yield SuppressAddress(address=addresses[contact])
    for delivery in command.deliveries[:MOST_AT_ONCE]:
        yield CancelDelivery(delivery=delivery, reason=FORGOTTEN, rule=FORGOTTEN)
    for schedule in command.schedules[:MOST_AT_ONCE]:
        yield EndSchedule(schedule=schedule)


FORGETTING = Handler(ForgetCustomer, forget)
