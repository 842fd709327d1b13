"""Media: the files that came with messages, and whether each is kept. A message's row is made by the message itself, so none is missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    delete,
    literal,
    select,
)

from domain.conversations.events import ContentKind, MessageReceived
from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, EventId, MediaId, Slug
from domain.media.events import FileKind, MediaKept, MediaRefused, MediaType
from domain.message import Origin, Recorded
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc


class FileState(StrEnum):
    """What became of a file."""

    WAITING = "waiting"
    KEPT = "kept"
    REFUSED = "refused"


MEDIA = Table(
    "media",
    METADATA,
    Column("message", String, primary_key=True),
    Column("contact", String, nullable=False, index=True),
    Column("position", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),
    Column("state", String, nullable=False),
    Column("said", String),
    Column("media", String),
    Column("kind", String),
    Column("content_type", String),
    Column("size", Integer),
    Column("name", String),
    Column("reason", String),
)
"""``message``: the event that brought it. ``said``: the kind of the message, before anybody looked into it; ``at``: when we got it."""
IS_WAITING = MEDIA.c.state == literal(FileState.WAITING.value, literal_execute=True)
Index("media_waiting", MEDIA.c.position, sqlite_where=IS_WAITING, postgresql_where=IS_WAITING)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that nobody has fetched yet. ``at``: when its message was recorded."""

    message: EventId
    contact: ContactId
    said: ContentKind
    at: datetime


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The file of a message. ``media`` and what follows are known once it is kept, ``reason`` once it is refused."""

    message: EventId
    contact: ContactId
    state: FileState
    media: MediaId | None = None
    kind: FileKind | None = None
    content_type: MediaType | None = None
    size: int | None = None
    name: str | None = None
    reason: Slug | None = None


_Event = MessageReceived | MediaKept | MediaRefused


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, event) for recorded in batch if isinstance(event := recorded.event, _Event)]
    settled = (event.message for _, event in events if not isinstance(event, MessageReceived))
    rows = Rows(connection, MEDIA, settled)
    for recorded, event in events:
        match event:
            case MessageReceived():
                if _has_file(event) and recorded.origin is Origin.LIVE:
                    rows.put(_row(recorded, recorded.id, event.contact) | {"said": event.kind.value})
            case MediaKept(message=message):
                row = rows.get(message) or rows.put(_row(recorded, message, event.contact))
                row["state"] = FileState.KEPT.value
                row["media"] = event.media
                row["kind"] = event.kind.value
                row["content_type"] = event.content_type.value
                row["size"] = event.size
                row["name"] = None if event.name is None else event.name.value
            case MediaRefused(message=message, media=media, reason=reason):
                row = rows.get(message) or rows.put(_row(recorded, message, event.contact))
                row["state"] = FileState.REFUSED.value
                row["media"] = media
                row["reason"] = reason
    rows.save()


def _has_file(event: MessageReceived) -> bool:
    if event.kind is ContentKind.TEXT or event.details is None:
        return False
    details: object = event.details.value  # a word, where the key is destroyed
    return isinstance(details, dict) and "file_id" in details


def _row(recorded: Recorded, message: EventId, contact: ContactId) -> dict[str, object]:
    return {
        "message": message,
        "contact": contact,
        "position": recorded.position,
        "at": recorded.recorded_at,
        "state": FileState.WAITING.value,
    }


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(MEDIA).where(MEDIA.c.contact.in_(event.contacts)))


media = Projection(
    name="media",
    version=1,
    tables=(MEDIA,),
    listens_to=frozenset({MessageReceived, MediaKept, MediaRefused, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def waiting(connection: Connection, since: datetime, limit: int) -> list[Waiting]:
    """Return files that are to be fetched, of messages recorded after ``since``, the oldest first."""
    statement = select(MEDIA).where(IS_WAITING, MEDIA.c.at > since).order_by(MEDIA.c.position).limit(limit)
    return [
        Waiting(row.message, row.contact, ContentKind(row.said), row.at)
        for row in connection.execute(statement)
    ]


def media_of(connection: Connection, message: EventId) -> MediaFile | None:
    """Return the file that came with a message; None where none did."""
    row = connection.execute(select(MEDIA).where(MEDIA.c.message == message)).first()
    if row is None:
        return None
    return MediaFile(
        message=row.message,
        contact=row.contact,
        state=FileState(row.state),
        media=row.media,
        kind=None if row.kind is None else FileKind(row.kind),
        content_type=None if row.content_type is None else MediaType(row.content_type),
        size=row.size,
        name=row.name,
        reason=row.reason,
    )


def files_of(connection: Connection, contact: ContactId) -> list[MediaFile]:
    """Return all files that a contact sent, oldest first."""
    messages = connection.execute(
        select(MEDIA.c.message).where(MEDIA.c.contact == contact).order_by(MEDIA.c.position)
    ).scalars()
    return [found for message in messages.all() if (found := media_of(connection, message)) is not None]
