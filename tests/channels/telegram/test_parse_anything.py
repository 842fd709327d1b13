"""Whatever JSON comes under an integer update_id, there is something to record. On `parse`, as `judge` would hide our mistakes."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.telegram.parse import parse
from channels.telegram.plain import plain
from channels.telegram.updates import read_update
from domain.errors import BadInput
from domain.message import Raw
from tests.channels.house import NOW
from tests.channels.telegram.raw import (
    ANOTHER_BOT,
    BOT,
    CHANNEL,
    FORUM,
    GROUP,
    MEI,
    PRIVATE,
    SUPERGROUP,
    US,
    membership,
    message,
)

EXAMPLES = 300

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
TEXTS = st.text(st.characters(codec=None, exclude_categories=())) | st.sampled_from(
    ["/start a", "@siyu_bot", "\ud800"]
)

CHATS = st.sampled_from([PRIVATE, GROUP, SUPERGROUP, FORUM, CHANNEL])
USERS = st.sampled_from([MEI, MEI, MEI, US, ANOTHER_BOT])
NUMBERS = st.integers() | st.sampled_from([0, 10**9, 10**12, -(10**12), 10**30])
DATES = st.integers(0, 4 * 10**9)
FILES = st.fixed_dictionaries(
    {"file_id": TEXTS, "file_unique_id": TEXTS, "width": NUMBERS, "height": NUMBERS, "duration": NUMBERS},
    optional={"file_name": TEXTS, "file_size": NUMBERS, "mime_type": TEXTS},
)
ENTITIES = st.fixed_dictionaries(
    {"type": TEXTS, "offset": NUMBERS, "length": NUMBERS}, optional={"user": USERS}
)
HEADER = {"message_id": NUMBERS, "date": DATES, "chat": CHATS, "from": USERS}
SAID = st.fixed_dictionaries(
    HEADER,
    optional={
        "text": TEXTS,
        "caption": TEXTS,
        "edit_date": NUMBERS,
        "message_thread_id": NUMBERS,
        "is_topic_message": st.booleans(),
        "photo": st.lists(FILES, max_size=2),
        "voice": FILES,
        "document": FILES,
        "location": st.fixed_dictionaries({"latitude": NUMBERS, "longitude": NUMBERS}),
        "contact": st.fixed_dictionaries(
            {"phone_number": TEXTS, "first_name": TEXTS}, optional={"user_id": NUMBERS}
        ),
        "reply_to_message": st.just(message(GROUP, text="x")["message"]),
        "entities": st.lists(ENTITIES, max_size=2),
    },
)
SERVICE = st.fixed_dictionaries(
    HEADER,
    optional={
        "new_chat_members": st.lists(USERS, max_size=3),
        "left_chat_member": USERS,
        "new_chat_title": TEXTS,
        "migrate_to_chat_id": NUMBERS,
        "migrate_from_chat_id": NUMBERS,
        "sender_chat": CHATS,
    },
)
MESSAGES = SAID | SERVICE
QUERIES = st.fixed_dictionaries(
    {"id": TEXTS, "from": USERS, "chat_instance": TEXTS}, optional={"message": MESSAGES, "data": TEXTS}
)
STATUSES = st.sampled_from(["left", "member", "kicked"])
MEMBERSHIPS = st.builds(membership, st.just("x"), CHATS, USERS, STATUSES, STATUSES).map(
    lambda made: made["x"]
)
KINDS = {
    "message": MESSAGES,
    "edited_message": MESSAGES,
    "callback_query": QUERIES,
    "my_chat_member": MEMBERSHIPS,
    "chat_member": MEMBERSHIPS,
    "channel_post": MESSAGES,
}


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    """An update that fits, the same with one field spoiled, or anything under any name."""
    kind = draw(st.sampled_from(["message", "message", *KINDS]))
    content = draw(KINDS[kind])
    match draw(st.sampled_from(["fits", "fits", "spoiled", "anything"])):
        case "fits":
            return {kind: content}
        case "spoiled":
            return {kind: content | {draw(st.sampled_from(sorted(content))): draw(ANYTHING)}}
        case _:
            return draw(st.dictionaries(st.text(max_size=5) | st.just(kind), ANYTHING, max_size=3))


@settings(max_examples=EXAMPLES, deadline=None)
@given(update=updates(), update_id=NUMBERS)
def test_every_json_object_with_an_integer_update_id_gives_something_to_record(
    update: dict[str, Any], update_id: int
) -> None:
    body = json.dumps(update | {"update_id": update_id}).encode()
    received = parse(read_update(body), BOT, body, NOW)
    keys = [one.key for one in received]
    assert keys == [f"update:{update_id}", f"update:{update_id}:1"][: len(keys)]
    assert keys
    assert [one.raw for one in received] == [Raw(body), None][: len(keys)]
    assert {(one.channel, one.account) for one in received} == {("telegram", "42")}
    assert all(one.occurred_at.tzinfo is not None for one in received)
    assert all(msgspec.msgpack.encode(one.content) for one in received)  # no codec stumbles over it


PEOPLE = st.fixed_dictionaries(
    {"id": NUMBERS, "is_bot": st.booleans(), "first_name": TEXTS},
    optional={
        "last_name": TEXTS | st.none(),
        "username": TEXTS | st.none(),
        "language_code": TEXTS | st.sampled_from(["de", "zh-hans", None]),
        "is_premium": st.booleans(),
    },
)
PLAIN = st.fixed_dictionaries(
    {
        "message_id": NUMBERS,
        "date": DATES | NUMBERS,
        "chat": st.just({"id": 1, "type": "private", "first_name": "Mei"}) | CHATS,
        "from": PEOPLE,
        "text": TEXTS | st.sampled_from(["hi", "/start tea"]),
    },
    optional={"entities": st.lists(ENTITIES, max_size=2), "reply_to_message": st.none()},
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    said=PLAIN | MESSAGES | ANYTHING,
    more=st.dictionaries(st.text(max_size=5), ANYTHING, max_size=1),
    update_id=NUMBERS,
)
def test_a_plain_update_says_what_it_says_to_the_library(
    said: object, more: dict[str, Any], update_id: int
) -> None:
    body = json.dumps(more | {"update_id": update_id, "message": said}).encode()
    received = plain(body, BOT)
    assert received is None or received == parse(read_update(body), BOT, body, NOW)


def test_what_most_people_send_is_plain() -> None:
    updates = [
        {"update_id": 7, **message(PRIVATE, text="hello")},
        {
            "update_id": 7,
            **message(
                PRIVATE, text="/start tea", entities=[{"type": "bot_command", "offset": 0, "length": 6}]
            ),
        },
    ]
    for update in updates:
        body = json.dumps(update).encode()
        assert plain(body, BOT) == parse(read_update(body), BOT, body, NOW)


@settings(max_examples=EXAMPLES, deadline=None)
@given(body=st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_other_bytes_are_an_update_or_bad_input(body: bytes) -> None:
    try:
        update = read_update(body)
    except BadInput:
        return
    assert isinstance(update["update_id"], int)
