"""Reservations: which marketing messages spent whose cap lately, for previews. The gate judges by the streams themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Index, String, Table, delete, select

from domain.customers.events import CustomerForgotten, ReservationReleased, SendReserved
from domain.groups.events import GroupReservationReleased, GroupSendReserved
from domain.identity import CustomerId, GroupId
from domain.message import Recorded
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("recipient", String, nullable=False),
    Column("at", Utc, nullable=False),
    Index("reservations_of_recipient", "recipient", "at"),
)
"""``recipient``: a customer or a group."""

_Event = SendReserved | ReservationReleased | GroupSendReserved | GroupReservationReleased


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch if isinstance(recorded.event, _Event)]
    rows = Rows(connection, RESERVATIONS, (event.delivery for event in events))
    for event in events:
        match event:
            case SendReserved(delivery=delivery, customer=customer, at=at):
                rows.put({"delivery": delivery, "recipient": customer, "at": at})
            case GroupSendReserved(delivery=delivery, group=group, at=at):
                rows.put({"delivery": delivery, "recipient": group, "at": at})
            case ReservationReleased(delivery=delivery) | GroupReservationReleased(delivery=delivery):
                rows.discard(delivery)
    rows.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(RESERVATIONS).where(RESERVATIONS.c.recipient.in_(event.customers)))


reservations = Projection(
    name="reservations",
    version=1,
    tables=(RESERVATIONS,),
    listens_to=frozenset(
        {SendReserved, ReservationReleased, GroupSendReserved, GroupReservationReleased, CustomerForgotten}
    ),
    apply=_apply,
    forget=_forget,
)


def reserved(
    connection: Connection, recipients: Collection[CustomerId | GroupId], since: datetime
) -> dict[str, list[datetime]]:
    """Return when each of the recipients had a cap spent after ``since``, oldest first; those without any are missing."""
    statement = (
        select(RESERVATIONS.c.recipient, RESERVATIONS.c.at)
        .where(RESERVATIONS.c.recipient.in_(recipients), RESERVATIONS.c.at > since)
        .order_by(RESERVATIONS.c.at, RESERVATIONS.c.delivery)
    )
    found: dict[str, list[datetime]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.recipient, []).append(row.at)
    return found
