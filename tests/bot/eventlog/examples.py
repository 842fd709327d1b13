"""Units and clocks for tests of the event log."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.conversations.events import ConversationReturned, MessageReceived
from domain.identity import ContactId, Slug, StreamId
from domain.message import Context, Event, Personal
from domain.ports.event_log import Append, NewEvent, Progress, StreamWrite

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONTEXT = Context(actor=Slug("customer"), occurred_at=NOON - timedelta(seconds=3), now=NOON)
CONTACT = ContactId("0193a1b2c3d4e5f60718293a4b5c6d7e")


class Clock:
    """Stands still until it is set."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def message(text: str, contact: ContactId = CONTACT) -> MessageReceived:
    return MessageReceived(contact=contact, text=Personal(text))


def returned(contact: ContactId = CONTACT) -> ConversationReturned:
    return ConversationReturned(contact=contact)


def write(stream: str, expected: int, *events: Event) -> StreamWrite:
    return StreamWrite(
        StreamId(stream), expected, tuple(NewEvent(event, CONTEXT) for event in events or (returned(),))
    )


def unit(
    *writes: StreamWrite,
    once: str | None = None,
    unchanged: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> Append:
    seen = {StreamId(stream): version for stream, version in (unchanged or {}).items()}
    return Append(writes, None if once is None else StreamId(once), seen, progress)


def inbound(key: str, text: str = "hello") -> Append:
    """One message in its own stream, once."""
    return unit(write(f"inbound-{key}", 0, message(text)), once=f"inbound-{key}")
