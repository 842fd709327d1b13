"""Events to bytes and back: msgpack by field name, personal fields encrypted, everything checked.

A stored state is

    recorded_at  8 bytes  microseconds since 1970, big-endian: put in front by the writer under its lock, without encoding again
    check        4 bytes  CRC-32 of stream, version, type, payload and recorded_at
    payload               msgpack: the envelope, ``data`` (plain fields) and ``sealed`` (ciphertext by field)

Fields that have their default are left out. A sealed field is bound to its stream, its version and the name it was stored under.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag

from bot.eventlog.keys import Key, KeyRing, key_id, seal, unseal
from bot.eventlog.shapes import Sealing, shape_of
from bot.eventlog.upcasters import UPCASTERS, Upcaster
from domain.errors import UnknownEvent
from domain.identity import EventId, Slug, StreamId, SubjectId
from domain.message import Context, Event, Origin, Recorded, subject_of
from domain.ports.event_log import NewEvent, Unreadable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
STAMP_BYTES = 8
CHECK_BYTES = 4
LAST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


class Row(NamedTuple):
    """An event as the store holds it."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


class Sealed(NamedTuple):
    """A field still encrypted, with the name it was stored under: what upcasters move about."""

    field: str
    data: bytes


class _Envelope(msgspec.Struct):
    at: datetime
    by: str
    data: msgspec.Raw
    why: str | None = None
    of: str | None = None
    origin: Origin = Origin.LIVE
    sealed: dict[str, bytes] = {}  # msgspec copies it


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(_Envelope).decode
_decode_fields = msgspec.msgpack.Decoder(dict[str, Any]).decode

_DAMAGED = (msgspec.MsgspecError, TypeError, ValueError, LookupError)
"""What msgspec, an event's constructor or an upcaster may say about bytes that are not what they should be."""


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def stamp(encoded: bytes, recorded_us: int) -> bytes:
    """Put the time of recording in front of what ``Codec.encode`` made."""
    when = recorded_us.to_bytes(STAMP_BYTES)
    check = zlib.crc32(when, int.from_bytes(encoded[:CHECK_BYTES]))
    return when + check.to_bytes(CHECK_BYTES) + encoded[CHECK_BYTES:]


def stamped_us(state: bytes) -> int:
    """Return when a stored state was recorded, in microseconds since 1970."""
    return min(int.from_bytes(state[:STAMP_BYTES]), LAST_US)


def raw_subject(now: datetime) -> SubjectId:
    """Return whose key seals raw payloads recorded at this time: the month's."""
    month = now.astimezone(UTC)
    return SubjectId(f"raw-{month.year}-{month.month:02}")


class Codec:
    """Encodes and decodes the events it was given. Thread-safe, as its keys are."""

    def __init__(
        self, types: Mapping[str, type], keys: KeyRing, upcasters: Iterable[Upcaster] = UPCASTERS
    ) -> None:
        """``types``: event classes by slug and version. Raises TypeError for a class that the log cannot keep."""
        self._keys = keys
        self._by_slug = {slug: shape_of(slug, event) for slug, event in types.items()}
        self._by_class = {shape.event: shape for shape in self._by_slug.values()}
        if len(self._by_class) != len(self._by_slug):
            raise TypeError("an event class is registered under two slugs")
        self._upcasters = {upcaster.stored: upcaster for upcaster in upcasters}

    def type_of(self, event: Event) -> str:
        """Return slug and version."""
        return self._by_class[type(event)].slug

    def prepare(self, events: Iterable[NewEvent]) -> None:
        """Make the keys that these events need, durable at once. Raises SubjectForgotten, StoreUnavailable."""
        self._keys.keys_for({subject for new in events for subject in self._subjects(new)})

    def _subjects(self, new: NewEvent) -> Iterable[SubjectId]:
        shape = self._by_class[type(new.event)]
        if any(getattr(new.event, field) is not None for field in shape.personal):
            yield _whose(new.event)
        if any(getattr(new.event, field) is not None for field in shape.raw):
            yield raw_subject(new.context.now)

    def encode(self, event: Event, context: Context, stream: StreamId, version: int) -> tuple[str, bytes]:
        """Return the type and the bytes, to be stamped. Raises SubjectForgotten, StoreUnavailable."""
        shape = self._by_class[type(event)]
        data = {}
        for field, default in shape.plain:
            value = getattr(event, field)
            if value is not default and value != default:
                data[field] = value
        envelope: dict[str, Any] = {"at": context.occurred_at, "by": context.actor, "data": data}
        if context.cause is not None:
            envelope["why"] = context.cause
        if context.correlation is not None:
            envelope["of"] = context.correlation
        if context.origin is not Origin.LIVE:
            envelope["origin"] = context.origin
        sealed: dict[str, bytes] = {}
        if shape.personal:
            self._seal(event, shape.personal, _whose(event), (stream, version), sealed)
        if shape.raw:
            self._seal(event, shape.raw, raw_subject(context.now), (stream, version), sealed)
        if sealed:
            envelope["sealed"] = sealed
        payload = _encode(envelope)
        return shape.slug, _check(stream, version, shape.slug, payload).to_bytes(CHECK_BYTES) + payload

    def _seal(
        self,
        event: Event,
        fields: Mapping[str, Sealing],
        subject: SubjectId,
        where: tuple[StreamId, int],
        into: dict[str, bytes],
    ) -> None:
        key: Key | None = None
        for field, sealing in fields.items():
            personal = getattr(event, field)
            if personal is None:
                continue
            key = key or self._keys.keys_for((subject,))[subject]
            into[field] = seal(key, sealing.pack(personal.value), _bound_to(*where, field))

    def decode(self, rows: Sequence[Row]) -> list[Recorded]:
        """Return the events of these rows. What cannot be read is Unreadable. Raises StoreUnavailable.

        Sealed fields are decrypted when they are looked at; one whose key was destroyed reads as forgotten (or is empty).
        """
        opened = [(row, _open_envelope(row)) for row in rows]
        wanted = {
            key_id(sealed)
            for _, envelope in opened
            if isinstance(envelope, _Envelope)
            for sealed in envelope.sealed.values()
        }
        known = self._keys.keys_named(wanted) if wanted else {}
        return [self._recorded(row, envelope, known) for row, envelope in opened]

    def _recorded(self, row: Row, envelope: "_Envelope | Unreadable", known: Mapping[bytes, Key]) -> Recorded:
        recorded_at = EPOCH + timedelta(microseconds=stamped_us(row.state))
        if isinstance(envelope, Unreadable):
            return Recorded(
                position=row.position,
                stream=StreamId(row.stream),
                version=row.version,
                type=row.topic,
                recorded_at=recorded_at,
                occurred_at=recorded_at,
                origin=Origin.LIVE,
                actor=Slug("unknown"),
                cause=None,
                correlation=None,
                event=envelope,
            )
        slug, event = self._event(row, envelope, known)
        return Recorded(
            position=row.position,
            stream=StreamId(row.stream),
            version=row.version,
            type=slug,
            recorded_at=recorded_at,
            occurred_at=envelope.at,
            origin=envelope.origin,
            actor=Slug(envelope.by),
            cause=None if envelope.why is None else EventId(envelope.why),
            correlation=None if envelope.of is None else Slug(envelope.of),
            event=event,
        )

    def _event(self, row: Row, envelope: _Envelope, known: Mapping[bytes, Key]) -> tuple[str, Event]:
        for data in envelope.sealed.values():
            if key_id(data) not in known:
                return row.topic, Unreadable(f"its key {key_id(data).hex()} is not in the vault")
        sealed = {field: Sealed(field, data) for field, data in envelope.sealed.items()}
        try:
            slug, plain, sealed = self._of_today(row.topic, envelope.data, sealed)
            shape = self._by_slug.get(slug)
            if shape is None:
                return slug, Unreadable(f"this Siyu does not know {slug}")
            wrapped = {}
            for field, content in sealed.items():
                sealing = shape.personal.get(field) or shape.raw[field]
                wrapped[field] = sealing.wrap(
                    partial(self._unseal, content, sealing, row.stream, row.version)
                )
            return slug, shape.build(plain, wrapped)
        except _DAMAGED as error:
            return row.topic, Unreadable(f"{type(error).__name__}: {error}")

    def _of_today(
        self, slug: str, data: msgspec.Raw, sealed: dict[str, Sealed]
    ) -> tuple[str, bytes | dict[str, Any], dict[str, Sealed]]:
        if slug not in self._upcasters:
            return slug, memoryview(data), sealed  # type: ignore[return-value]  # msgspec reads any buffer
        fields = {**_decode_fields(data), **sealed}
        while (step := self._upcasters.get(slug)) is not None:
            slug, fields = step.becomes, step.upcast(fields)
        moved = {field: value for field, value in fields.items() if isinstance(value, Sealed)}
        return slug, {field: value for field, value in fields.items() if field not in moved}, moved

    def _unseal(self, content: Sealed, sealing: Sealing, stream: str, version: int) -> Any:  # noqa: ANN401  # the field's type
        key = self._keys.keys_named((key_id(content.data),)).get(key_id(content.data))
        if key is None:
            raise UnknownEvent(f"{stream}@{version}: the key of {content.field} is not in the vault")
        if key.cipher is None:
            return sealing.forgotten()
        try:
            plain = unseal(key.cipher, content.data, _bound_to(stream, version, content.field))
        except InvalidTag:
            raise UnknownEvent(f"{stream}@{version}: {content.field} was altered") from None
        return sealing.unpack(plain)


def _whose(event: Event) -> SubjectId:
    subject = subject_of(event)
    if subject is None:
        raise TypeError(f"{event} names no subject")  # shape_of refused such a class
    return subject


def _bound_to(stream: str, version: int, field: str) -> bytes:
    return f"{stream}@{version}/{field}".encode()


def _check(stream: str, version: int, slug: str, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(f"{stream}@{version} {slug}".encode()))


def _open_envelope(row: Row) -> _Envelope | Unreadable:
    start = STAMP_BYTES + CHECK_BYTES
    if len(row.state) < start:
        return Unreadable("its bytes are damaged: too few")
    check = zlib.crc32(row.state[:STAMP_BYTES], _check(row.stream, row.version, row.topic, row.state[start:]))
    if check != int.from_bytes(row.state[STAMP_BYTES:start]):
        return Unreadable("its bytes are damaged: the check sum differs")
    try:
        return _decode_envelope(row.state[start:])
    except msgspec.MsgspecError as error:
        return Unreadable(f"its envelope cannot be read: {error}")
