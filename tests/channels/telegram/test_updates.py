"""Bytes that are JSON only just, or not at all. Lone surrogates and NUL are recorded; what cannot be an update is refused at once."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from channels.telegram.identity import BotIdentity
from channels.telegram.judge import judge
from channels.telegram.updates import read_update, split_answer, update_id_of
from domain.conversations.commands import Message, NotUnderstood
from domain.errors import BadInput
from domain.identity import ProviderMessageId, Slug
from domain.message import Raw
from tests.channels.house import NOW
from tests.channels.telegram.raw import BOT, GROUP, body_of, message

DEEP = b"[" * 100_000 + b"]" * 100_000
LONG_NUMBER = b"9" * 5_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"1",
        b"null",
        b"{}",
        b'{"update_id": "5"}',
        b'{"update_id": 5.0}',
        b'{"update_id": true}',
        b'{"update_id": null}',
        b'{"update_id": 5',
        b'{"update_id": 5} {}',
        b'{"update_id": NaN}',
        b'{"update_id": 5, "text": "\xff"}',
        b'{"update_id": ' + LONG_NUMBER + b"}",
        b'{"update_id": 5, "message": {"date": ' + LONG_NUMBER + b"}}",
        b'{"update_id": 5, "message": ' + DEEP + b"}",
        b'{"update_id": 5, "text": "\\ud800", "message": ' + DEEP + b"}",
        b'{"update_id": 5, "text": "\\ud800", "date": NaN}',
    ],
)
def test_what_is_no_update_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        read_update(body)


@pytest.mark.parametrize(
    "escaped, text",
    [
        (r"\ud800", "\ufffd"),
        (r"\udc00 low", "\ufffd low"),
        (r"high \ud83d", "high \ufffd"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\\ud800 \ud800 \\\\ud800", "\\ud800 \ufffd \\\\ud800"),
        (r"\uD83D\uDE00 \u0000 \uDfff", "😀 \x00 \ufffd"),
        (r"שלום \u202e 👩🏽‍🚀 \ud800", "שלום \u202e 👩🏽‍🚀 \ufffd"),
    ],
)
def test_lone_surrogates_are_replaced_and_nothing_else(escaped: str, text: str) -> None:
    body = b'{"update_id": 5, "text": "%b"}' % escaped.encode()
    assert read_update(body) == {"update_id": 5, "text": text}


def test_a_message_with_nul_and_lone_surrogates_is_a_message_and_its_bytes_are_kept() -> None:
    body = body_of(message(text="a\x00b\ud800c😀"))
    assert rb"\ud800" in body
    (received,) = judge(body, BOT, NOW)
    # NUL is replaced by the intake, as for every channel.
    assert received.content == Message(text="a\x00b\ufffdc😀", provider_message=ProviderMessageId("11"))
    assert received.raw == Raw(body)


def test_a_mistake_of_ours_costs_one_update_its_meaning_and_shows_nothing_of_it() -> None:
    nobody_checks_types: Any = 5
    body = body_of(message(GROUP, text="@siyu_bot canary"))
    with capture_logs() as logs:
        (received,) = judge(body, BotIdentity(42, nobody_checks_types), NOW)
    assert (received.key, received.content) == ("update:1001", NotUnderstood(reason=Slug("malformed")))
    assert received.raw == Raw(body)
    assert [one["event"] for one in logs] == ["update not parsed: this is a bug"]
    assert logs[0]["where"].startswith("TypeError at ")
    assert "canary" not in str(logs)


def test_a_file_name_with_nul_is_cleaned_here_as_the_intake_does_not_look_into_details() -> None:
    document = {"file_id": "f", "file_unique_id": "u", "file_name": "a\x00b\udc00.pdf"}
    (received,) = judge(body_of(message(document=document)), BOT, NOW)
    assert isinstance(received.content, Message)
    assert received.content.details["file_name"] == "a\ufffdb\ufffd.pdf"


def test_an_answer_is_split_into_updates_as_they_came() -> None:
    updates = [b'{"update_id": 1, "x": ' + LONG_NUMBER + b"}", b'{ "update_id":2,"y":"\xff"}', b"[]"]
    assert split_answer(b'{"ok": true, "result": [' + b", ".join(updates) + b"]}") == updates
    assert split_answer(b'{"ok": true, "result": []}') == []


def test_an_answer_with_lone_surrogates_is_split_too() -> None:
    first, second = split_answer(
        b'{"ok": true, "result": [{"update_id": 1, "x": "\\ud800"}, {"update_id": 2}]}'
    )
    assert [json.loads(first), json.loads(second)] == [{"update_id": 1, "x": "\ufffd"}, {"update_id": 2}]


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"result": {}}', b'{"result": [' + DEEP + b"]}"])
def test_an_answer_that_cannot_be_split_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        split_answer(body)


@pytest.mark.parametrize(
    "body, number",
    [
        (b'{"update_id": 5}', 5),
        (b'{"update_id": 5, "message": ' + DEEP + b"}", 5),
        (b'{"update_id": 5, "text": "\xff"}', 5),
        (b'{"ok":true,"result":[{"update_id":5,"x":NaN}]}', 5),
        (b'{"update_id": "5"}', None),
        (b'{"update_id": 5.5, "x": NaN}', None),
        (b'{"update_id": ' + LONG_NUMBER + b"}", None),
        (b"{}", None),
    ],
)
def test_the_number_of_an_unreadable_update_is_found_if_there_is_one(body: bytes, number: int | None) -> None:
    assert update_id_of(body) == number
