"""Settling: what the end of a delivery means for its recipient."""

from collections.abc import Iterable

from domain.contacts.commands import BlockContact
from domain.contacts.contact import contacts
from domain.conversations.commands import GiveReplyBack
from domain.customers.commands import ReleaseReservation
from domain.customers.customer import answering_for, customers
from domain.decider import Process, Streams
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import (
    ANSWERED_IN_REQUEST,
    WINDOW_USED_UP,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.groups.commands import LeaveGroup, ReleaseGroupReservation
from domain.identity import ContactId, CustomerId
from domain.message import Command, Recorded


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Give the cap back for what was provably never sent, and remember who cannot be reached."""
    event = recorded.event
    if isinstance(event, DeliveryPostponed | DeliveryUnknown):
        yield from _window(event, streams)
    if not isinstance(event, DeliveryRejected | DeliverySuppressed | DeliveryExpired):
        return
    state = streams.state(deliveries, event.delivery)
    gone = event.reason if isinstance(event, DeliveryRejected) and event.unreachable else None
    if state.group is not None:
        yield ReleaseGroupReservation(group=state.group, delivery=event.delivery)
        if gone is not None:
            yield LeaveGroup(group=state.group, reason=gone)
    elif state.contact is not None:
        if not _window_stays_spent(event):
            yield GiveReplyBack(contact=state.contact, delivery=event.delivery, attempt=state.attempt)
        if state.kind is DeliveryClass.MARKETING:
            for customer in _holders(state.contact, streams):
                yield ReleaseReservation(customer=customer, delivery=event.delivery)
        if gone is not None:
            yield BlockContact(contact=state.contact, reason=gone)


def _holders(contact: ContactId, streams: Streams) -> Iterable[CustomerId]:
    """Whoever this contact belongs to, and whom they were one customer with: after an un-merge both keep what was reserved before."""
    customer = streams.state(contacts, contact).customer
    if customer is None:
        return ()
    apart = (answering_for(other, streams) for other in sorted(streams.state(customers, customer).parted))
    return dict.fromkeys((customer, *apart))


def _window_stays_spent(event: DeliveryRejected | DeliverySuppressed | DeliveryExpired) -> bool:
    """Whether an earlier attempt may have arrived, or the provider's own count says that nothing is left: then ours must say so too."""
    return isinstance(event, DeliveryRejected) and (event.rule is not None or event.reason == WINDOW_USED_UP)


def _window(event: DeliveryPostponed | DeliveryUnknown, streams: Streams) -> Iterable[Command]:
    """A message that was provably not sent, or went out as the answer to the provider's own request, used nothing of the window."""
    free = event.rule is None if isinstance(event, DeliveryPostponed) else event.reason == ANSWERED_IN_REQUEST
    state = streams.state(deliveries, event.delivery)
    if free and state.contact is not None:
        yield GiveReplyBack(contact=state.contact, delivery=event.delivery, attempt=state.attempt)


settling = Process(
    "settling",
    (DeliveryRejected, DeliverySuppressed, DeliveryExpired, DeliveryPostponed, DeliveryUnknown),
    react,
    immediate=True,
)
