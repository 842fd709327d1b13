"""Settling: what the end of a delivery means for its recipient."""

from collections.abc import Iterable

from domain.contacts.commands import BlockContact
from domain.customers.commands import ReleaseReservation
from domain.decider import Process, Streams
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import DeliveryClass, DeliveryExpired, DeliveryRejected, DeliverySuppressed
from domain.groups.commands import LeaveGroup, ReleaseGroupReservation
from domain.message import Command, Recorded


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Give the cap back for what was provably never sent, and remember who cannot be reached."""
    event = recorded.event
    if not isinstance(event, DeliveryRejected | DeliverySuppressed | DeliveryExpired):
        return
    state = streams.state(deliveries, event.delivery)
    gone = event.reason if isinstance(event, DeliveryRejected) and event.unreachable else None
    if state.group is not None:
        if state.kind is DeliveryClass.MARKETING:
            yield ReleaseGroupReservation(group=state.group, delivery=event.delivery)
        if gone is not None:
            yield LeaveGroup(group=state.group, reason=gone)
    elif state.contact is not None and state.customer is not None:
        if state.kind is DeliveryClass.MARKETING:
            yield ReleaseReservation(customer=state.customer, delivery=event.delivery)
        if gone is not None:
            yield BlockContact(contact=state.contact, reason=gone)


settling = Process("settling", (DeliveryRejected, DeliverySuppressed, DeliveryExpired), react, immediate=True)
