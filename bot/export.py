"""The log as JSON Lines, out and in (interface.md, "CLI siyu")."""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, get_args, get_origin

import msgspec

from domain.contacts.events import ContactSeen
from domain.errors import BadInput
from domain.groups.events import GroupMigrated, GroupSeen
from domain.identity import Address, EventId, Party, Slug, StreamId
from domain.message import Context, Event, Origin, Personal, Raw, Recorded
from domain.ports.event_log import Append, Conflict, Duplicate, EventLog, NewEvent, StreamWrite, Unreadable
from domain.ports.identities import Identities
from domain.registry import EVENT_TYPES

PAGE = 1_000
WITHHELD = "[personal]"
"""What a personal field reads as where it is not to be told."""


def _plain(value: object) -> object:
    if isinstance(value, Personal):
        return value.value
    if isinstance(value, Raw):
        return base64.b64encode(value.value).decode()
    raise AssertionError(f"no event may hold a {type(value).__name__}: it has no JSON form")


def _withheld(value: object) -> object:
    if isinstance(value, Personal | Raw):
        return WITHHELD
    return _plain(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_discreet = msgspec.json.Encoder(enc_hook=_withheld)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_json(recorded: Recorded, *, personal: bool = True) -> str:
    """Return one event as a line of JSON; what cannot be read has an ``error`` instead of ``data``.

    Without ``personal`` no personal field is even decrypted, and of an error only is told that there is one.
    """
    line: dict[str, Any] = {
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "type": recorded.type,
        "at": _time(recorded.recorded_at),
        "occurred_at": _time(recorded.occurred_at),
        "origin": recorded.origin,
        "actor": recorded.actor,
        "cause": recorded.cause,
        "correlation": recorded.correlation,
    }
    if isinstance(recorded.event, Unreadable):
        line["error"] = recorded.event.error if personal else "it cannot be read"
    else:
        line["data"] = recorded.event
    return (_encoder if personal else _discreet).encode(line).decode()


def as_text(recorded: Recorded) -> str:
    """Return one event as a line for people."""
    at = recorded.recorded_at.astimezone(UTC).isoformat(timespec="seconds")
    return f"{recorded.position:>8}  {at}  {recorded.type:<28} {recorded.stream}@{recorded.version}  {recorded.actor}"


def events(log: EventLog, after: int) -> Iterator[Recorded]:
    """Yield the log's events above a position, up to where it ended at the call."""
    head = log.head()
    while after < head and (page := log.read(after, PAGE)):
        yield from (recorded for recorded in page if recorded.position <= head)
        after = page[-1].position


class _Line(msgspec.Struct, forbid_unknown_fields=False):
    """One line of an export, as far as an import needs it."""

    stream: Annotated[str, msgspec.Meta(min_length=1)]
    version: Annotated[int, msgspec.Meta(ge=1)]
    type: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    actor: str
    data: dict[str, Any]
    cause: str | None = None
    correlation: str | None = None


def _unplain(kind: type, value: object) -> object:
    if kind is Raw:
        return Raw(base64.b64decode(str(value), validate=True))
    if (get_origin(kind) or kind) is Personal:
        inner = get_args(kind)
        return Personal(msgspec.convert(value, inner[0]) if inner else value)
    raise AssertionError(f"no event may hold a {kind}: it has no JSON form")


def read_lines(lines: Iterable[bytes]) -> Iterator[StreamWrite]:
    """Yield what an export holds, a line at a time. Raises BadInput, naming the line."""
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=_Line)
            event: Event = msgspec.convert(line.data, EVENT_TYPES[line.type], dec_hook=_unplain)
        except KeyError as error:
            raise BadInput(
                "line {number}: {error} is no event type of this Siyu", number=number, error=error
            ) from None
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
            raise BadInput("line {number}: {error}", number=number, error=error) from None
        context = Context(
            actor=Slug(line.actor),
            occurred_at=line.occurred_at,
            now=line.occurred_at,
            cause=None if line.cause is None else EventId(line.cause),
            correlation=None if line.correlation is None else Slug(line.correlation),
            origin=Origin.IMPORT,
        )
        yield StreamWrite(StreamId(line.stream), line.version - 1, (NewEvent(event, context),))


def store(log: EventLog, identities: Identities, writes: Iterable[StreamWrite]) -> int:
    """Append imported events in order; addresses lead to the contacts and groups they led to before. Returns how many.

    Raises BadInput where a line does not continue its stream.
    """
    count = 0
    page: list[StreamWrite] = []
    for write in writes:
        page.append(write)
        if len(page) == PAGE:
            count += _store(log, identities, page)
            page = []
    return count + _store(log, identities, page)


def _store(log: EventLog, identities: Identities, page: list[StreamWrite]) -> int:
    for write in page:
        _remember(identities, write.events[0].event)
    for write, outcome in zip(page, log.append([Append(writes=(write,)) for write in page]), strict=True):
        if isinstance(outcome, Conflict | Duplicate):
            raise BadInput(
                "{stream}@{what} does not follow on what the log holds of this stream",
                stream=write.stream,
                what=write.expected + 1,
            )
    return len(page)


def _remember(identities: Identities, event: Event) -> None:
    match event:
        case ContactSeen():
            address = Address(Party.CONTACT, event.channel, event.account, event.external_id.value)
            identities.alias(address, event.contact)
        case GroupSeen():
            identities.alias(
                Address(Party.GROUP, event.channel, event.account, event.external_id.value), event.group
            )
        case GroupMigrated():
            old = identities.address_of(Party.GROUP, event.group)
            if old is not None:
                moved = Address(Party.GROUP, old.channel, old.account, event.external_id.value)
                identities.alias(moved, event.group)
        case _:
            return
