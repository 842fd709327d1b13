"""Restoring a backup: what may have been sent since it was taken is not sent again.

The log ends where the backup was taken, but the world went on. So everything that was open and due when the backup is restored is in doubt:
a delivery becomes Unknown, of whatever class, and an operator says what became of it (shared/design/delivery.md, test-matrix D18).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.customers.customer import customers
from domain.decider import Handler, Streams, Write
from domain.deliveries.delivery import DeliveryState, Phase, deliveries
from domain.deliveries.events import RESTORED, DeliveryClass, DeliveryUnknown
from domain.gate import reservation
from domain.groups.events import GroupSendReserved
from domain.groups.group import groups
from domain.identity import DeliveryId
from domain.message import Command, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtDelivery:
    """A backup was restored that shows this delivery as open: where it is due, nobody can tell whether it was sent."""

    delivery: DeliveryId


def doubt(command: DoubtDelivery, streams: Streams, context: Context) -> Iterator[Write | Command]:
    """Call it Unknown, and the cap spent. Nothing happens where it cannot have been sent, or never is again by itself."""
    state = streams.state(deliveries, command.delivery)
    if not state.may_have_gone(context.now):
        return
    if state.kind is DeliveryClass.MARKETING and state.phase is Phase.PLANNED:  # started: it is spent already
        yield from _spend(command.delivery, state, streams, context)
    unknown = DeliveryUnknown(delivery=command.delivery, reason=RESTORED)
    yield Write(deliveries, command.delivery, (unknown,))


def _spend(delivery: DeliveryId, state: DeliveryState, streams: Streams, context: Context) -> Iterator[Write]:
    if state.group is not None:
        in_group = GroupSendReserved(group=state.group, delivery=delivery, at=context.now)
        yield Write(groups, state.group, (in_group,))
    elif state.customer is not None and state.contact is not None:
        reserved = reservation(delivery, state, state.customer, streams, context.now)
        yield Write(customers, state.customer, (reserved,))


RESTORING = Handler(DoubtDelivery, doubt)
