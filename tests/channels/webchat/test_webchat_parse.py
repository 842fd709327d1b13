import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.webchat.errors import REASONS, BadFrame
from channels.webchat.limits import CHOICE_UNITS, FRAME_BYTES, VISITOR_TEXT_UNITS
from channels.webchat.parse import Choose, Frame, Hello, Ping, Say, Seen, Strange, parse, receive
from channels.webchat.visitor import Visitor, external_id, new_token
from domain.conversations.commands import Message, Press, Receive, Sender
from domain.identity import Account, Channel, Locale, ProviderMessageId
from domain.message import Raw

ID = "0193a5c4-7e1d-7c3a-9f00-1b2c3d4e5f60"
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def frame(**fields: object) -> str:
    return json.dumps(fields)


def refusal(text: str) -> tuple[str, str | None]:
    with pytest.raises(BadFrame) as caught:
        parse(text)
    return caught.value.reason, caught.value.id


@pytest.mark.parametrize(
    "text,expected",
    [
        (frame(type="ping"), Ping()),
        (frame(type="hello", token="A" * 43), Hello("A" * 43)),
        (frame(type="message", id=ID, text="你好 👋"), Say(ID, "你好 👋")),
        (frame(type="message", id=ID.upper(), text="hi"), Say(ID.upper(), "hi")),
        (frame(type="message", id=ID, text="hi", later="field"), Say(ID, "hi")),
        (frame(type="message", id=ID, text="hi", reply_to="5f1c"), Say(ID, "hi", "5f1c")),
        (frame(type="message", id=ID, text="hi", reply_to=None), Say(ID, "hi")),
        (frame(type="press", id=ID, message="5f1c", data="yes"), Choose(ID, "5f1c", "yes")),
        (frame(type="received", id="5f1c"), Seen("5f1c")),
        (frame(type="sing", id=ID, song="la"), Strange(ID)),
        (frame(type="message", id=ID, text="a\0b"), Say(ID, "a\0b")),
        (
            frame(type="message", id=ID, text="half an emoji: \ud83d"),
            Say(ID, "half an emoji: \ud83d"),
        ),
        (frame(type="message", id=ID, text="\u202eשלום\u200f"), Say(ID, "\u202eשלום\u200f")),
    ],
)
def test_a_frame_is_read(text: str, expected: Frame) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text,reason,id_",
    [
        ("", "bad-frame", None),
        ("hi", "bad-frame", None),
        (frame(type="message", id=ID, text="hi", reply_to=7), "bad-frame", ID),
        (frame(type="message", id=ID, text="hi", reply_to="a b"), "bad-frame", ID),
        ("[]", "bad-frame", None),
        ("NaN", "bad-frame", None),
        ("[" * 60_000, "bad-frame", None),
        ('{"a":' * 10_000, "bad-frame", None),
        ("1" * 5_000, "bad-frame", None),
        (frame(type="message", id=5, text="hi"), "bad-id", None),
        (frame(type="message", id="5", text="hi"), "bad-id", None),
        (frame(type="message", id=ID + "\n", text="hi"), "bad-id", None),
        (frame(type="message", text="hi"), "bad-frame", None),
        (frame(type="message", id=ID, text=5), "bad-frame", ID),
        (frame(type="sing", id="5"), "bad-frame", None),
        (frame(type="message", id=ID, text=" \n\t"), "empty", ID),
        (frame(type="message", id=ID, text="茶" * (VISITOR_TEXT_UNITS + 1)), "too-long", ID),
        (frame(type="message", id=ID, text="👋" * (VISITOR_TEXT_UNITS // 2 + 1)), "too-long", ID),
        (frame(type="message", id=ID, text="x" * FRAME_BYTES), "too-long", None),
        ('"' + "茶" * (FRAME_BYTES // 3) + '"', "too-long", None),
        (frame(type="press", id=ID, message="5f1c", data=""), "empty", ID),
        (frame(type="press", id=ID, message="5f1c", data="x" * (CHOICE_UNITS + 1)), "too-long", ID),
        (frame(type="press", id=ID, message="<b>", data="yes"), "bad-frame", ID),
        (frame(type="received", id=""), "bad-frame", None),
        (frame(type="hello", token="short"), "bad-token", None),
        (frame(type="hello", token="A" * 44), "bad-token", None),
        (frame(type="hello", token="ü" * 43), "bad-token", None),
    ],
)
def test_a_bad_frame_is_refused_with_its_reason_and_its_id(text: str, reason: str, id_: str | None) -> None:
    assert refusal(text) == (reason, id_)


def test_the_longest_text_fits_into_a_frame_even_as_escapes() -> None:
    text = "茶" * VISITOR_TEXT_UNITS
    assert parse(json.dumps({"type": "message", "id": ID, "text": text}, ensure_ascii=True)) == Say(ID, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(["hello", "message", "press", "received", "ping"]) | JSON},
    optional={name: JSON | st.just(ID) for name in ("id", "text", "token", "message", "data")},
)


@given(st.text() | JSON.map(json.dumps) | FIELDS.map(json.dumps))
def test_whatever_comes_is_read_or_refused_with_a_known_reason(text: str) -> None:
    read: Frame | BadFrame
    try:
        read = parse(text)
    except BadFrame as error:
        read = error
    assert isinstance(read, Frame) or read.reason in REASONS


def test_a_message_becomes_a_command_whose_key_holds_the_visitor() -> None:
    visitor = Visitor(external_id("A" * 43), Locale("zh"))
    raw = '{"half":"\ud83d"}'
    assert receive(Say(ID.upper(), "hi"), raw, visitor, Account("main"), AT) == Receive(
        channel=Channel("webchat"),
        account=Account("main"),
        key=f"{visitor.external_id}:{ID}",
        occurred_at=AT,
        content=Message(text="hi", provider_message=ProviderMessageId(ID)),
        sender=Sender(external_id=visitor.external_id, language=Locale("zh")),
        raw=Raw(b'{"half":"\xed\xa0\xbd"}'),
    )


def test_a_message_that_quotes_another_names_it() -> None:
    text = frame(type="message", id=ID, text="hi", reply_to="5f1c")
    visitor = Visitor(external_id(new_token()), Locale("zh"))
    received = receive(Say(ID, "hi", "5f1c"), text, visitor, Account("main"), AT)
    assert isinstance(received.content, Message)
    assert received.content.reply_to == "5f1c"


def test_a_pressed_button_becomes_a_command_that_names_the_message_above_it() -> None:
    visitor = Visitor(external_id("A" * 43))
    received = receive(Choose(ID, "5f1c", "yes"), "{}", visitor, Account("main"), AT)
    assert received.content == Press(data="yes", query=ID, provider_message=ProviderMessageId("5f1c"))
    assert received.key == f"{visitor.external_id}:{ID}"


def test_a_token_is_256_random_bits_and_neither_printed_nor_found_in_the_external_id() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}  # 43 characters of 6 bits hold 256
    token = tokens.pop()
    assert token not in repr(Hello(token))
    assert len(external_id(token)) == 64
    assert external_id(token) != external_id(tokens.pop())
