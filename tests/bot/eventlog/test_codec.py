import dataclasses
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.eventlog.codec import Codec, Row, microseconds, raw_subject, stamp
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.packing import stored_as
from bot.eventlog.upcasters import Upcaster
from domain.contacts.events import ContactReached
from domain.conversations.events import MessageReceived
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.errors import SubjectForgotten, UnknownEvent
from domain.identity import ContactId, DeliveryId, Slug, StreamId, SubjectId
from domain.message import FORGOTTEN, Context, Event, Origin, Personal, Raw, Recorded
from domain.ports.event_log import NewEvent, Unreadable
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.any_event import CONTEXTS, EVENTS, NAMES, events_of
from tests.bot.eventlog.examples import CONTACT, CONTEXT, NOON, message

STREAM = StreamId("inbound-1")
CANARY = "金丝雀 canary"
SEALED = 6
"""Its place in the payload."""
PLAIN = 3


def stored(
    codec: Codec, event: Event, context: Context = CONTEXT, stream: str = STREAM, version: int = 1
) -> Row:
    topic, encoded = codec.encode(
        event, context, StreamId(stream), version, codec.keys_for([NewEvent(event, context)])
    )
    return Row(7, stream, version, topic, stamp(encoded, microseconds(NOON)))


def read(codec: Codec, row: Row) -> Recorded:
    (recorded,) = codec.decode([row])
    return recorded


def full(text: str) -> MessageReceived:
    return MessageReceived(
        contact=CONTACT, text=Personal(text), details=Personal({"name": text}), raw=Raw(text.encode())
    )


@settings(max_examples=300)
@given(event=EVENTS, context=CONTEXTS, stream=NAMES, version=st.integers(1, 2**40))
def test_every_event_comes_back_as_it_was(event: Event, context: Context, stream: str, version: int) -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())

    assert read(codec, stored(codec, event, context, stream, version)) == Recorded(
        position=7,
        stream=StreamId(stream),
        version=version,
        type=next(slug for slug, kind in EVENT_TYPES.items() if kind is type(event)),
        recorded_at=NOON,
        occurred_at=context.occurred_at,
        origin=context.origin,
        actor=context.actor,
        cause=context.cause,
        correlation=context.correlation,
        event=event,
    )


@pytest.mark.parametrize("event_class", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_each_class_comes_back_with_all_its_fields_and_with_its_defaults_only(event_class: type) -> None:
    @settings(max_examples=5)
    @given(event=events_of(event_class))
    def holds(event: Any) -> None:  # noqa: ANN401  # of the class under test
        codec = Codec(EVENT_TYPES, MemoryKeyRing())
        bare = replace(
            event,
            **{
                field.name: field.default
                for field in dataclasses.fields(event_class)
                if field.default is not dataclasses.MISSING
            },
        )
        assert read(codec, stored(codec, event)).event == event
        assert read(codec, stored(codec, bare)).event == bare

    holds()


@settings(max_examples=300)
@given(data=st.data(), event=EVENTS)
def test_one_changed_byte_makes_an_event_unreadable_and_nothing_else(
    data: st.DataObject, event: Event
) -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())
    row = stored(codec, event)
    place = data.draw(st.integers(0, len(row.state) - 1))
    change = data.draw(st.integers(1, 255))
    damaged = row._replace(
        state=row.state[:place] + bytes([row.state[place] ^ change]) + row.state[place + 1 :]
    )
    other = stored(codec, message("still there"), stream="inbound-2")

    first, second = codec.decode([damaged, other])

    assert isinstance(first.event, Unreadable)
    assert (first.position, first.stream, first.version) == (7, STREAM, 1)
    assert second.event == message("still there")


@pytest.mark.parametrize("state", [b"", b"\0" * 11, b"\xff" * 12, b"\0" * 4_000])
def test_bytes_that_are_no_event_are_unreadable(state: bytes) -> None:
    recorded = read(Codec(EVENT_TYPES, MemoryKeyRing()), Row(1, STREAM, 1, "message-received/1", state))

    assert isinstance(recorded.event, Unreadable)


def test_an_event_moved_to_another_place_is_unreadable() -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())
    row = stored(codec, message("hello"))

    for moved in (
        row._replace(stream="inbound-2"),
        row._replace(version=2),
        row._replace(topic=stored_as("message-edited/1")),
    ):
        assert isinstance(read(codec, moved).event, Unreadable)


def test_a_type_nobody_knows_is_unreadable_with_its_envelope() -> None:
    keys = MemoryKeyRing()
    row = stored(Codec({"contact-waved/3": ContactReached}, keys), ContactReached(contact=CONTACT))

    recorded = read(Codec(EVENT_TYPES, keys), row)

    assert recorded.event == Unreadable("this Siyu does not know contact-waved/3")
    assert (recorded.type, recorded.occurred_at, recorded.actor) == (
        "contact-waved/3",
        CONTEXT.occurred_at,
        CONTEXT.actor,
    )


def test_fields_that_do_not_fit_the_class_are_unreadable() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Other:
        SUBJECT: ClassVar[str] = ""
        contact: int

    keys = MemoryKeyRing()
    row = stored(Codec({"contact-reached/1": Other}, keys), Other(contact=5))

    assert isinstance(read(Codec(EVENT_TYPES, keys), row).event, Unreadable)


def test_a_key_that_never_existed_makes_an_event_unreadable() -> None:
    row = stored(Codec(EVENT_TYPES, MemoryKeyRing()), message("hello"))

    recorded = read(Codec(EVENT_TYPES, MemoryKeyRing()), row)

    assert isinstance(recorded.event, Unreadable)
    assert "not in the vault" in recorded.event.error


def test_what_was_said_by_somebody_forgotten_reads_as_forgotten() -> None:
    keys = MemoryKeyRing()
    codec = Codec(EVENT_TYPES, keys)
    subject = SubjectId(f"contact-{CONTACT}")
    planned = DeliveryPlanned(
        delivery=DeliveryId("d"),
        subject=subject,
        kind=DeliveryClass.REPLY,
        occasion=Slug("send"),
        text=Personal("hello"),
        choices=Personal([["yes", "1"]]),
        not_before=NOON,
        expires_at=NOON,
    )
    rows = [stored(codec, full(CANARY)), stored(codec, planned, stream="delivery-1")]
    keys.destroy(subject)

    said, sent = (recorded.event for recorded in codec.decode(rows))

    assert said == replace(full(CANARY), text=Personal(FORGOTTEN), details=Personal({}))
    assert sent == replace(planned, text=Personal(FORGOTTEN), choices=Personal([]))


def test_a_key_destroyed_after_reading_and_before_looking_reads_as_forgotten() -> None:
    keys = MemoryKeyRing()
    codec = Codec(EVENT_TYPES, keys)
    event = read(codec, stored(codec, message(CANARY))).event
    keys.destroy(SubjectId(f"contact-{CONTACT}"))

    assert event == message(FORGOTTEN)


def test_a_raw_payload_is_gone_with_the_key_of_its_month_and_the_text_is_not() -> None:
    keys = MemoryKeyRing()
    codec = Codec(EVENT_TYPES, keys)
    row = stored(codec, full("hello"))
    keys.destroy(raw_subject(NOON))

    assert read(codec, row).event == replace(full("hello"), raw=Raw(b""))


def test_the_month_of_a_raw_payload_is_counted_in_utc() -> None:
    assert raw_subject(datetime.fromisoformat("2026-12-01T03:00+08:00")) == "raw-2026-11"


def test_nothing_is_stored_for_somebody_forgotten() -> None:
    keys = MemoryKeyRing()
    codec = Codec(EVENT_TYPES, keys)
    keys.destroy(SubjectId(f"contact-{CONTACT}"))

    with pytest.raises(SubjectForgotten):
        codec.keys_for([NewEvent(message("hello"), CONTEXT)])


def test_the_bytes_tell_nothing_personal() -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())
    state = stored(codec, full(CANARY)).state

    assert bytes.fromhex(CONTACT) in state
    for word in CANARY.split():
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "unicode_escape"):
            assert word.encode(encoding) not in state


def test_a_sealed_field_put_elsewhere_does_not_open() -> None:
    """Whoever can compute check sums can move ciphertext about: it is bound to its place."""
    keys = MemoryKeyRing()
    codec = Codec(EVENT_TYPES, keys)
    ours = codec.keys_for([NewEvent(message("hello"), CONTEXT)])
    topic, encoded = codec.encode(message("hello"), CONTEXT, StreamId("inbound-1"), 1, ours)
    _, other = codec.encode(message("world"), CONTEXT, StreamId("inbound-2"), 1, ours)
    mine, theirs = (msgspec.msgpack.decode(each[4:]) for each in (encoded, other))
    forged = _checked(msgspec.msgpack.encode([*theirs[:SEALED], mine[SEALED]]), f"inbound-2@1 {topic}")
    event = read(codec, Row(1, "inbound-2", 1, topic, stamp(forged, 0))).event

    assert isinstance(event, MessageReceived)
    with pytest.raises(UnknownEvent, match="inbound-2@1: text was altered"):
        _ = event.text.value


def _checked(payload: bytes, where: str) -> bytes:
    import zlib  # noqa: PLC0415  # only a forger needs it

    return zlib.crc32(payload, zlib.crc32(where.encode())).to_bytes(4) + payload


def test_defaults_are_not_stored() -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())
    planned = DeliveryPlanned(
        delivery=DeliveryId("d"),
        subject=SubjectId("contact-1"),
        kind=DeliveryClass.REPLY,
        occasion=Slug("send"),
        not_before=NOON,
        expires_at=NOON,
    )

    usual, unusual = stored(codec, planned).state, stored(codec, replace(planned, even_at_night=True)).state
    assert len(msgspec.msgpack.decode(usual[12:])[PLAIN]) == 6
    assert len(msgspec.msgpack.decode(unusual[12:])[PLAIN]) == 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """Today's version of an event that was once called differently."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    words: Personal[str]
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetedFirst:
    """Its first version."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    text: Personal[str]
    aside: Personal[str]
    often: bool = False


def to_second(fields: dict[str, Any]) -> dict[str, Any]:
    words, often = fields.pop("text"), fields.pop("often", False)
    del fields["aside"]
    return {**fields, "words": words, "count": 5 if often else 1}


def to_third(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "times": fields.pop("count")}


UPCASTERS = (
    Upcaster(
        "greeted/1",
        "greeted/2",
        to_second,
        fields=("contact", "text", "aside", "often"),
        sealed=frozenset({"text", "aside"}),
    ),
    Upcaster(
        "greeted/2",
        "greeted/3",
        to_third,
        fields=("contact", "words", "count"),
        sealed=frozenset({"words"}),
    ),
)


@pytest.mark.parametrize("often, times", [(True, 5), (False, 1)])
def test_an_old_version_is_brought_to_today_s_shape_and_its_personal_field_still_opens(
    often: bool, times: int
) -> None:
    keys = MemoryKeyRing()
    row = stored(
        Codec({"greeted/1": GreetedFirst}, keys),
        GreetedFirst(contact=CONTACT, text=Personal("hello"), aside=Personal("hm"), often=often),
    )

    recorded = read(Codec({"greeted/3": Greeted}, keys, UPCASTERS), row)

    assert (recorded.type, recorded.event) == (
        "greeted/3",
        Greeted(contact=CONTACT, words=Personal("hello"), times=times),
    )


def test_an_upcaster_that_stumbles_makes_its_event_unreadable() -> None:
    keys = MemoryKeyRing()
    row = stored(Codec({"greeted/2": Greeted}, keys), Greeted(contact=CONTACT, words=Personal("hello")))

    recorded = read(Codec({"greeted/3": Greeted}, keys, UPCASTERS), row)

    assert recorded.event == Unreadable("KeyError: 'count'")


def test_a_class_that_the_log_cannot_keep_is_refused_when_siyu_starts() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Homeless:
        SUBJECT: ClassVar[str] = ""
        text: Personal[str]

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Shapeless:
        SUBJECT: ClassVar[str] = "brand"
        number: Personal[int]

    for slug, event in (("homeless/1", Homeless), ("shapeless/1", Shapeless)):
        with pytest.raises(TypeError, match=event.__name__):
            Codec({slug: event}, MemoryKeyRing())
    with pytest.raises(TypeError, match="two slugs"):
        Codec({"a/1": ContactReached, "a/2": ContactReached}, MemoryKeyRing())


def test_imported_history_keeps_its_origin_and_its_old_times() -> None:
    codec = Codec(EVENT_TYPES, MemoryKeyRing())
    context = replace(
        CONTEXT, origin=Origin.IMPORT, occurred_at=datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC)
    )

    recorded = read(codec, stored(codec, message("hello"), context))

    assert (recorded.origin, recorded.occurred_at, recorded.recorded_at) == (
        Origin.IMPORT,
        context.occurred_at,
        NOON,
    )
