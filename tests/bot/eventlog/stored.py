"""What Siyu stored once, and must read for ever. ``python -m tests.bot.eventlog.stored`` adds what is new; what is there never changes.

``stored.json``: events as bytes, by the form they were stored in, and the keys that open them. ``fields.json``: the fields of each class
by their numbers, and the words, categories and types by theirs.
"""

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.eventlog.codec import Codec, Row, microseconds, stamp
from bot.eventlog.keys import Key
from bot.eventlog.packing import CATEGORIES, TYPES, WORDS
from bot.eventlog.upcasters import UPCASTERS
from domain.contacts.events import ContactSeen
from domain.conversations.events import MessageReceived
from domain.deliveries.events import DeliveryClass, DeliveryPlanned, DeliveryStarted
from domain.identity import (
    Account,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    EventId,
    Locale,
    ProviderMessageId,
    Slug,
    StreamId,
    SubjectId,
)
from domain.message import Context, Event, Opening, Origin, Personal, Raw
from domain.ports.event_log import NewEvent
from domain.registry import EVENT_TYPES

HERE = Path(__file__).parent
STORED, FIELDS = HERE / "stored.json", HERE / "fields.json"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = "0193a1b2c3d4e5f60718293a4b5c6d7e"
HER_RECORD, NOTE = "01a202b8cf9671ddb68934d4aa9263ab", "14a01bcd05a9bdbe55da7cd2bfec6acc"
INBOUND = "0db10fed77de0a8550a70bd495791a0b"
CAUSE = EventId(f"inbound-{INBOUND}@1")
BY_CUSTOMER = Context(actor=Slug("customer"), occurred_at=NOON - timedelta(seconds=3), now=NOON)
BY_PROCESS = Context(
    actor=Slug("process-new-customers"), occurred_at=NOON, now=NOON, cause=CAUSE, correlation=Slug(CAUSE)
)
IMPORTED = Context(actor=Slug("operator-7"), occurred_at=NOON, now=NOON, origin=Origin.IMPORT)

EVENTS: tuple[tuple[str, int, Context, Event], ...] = (
    (
        f"inbound-{INBOUND}",
        1,
        BY_CUSTOMER,
        MessageReceived(
            contact=ContactId(ANN),
            text=Personal("请问这个还有货吗？"),
            details=Personal({"size": 5, "name": "a.jpg"}),
            provider_message=ProviderMessageId("2000"),
            raw=Raw('{"update_id":1,"message":{"text":"请问这个还有货吗？"}}'.encode()),
            opens=Opening(5, 172_800),
        ),
    ),
    (
        f"contact-{ANN}",
        1,
        BY_PROCESS,
        ContactSeen(
            contact=ContactId(ANN),
            customer=CustomerId(HER_RECORD),
            channel=Channel("telegram"),
            account=Account("1"),
            external_id=Personal("1000001"),
            name=Personal("Ann"),
            username=Personal("ann"),
            profile=Slug(INBOUND),
            language=Locale("zh-hans"),
        ),
    ),
    (
        f"delivery-{NOTE}",
        1,
        IMPORTED,
        DeliveryPlanned(
            delivery=DeliveryId(NOTE),
            subject=SubjectId(f"contact-{ANN}"),
            kind=DeliveryClass.REPLY,
            occasion=Slug("auto-reply"),
            contact=ContactId(ANN),
            customer=CustomerId(HER_RECORD),
            text=Personal("Yes"),
            choices=Personal([["yes", "1"]]),
            not_before=NOON,
            expires_at=NOON + timedelta(days=1, microseconds=1),
            priority=7,
        ),
    ),
    (
        f"delivery-{NOTE}",
        2,
        BY_PROCESS,
        DeliveryStarted(
            delivery=DeliveryId(NOTE),
            subject=SubjectId(f"contact-{ANN}"),
            attempt=1,
            worker=Slug("worker-7"),
            until=NOON,
        ),
    ),
)


class FixedKeys:
    """bot.eventlog.keys.KeyRing: the keys that the file was written with, which are no secrets."""

    def keys_for(self, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Key]:
        """See KeyRing."""
        return {subject: self._key(subject.encode()[:8].ljust(8)) for subject in subjects}

    def keys_named(self, ids: Iterable[bytes]) -> Mapping[bytes, Key]:
        """See KeyRing."""
        return {name: self._key(name) for name in ids}

    def _key(self, name: bytes) -> Key:
        return Key(name, AESGCM(name * 4))


def rows(form: str) -> list[Row]:
    """Return what was stored in a form."""
    return [
        Row(place, stream, version, topic, base64.b64decode(state))
        for place, (stream, version, topic, state) in enumerate(json.loads(STORED.read_text("utf8"))[form], 1)
    ]


def encoded() -> list[tuple[str, int, str, str]]:
    """Return the events as today's code stores them."""
    codec, found = Codec(EVENT_TYPES, FixedKeys()), []
    for stream, version, context, event in EVENTS:
        keys = codec.keys_for([NewEvent(event, context)])
        topic, state = codec.encode(event, context, StreamId(stream), version, keys)
        stamped = stamp(state, microseconds(NOON))
        found.append((stream, version, topic, base64.b64encode(stamped).decode()))
    return found


def numbers() -> dict[str, list[str]]:
    """Return what is stored by its number."""
    fields = {slug: [field.name for field in dataclasses.fields(kind)] for slug, kind in EVENT_TYPES.items()}
    former = {step.stored: list(step.fields) for step in UPCASTERS}
    return {"words": list(WORDS), "categories": list(CATEGORIES), "types": list(TYPES), **former, **fields}


def add(form: str) -> None:
    """Write what is new."""
    stored: dict[str, Any] = json.loads(STORED.read_text("utf8")) if STORED.exists() else {}
    stored.setdefault(form, encoded())
    STORED.write_text(json.dumps(stored, indent=1) + "\n", "utf8")
    known = json.loads(FIELDS.read_text("utf8")) if FIELDS.exists() else {}
    for name, now in numbers().items():
        known[name] = now if now[: len(known.get(name, ()))] == known.get(name, []) else known[name]
    FIELDS.write_text(json.dumps(known, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    add("numbered")
