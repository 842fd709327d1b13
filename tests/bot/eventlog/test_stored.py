"""What was stored once is read for ever."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from bot.eventlog.codec import Codec
from bot.eventlog.packing import CATEGORIES, SAME, TYPES, WORD, WORDS
from bot.eventlog.upcasters import Upcaster
from domain.conversations.events import MessageReceived
from domain.identity import ContactId, ProviderMessageId
from domain.message import Personal, Raw
from domain.registry import EVENT_TYPES
from tests.bot.eventlog import stored

FORMS = ("former", "dense", "numbered")
"""Maps by name; arrays by number; and types by number, too."""


@pytest.mark.parametrize("form", FORMS)
def test_events_stored_in_any_form_are_read_as_they_were(form: str) -> None:
    found = Codec(EVENT_TYPES, stored.FixedKeys()).decode(stored.rows(form))

    assert [(each.stream, each.version, each.event) for each in found] == [
        (stream, version, event) for stream, version, _, event in stored.EVENTS
    ]
    assert [(each.actor, each.cause, each.correlation, each.origin, each.occurred_at) for each in found] == [
        (context.actor, context.cause, context.correlation, context.origin, context.occurred_at)
        for _, _, context, _ in stored.EVENTS
    ]
    assert {each.recorded_at for each in found} == {stored.NOON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a message might become."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    words: Personal[str]
    number: ProviderMessageId
    raw: Raw


def to_heard(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "contact": fields["contact"],
        "words": fields["text"],
        "number": fields["provider_message"],
        "raw": fields["raw"],
    }


TO_HEARD = Upcaster(
    "message-received/1",
    "message-received/2",
    to_heard,
    fields=tuple(stored.numbers()["message-received/1"]),
    sealed=frozenset({"text", "details"}),
    raw="raw",
)


@pytest.mark.parametrize("form", FORMS)
def test_events_stored_in_any_form_are_brought_to_today_s_shape(form: str) -> None:
    codec = Codec({"message-received/2": Heard}, stored.FixedKeys(), (TO_HEARD,))
    (_, _, _, message), *_ = stored.EVENTS
    assert isinstance(message, MessageReceived)
    assert message.provider_message is not None
    assert message.raw is not None

    (found,) = codec.decode(stored.rows(form)[:1])

    assert found.event == Heard(
        contact=message.contact, words=message.text, number=message.provider_message, raw=message.raw
    )


def test_a_form_takes_half_of_the_bytes_of_the_one_before() -> None:
    former, dense = (sum(len(row.state) for row in stored.rows(form)) for form in ("former", "dense"))

    assert dense < former * 0.5


def test_what_is_stored_by_its_number_keeps_it() -> None:
    """Who sees this fail for a new class or a new field at the end: ``python -m tests.bot.eventlog.stored``."""
    known, now = json.loads(stored.FIELDS.read_text("utf8")), stored.numbers()

    assert {name: now.get(name, [])[: len(fields)] for name, fields in known.items()} == known
    assert {name: len(fields) for name, fields in now.items()} == {
        name: len(known.get(name, ())) for name in now
    }


def test_numbers_do_not_run_out() -> None:
    assert len(CATEGORIES) <= SAME[0]
    assert len(WORDS) <= 0x100 - WORD
    assert len({*CATEGORIES}) == len(CATEGORIES)
    assert len({*WORDS}) == len(WORDS)
    assert len({*TYPES}) == len(TYPES)
