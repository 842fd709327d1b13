"""Events to bytes and back: msgpack by place, codes and ids packed, personal fields encrypted, everything checked.

A stored state is

    recorded_at  8 bytes  microseconds since 1970, big-endian: put in front by the writer under its lock, without encoding again
    check        4 bytes  CRC-32 of stream, version, type, payload and recorded_at
    payload               msgpack: an array (see bot/eventlog/dense.py), or the map that Siyu wrote before (see bot/eventlog/former.py)

Fields that have their default are left out. What is sealed is bound to its stream, its version and the names it was stored under.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from bot.eventlog.compressing import compress
from bot.eventlog.dense import ORIGIN, Dense, by_name, plain_fields, read_dense, text_of
from bot.eventlog.former import Former, is_former, read_former
from bot.eventlog.keys import Key, KeyRing, key_id, seal
from bot.eventlog.packing import ID_BYTES, SAME, id_in, pack, slug_of, stored_as
from bot.eventlog.sealed import Sealed, bound_to, join
from bot.eventlog.shapes import Hidden, Sealing, Shape, reader_of, shape_of
from bot.eventlog.upcasters import UPCASTERS, Upcaster
from domain.identity import EventId, Slug, StreamId, SubjectId
from domain.message import Context, Event, Origin, Recorded, subject_of
from domain.ports.event_log import NewEvent, Unreadable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
STAMP_BYTES = 8
CHECK_BYTES = 4
LAST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


class Row(NamedTuple):
    """An event as the store holds it. ``topic``: see packing.stored_as."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


Payload = Dense | Former
Keys = Mapping[SubjectId, Key]

_encode = msgspec.msgpack.Encoder().encode
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


@lru_cache(1)
def _recorded_at(stamp: bytes) -> datetime:
    """Return when; what was appended together was recorded together."""
    return EPOCH + timedelta(microseconds=stamped_us(stamp))


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

    def keys_for(self, events: Iterable[NewEvent]) -> Keys:
        """Return the keys that these events need, made and durable where they are new. Raises SubjectForgotten, StoreUnavailable."""
        return self._keys.keys_for({subject for new in events for subject in self._subjects(new)})

    def _subjects(self, new: NewEvent) -> Iterable[SubjectId]:
        shape = self._by_class[type(new.event)]
        if any(getattr(new.event, field.name) is not None for field in shape.personal):
            yield _whose(new.event)
        if shape.raw is not None and getattr(new.event, shape.raw.name) is not None:
            yield raw_subject(new.context.now)

    def encode(
        self, event: Event, context: Context, stream: StreamId, version: int, keys: Keys
    ) -> tuple[str, bytes]:
        """Return the type as it is stored and the bytes, to be stamped. ``keys``: at least those of this event."""
        shape = self._by_class[type(event)]
        own = stream.partition("-")[2]
        fields, data, before = 0, [], b""
        for (_, bit, default, packed), value in zip(shape.plain, shape.plain_of(event), strict=True):
            if value is default or value == default:
                continue
            fields |= bit
            if packed and value is not None:
                small = pack(value, own)
                if len(small) >= ID_BYTES:
                    small, before = (SAME, before) if small == before else (small, id_in(small) or before)
                data.append(small)
            else:
                data.append(value)
        sealed = raw = None
        if shape.personal:
            here, sealed = _seal(event, shape.personal, stream, version, keys)
            fields |= here
        if shape.raw is not None and (as_it_came := getattr(event, shape.raw.name)) is not None:
            fields |= shape.raw.bit
            where = bound_to(stream, version, shape.raw.name)
            raw = seal(keys[raw_subject(context.now)], compress(as_it_came.value), where)
        said: list[object] = [context.occurred_at, pack(context.actor, own), fields, data]
        if context.cause is not None or context.correlation is not None:
            said += _why(context, own)
        elif sealed is not None or raw is not None:
            said += (None, None)
        if sealed is not None or raw is not None:
            said += (sealed,) if raw is None else (sealed, raw)
        if context.origin is not Origin.LIVE:
            said += (*[None] * (ORIGIN - len(said)), context.origin)
        payload, topic = _encode(said), stored_as(shape.slug)
        return topic, _check(stream, version, topic, payload).to_bytes(CHECK_BYTES) + payload

    def decode(self, rows: Sequence[Row]) -> list[Recorded]:
        """Return the events of these rows. What cannot be read is Unreadable. Raises StoreUnavailable.

        Sealed fields are decrypted when they are looked at; one whose key was destroyed reads as forgotten (or is empty).
        """
        opened = [(row, _open_payload(row)) for row in rows]
        wanted = {
            key_id(data)
            for _, payload in opened
            if not isinstance(payload, Unreadable)
            for data in payload.ciphertexts()
        }
        missing = wanted - self._keys.keys_named(wanted).keys() if wanted else wanted
        return [self._recorded(row, payload, missing) for row, payload in opened]

    def _recorded(self, row: Row, payload: Payload | Unreadable, missing: Collection[bytes]) -> Recorded:
        recorded_at = _recorded_at(row.state[:STAMP_BYTES])
        if isinstance(payload, Unreadable):
            return _unreadable(row, recorded_at, payload)
        own = row.stream.partition("-")[2]
        try:
            actor, cause, correlation = _said(payload, own)
        except _DAMAGED as error:
            return _unreadable(row, recorded_at, Unreadable(f"{type(error).__name__}: {error}"))
        try:
            slug, event = self._event(row, payload, own, missing)
        except _DAMAGED as error:
            slug, event = slug_of(row.topic), Unreadable(f"{type(error).__name__}: {error}")
        return Recorded(
            position=row.position,
            stream=StreamId(row.stream),
            version=row.version,
            type=slug,
            recorded_at=recorded_at,
            occurred_at=payload.at,
            origin=payload.origin or Origin.LIVE,
            actor=Slug(actor),
            cause=None if cause is None else EventId(cause),
            correlation=None if correlation is None else Slug(correlation),
            event=event,
        )

    def _event(
        self, row: Row, payload: Payload, own: str, missing: Collection[bytes]
    ) -> tuple[str, Event | Unreadable]:
        """Return the type as it is today, and the event. ``missing``: keys that the vault does not have. Raises what _DAMAGED says."""
        slug = slug_of(row.topic)
        for data in payload.ciphertexts() if missing else ():
            if key_id(data) in missing:
                return slug, Unreadable(f"its key {key_id(data).hex()} is not in the vault")
        if slug in self._upcasters:
            return self._of_today(slug, row, payload)
        shape = self._by_slug.get(slug)
        if shape is None:
            return slug, _unknown(slug)
        if isinstance(payload, Former):
            sealed = self._wrapped(shape, payload.boxes(row.stream, row.version))
            return slug, shape.build(bytes(payload.data), sealed)
        reader = reader_of(shape, payload.fields)
        fields = plain_fields(reader, payload, own)
        if reader.sealed or reader.raw:
            fields |= self._wrapped(shape, payload.boxes(row.stream, row.version, reader.sealed, reader.raw))
        return slug, shape.event(**fields)

    def _of_today(self, slug: str, row: Row, payload: Payload) -> tuple[str, Event | Unreadable]:
        step = self._upcasters[slug]
        if isinstance(payload, Former):
            fields = {**_decode_fields(payload.data), **payload.boxes(row.stream, row.version)}
        else:
            fields = by_name(row.stream, row.version, payload, step)
        while slug in self._upcasters:
            slug, fields = self._upcasters[slug].becomes, self._upcasters[slug].upcast(fields)
        shape = self._by_slug.get(slug)
        if shape is None:
            return slug, _unknown(slug)
        moved = {field: value for field, value in fields.items() if isinstance(value, Sealed)}
        plain = {field: value for field, value in fields.items() if field not in moved}
        return slug, shape.build(plain, self._wrapped(shape, moved))

    def _wrapped(self, shape: Shape, sealed: Mapping[str, Sealed]) -> dict[str, Any]:
        found = {}
        for field, content in sealed.items():
            sealing = shape.sealing[field]
            found[field] = sealing.wrap(partial(self._unseal, content, sealing))
        return found

    def _unseal(self, content: Sealed, sealing: Sealing) -> Any:  # noqa: ANN401  # the field's type
        parts = content.box.open(self._keys)
        return sealing.forgotten() if parts is None else sealing.unpack(parts[content.place])


def _seal(
    event: Event, personal: Sequence[Hidden], stream: StreamId, version: int, keys: Keys
) -> tuple[int, bytes | None]:
    """Return which of the fields are there, and all of those in one box."""
    fields, names, parts = 0, [], []
    for field in personal:
        value = getattr(event, field.name)
        if value is not None:
            fields |= field.bit
            names.append(field.name)
            parts.append(field.sealing.pack(value.value))
    if not parts:
        return 0, None
    plain = parts[0] if len(parts) == 1 else join(parts)
    where = bound_to(stream, version, ",".join(names))
    return fields, seal(keys[_whose(event)], plain, where)


def _whose(event: Event) -> SubjectId:
    subject = subject_of(event)
    if subject is None:
        raise TypeError(f"{event} names no subject")  # shape_of refused such a class
    return subject


def _check(stream: str, version: int, topic: str, payload: bytes) -> int:
    return zlib.crc32(f"{stream}@{version} {topic}".encode() + payload)


def _why(context: Context, own: str) -> tuple[bytes | str | None, bytes | str | bool | None]:
    cause: str | None = context.cause
    correlation: str | None = context.correlation
    why = None if cause is None else pack(cause, own)
    if correlation is None:
        return why, None
    return why, True if correlation == cause else pack(correlation, own)


def _open_payload(row: Row) -> Payload | Unreadable:
    state, start = row.state, STAMP_BYTES + CHECK_BYTES
    if len(state) < start:
        return Unreadable("its bytes are damaged: too few")
    payload = state[start:]
    check = zlib.crc32(state[:STAMP_BYTES], _check(row.stream, row.version, row.topic, payload))
    if check != int.from_bytes(state[STAMP_BYTES:start]):
        return Unreadable("its bytes are damaged: the check sum differs")
    try:
        return read_former(payload) if is_former(payload) else read_dense(payload)
    except msgspec.MsgspecError as error:
        return Unreadable(f"its envelope cannot be read: {error}")


def _unreadable(row: Row, recorded_at: datetime, why: Unreadable) -> Recorded:
    return Recorded(
        position=row.position,
        stream=StreamId(row.stream),
        version=row.version,
        type=slug_of(row.topic),
        recorded_at=recorded_at,
        occurred_at=recorded_at,
        origin=Origin.LIVE,
        actor=Slug("unknown"),
        cause=None,
        correlation=None,
        event=why,
    )


def _said(payload: Payload, own: str) -> tuple[str, str | None, str | None]:
    """Return actor, cause and correlation. Raises what _DAMAGED says."""
    if isinstance(payload, Former):
        return payload.by, payload.why, payload.of
    why, of = payload.why, payload.of
    if why is not None:
        why = text_of(why, own)
    if of is True:
        of = why
    elif of is not None:
        of = text_of(of, own)
    return text_of(payload.by, own), why, of


def _unknown(slug: str) -> Unreadable:
    return Unreadable(f"this Siyu does not know {slug}")
