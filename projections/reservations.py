"""Reservations: which marketing messages spent whose cap lately, for previews. The gate judges by the streams themselves."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Index, String, Table, delete, select

from domain.customers import parts
from domain.customers.events import (
    CustomerAbsorbed,
    CustomerForgotten,
    CustomerReleased,
    CustomerUnmerged,
    ReservationReleased,
    SendReserved,
)
from domain.groups.events import GroupReservationReleased, GroupSendReserved
from domain.identity import Channel, CustomerId, DeliveryId, GroupId, Slug
from domain.message import Recorded
from domain.policies.frequency_cap import Spent
from projections.projection import Projection, Row, Rows
from projections.schema import METADATA, Utc, one_of

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("id", String, primary_key=True),
    Column("delivery", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("channel", String),
    Column("topic", String),
    Index("reservations_of_recipient", "recipient", "at"),
)
"""``recipient``: a customer or a group. After an un-merge several hold the same one. ``channel``, ``topic``: None counts for each."""

_MadeOf = CustomerAbsorbed | CustomerReleased | CustomerUnmerged
_Event = SendReserved | ReservationReleased | GroupSendReserved | GroupReservationReleased | _MadeOf


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch if isinstance(recorded.event, _Event)]
    changed = {event.customer for event in events if isinstance(event, _MadeOf)}
    held = select(RESERVATIONS.c.id).where(RESERVATIONS.c.recipient.in_(changed))
    named = (_id(*key) for event in events for key in _keys(event))
    rows = Rows(connection, RESERVATIONS, [*named, *(connection.execute(held).scalars() if changed else ())])
    for event in events:
        match event:
            case SendReserved(delivery=delivery, customer=customer, at=at, channel=channel, topic=topic):
                rows.put(_row(customer, delivery, at, channel, topic))
            case GroupSendReserved(delivery=delivery, group=group, at=at):
                rows.put(_row(group, delivery, at))
            case ReservationReleased(delivery=delivery, customer=customer):
                rows.discard(_id(customer, delivery))
            case GroupReservationReleased(delivery=delivery, group=group):
                rows.discard(_id(group, delivery))
            case CustomerAbsorbed() | CustomerReleased() | CustomerUnmerged():
                _replace(rows, event)
    rows.save()


def _keys(event: _Event) -> Iterable[tuple[str, DeliveryId]]:
    match event:
        case SendReserved() | ReservationReleased():
            yield event.customer, event.delivery
        case GroupSendReserved() | GroupReservationReleased():
            yield event.group, event.delivery
        case _:
            yield from ((event.customer, spent.delivery) for spent in parts.reservations(event.parts))


def _replace(rows: Rows, event: _MadeOf) -> None:
    for row in list(rows):
        if row["recipient"] == event.customer:
            rows.discard(row["id"])
    for spent in parts.reservations(event.parts):
        rows.put(_row(event.customer, spent.delivery, spent.at, spent.channel, spent.topic))


def _row(
    recipient: str,
    delivery: DeliveryId,
    at: datetime,
    channel: Channel | None = None,
    topic: Slug | None = None,
) -> Row:
    return {
        "id": _id(recipient, delivery),
        "delivery": delivery,
        "recipient": recipient,
        "at": at,
        "channel": channel,
        "topic": topic,
    }


def _id(recipient: str, delivery: DeliveryId) -> str:
    return f"{recipient}:{delivery}"


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(RESERVATIONS).where(RESERVATIONS.c.recipient.in_(event.customers)))


reservations = Projection(
    name="reservations",
    version=3,
    tables=(RESERVATIONS,),
    listens_to=frozenset(
        {
            SendReserved,
            ReservationReleased,
            GroupSendReserved,
            GroupReservationReleased,
            CustomerAbsorbed,
            CustomerReleased,
            CustomerUnmerged,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


def reserved(
    connection: Connection, recipients: Collection[CustomerId | GroupId], since: datetime
) -> dict[str, list[Spent]]:
    """Return what each of the recipients had spent after ``since``, oldest first; those without any are missing."""
    statement = (
        select(RESERVATIONS.c.recipient, RESERVATIONS.c.at, RESERVATIONS.c.channel, RESERVATIONS.c.topic)
        .where(one_of(RESERVATIONS.c.recipient, recipients), RESERVATIONS.c.at > since)
        .order_by(RESERVATIONS.c.at, RESERVATIONS.c.delivery)
    )
    found: dict[str, list[Spent]] = {}
    for recipient, at, channel, topic in connection.execute(statement).all():
        found.setdefault(recipient, []).append(Spent(at, channel, topic))
    return found
