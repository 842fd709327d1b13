from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.telegram.identity import BotIdentity
from domain.conversations.commands import Edit, Message, NotUnderstood, Press, Sender
from domain.conversations.events import ContentKind
from domain.errors import Overloaded
from domain.identity import ProviderMessageId, Slug
from tests.channels.house import NOW
from tests.channels.telegram.raw import (
    ANOTHER_BOT,
    BIG_TEA,
    BOT,
    CHANNEL,
    FORUM,
    GROUP,
    MEI,
    OLD_WANG,
    PRIVATE,
    SENDER,
    SENT,
    SENT_AT,
    SUPERGROUP,
    TEA,
    US,
    Json,
    content_of,
    judged,
    message,
    received,
)

ID = ProviderMessageId("11")
UNKNOWN_KIND = NotUnderstood(reason=Slug("unknown-kind"))
FILE = {"file_id": "f1", "file_unique_id": "u1", "file_size": 9}
FILE_DETAILS = {"file_id": "f1", "file_unique_id": "u1", "size_bytes": 9}
VIDEO = FILE | {"width": 640, "height": 480, "duration": 3, "mime_type": "video/mp4"}
VIDEO_DETAILS = FILE_DETAILS | {"width": 640, "height": 480, "duration_s": 3, "mime_type": "video/mp4"}


def test_a_private_text_is_a_message_to_the_bot() -> None:
    update = message(text="您好")
    assert judged(update) == [received(update, Message(text="您好", provider_message=ID))]


def test_a_group_text_names_group_and_sender_and_is_not_to_the_bot() -> None:
    update = message(GROUP, text="hello all")
    expected = Message(text="hello all", provider_message=ID, to_bot=False)
    assert judged(update) == [received(update, expected, chat=TEA)]


@pytest.mark.parametrize(
    "fields, kind, text, details",
    [
        (
            {"photo": [VIDEO | {"width": 1, "height": 1, "file_id": "small"}, VIDEO], "caption": "look"},
            ContentKind.PHOTO,
            "look",
            FILE_DETAILS | {"width": 640, "height": 480},
        ),
        (
            {"voice": FILE | {"duration": 3, "mime_type": "audio/ogg"}},
            ContentKind.VOICE,
            "",
            FILE_DETAILS | {"duration_s": 3, "mime_type": "audio/ogg"},
        ),
        ({"video": VIDEO, "media_group_id": "a1"}, ContentKind.VIDEO, "", VIDEO_DETAILS | {"album": "a1"}),
        (
            {"video_note": FILE | {"length": 240, "duration": 3}},
            ContentKind.VIDEO,
            "",
            FILE_DETAILS | {"duration_s": 3},
        ),
        ({"animation": VIDEO, "document": FILE}, ContentKind.VIDEO, "", VIDEO_DETAILS),
        (
            {"audio": FILE | {"duration": 3, "title": "Song"}},
            ContentKind.DOCUMENT,
            "",
            FILE_DETAILS | {"duration_s": 3, "title": "Song"},
        ),
        (
            {"document": FILE | {"file_name": "../账单.pdf"}, "caption": "the bill"},
            ContentKind.DOCUMENT,
            "the bill",
            FILE_DETAILS | {"file_name": "../账单.pdf"},
        ),
        (
            {
                "sticker": FILE
                | {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
                | {"emoji": "👍", "set_name": "cats"}
            },
            ContentKind.STICKER,
            "",
            FILE_DETAILS | {"width": 512, "height": 512, "emoji": "👍", "set_name": "cats"},
        ),
        (
            {"location": {"latitude": 31.2, "longitude": 121.5}},
            ContentKind.LOCATION,
            "",
            {"latitude": 31.2, "longitude": 121.5},
        ),
        (
            {
                "location": {"latitude": 31.2, "longitude": 121.5},
                "venue": {
                    "location": {"latitude": 31.2, "longitude": 121.5},
                    "title": "Shop",
                    "address": "1 Road",
                },
            },
            ContentKind.LOCATION,
            "",
            {"latitude": 31.2, "longitude": 121.5, "title": "Shop", "address": "1 Road"},
        ),
        ({"dice": {"emoji": "🎲", "value": 6}}, ContentKind.UNKNOWN, "", {}),
    ],
)
def test_media_keep_what_is_needed_to_fetch_and_show_them(
    fields: Json, kind: ContentKind, text: str, details: dict[str, Any]
) -> None:
    expected = Message(kind=kind, text=text, details=details, provider_message=ID)
    assert content_of(message(**fields)) == expected


def test_a_number_that_no_codec_holds_is_left_out() -> None:
    document = FILE | {"file_size": 10**30, "file_name": "a.pdf"}
    details = {"file_id": "f1", "file_unique_id": "u1", "file_name": "a.pdf"}
    expected = Message(kind=ContentKind.DOCUMENT, details=details, provider_message=ID)
    assert content_of(message(document=document)) == expected


@pytest.mark.parametrize(
    "contact, details",
    [
        ({"user_id": 7, "phone_number": "+8613800000000"}, {"own": True, "phone": "+8613800000000"}),
        ({"user_id": 8, "phone_number": "+8613900000000"}, {"own": False, "external_id": "8"}),
        ({"phone_number": "+8613900000000", "last_name": "Wang", "vcard": "BEGIN:VCARD"}, {"own": False}),
    ],
)
def test_a_shared_contact_keeps_the_senders_own_number_and_nothing_of_other_people(
    contact: Json, details: dict[str, Any]
) -> None:
    expected = Message(kind=ContentKind.CONTACT, details=details, provider_message=ID)
    assert content_of(message(contact={"first_name": "W"} | contact)) == expected


def test_an_answer_and_a_forward_keep_no_words_of_other_people() -> None:
    earlier = message(GROUP, text="secret of Wang")["message"] | {"from": OLD_WANG, "message_id": 9}
    origin = {"type": "user", "date": SENT, "sender_user": OLD_WANG}
    update = message(GROUP, text="see above", reply_to_message=earlier, forward_origin=origin)
    assert content_of(update) == Message(
        text="see above",
        provider_message=ID,
        reply_to=ProviderMessageId("9"),
        to_bot=False,
        forwarded=True,
    )


@pytest.mark.parametrize(
    "text, source",
    [
        ("/start Poster_1", "poster_1"),
        ("/start", None),
        ("/start two words", None),
        ("/start 海报", None),
        ("/start " + "a" * 65, None),
        ("/help poster", None),
    ],
)
def test_the_payload_of_a_deep_link_is_the_source(text: str, source: str | None) -> None:
    slug = None if source is None else Slug(source)
    assert content_of(message(text=text)) == Message(text=text, provider_message=ID, source=slug)


def test_in_a_group_a_start_tells_no_source() -> None:
    assert content_of(message(GROUP, text="/start@siyu_bot poster")) == Message(
        text="/start@siyu_bot poster", provider_message=ID
    )


@pytest.mark.parametrize(
    "text, to_bot",
    [
        ("@siyu_bot hello", True),
        ("ask @SIYU_Bot, please", True),
        ("(@siyu_bot)", True),
        ("您好@siyu_bot你好", True),
        ("/help@siyu_bot", True),
        ("/help@other_bot", False),
        ("/help", False),
        ("@siyu_bot2 hello", False),
        ("@siyu_bo hello", False),
        ("mail@siyu_bot.example", False),
        ("siyu_bot", False),
    ],
)
def test_in_a_group_the_bot_is_meant_by_its_name(text: str, to_bot: bool) -> None:
    assert content_of(message(GROUP, text=text)) == Message(text=text, provider_message=ID, to_bot=to_bot)


def test_in_a_group_the_bot_is_meant_by_a_caption_a_link_to_it_or_an_answer() -> None:
    link = {"type": "text_mention", "offset": 0, "length": 4, "user": US}
    ours = message(GROUP, text="hello")["message"] | {"from": US, "message_id": 9}
    updates = [
        message(GROUP, photo=[VIDEO], caption="@siyu_bot look"),
        message(GROUP, text="Siyu hello", entities=[link]),
        message(GROUP, photo=[VIDEO], caption="Siyu hello", caption_entities=[link]),
        message(GROUP, text="thanks", reply_to_message=ours),
        message(GROUP, text="Wang hello", entities=[link | {"user": OLD_WANG}]),
    ]
    contents = [content_of(update) for update in updates]
    assert [isinstance(one, Message) and one.to_bot for one in contents] == [True, True, True, True, False]


def test_while_the_bots_name_is_unknown_only_a_groups_mention_has_to_come_again() -> None:
    nameless = BotIdentity(BOT.id)
    with pytest.raises(Overloaded, match="the bot's name is not known yet"):
        judged(message(GROUP, text="@siyu_bot hello"), nameless)
    private, group = message(text="me@home"), message(GROUP, text="hello")
    said = Message(text="me@home", provider_message=ID)
    assert judged(private, nameless) == [received(private, said)]
    said = Message(text="hello", provider_message=ID, to_bot=False)
    assert judged(group, nameless) == [received(group, said, chat=TEA)]


def test_a_topic_is_the_thread_and_the_message_that_opened_it_is_not_answered() -> None:
    opened = {
        "message_id": 3,
        "from": US,
        "chat": FORUM,
        "date": SENT,
        "forum_topic_created": {"name": "Orders", "icon_color": 7322096},
    }
    topic = {"message_thread_id": 3, "is_topic_message": True, "reply_to_message": opened}
    update = message(FORUM, text="hello", **topic)
    expected = Message(text="hello", provider_message=ID, to_bot=False)
    assert judged(update) == [received(update, expected, chat=replace(BIG_TEA, thread=Slug("3")))]


def test_a_chain_of_answers_outside_of_forums_is_no_thread() -> None:
    update = message(SUPERGROUP, text="hello", message_thread_id=3)
    expected = Message(text="hello", provider_message=ID, to_bot=False)
    assert judged(update) == [received(update, expected, chat=BIG_TEA)]


def test_an_edit_has_the_new_text_and_the_time_of_the_edit() -> None:
    edited = message(text="hello")["message"] | {"edit_date": SENT + 60}
    update = {"edited_message": edited}
    at = SENT_AT + timedelta(seconds=60)
    assert judged(update) == [received(update, Edit(text="hello", provider_message=ID), at=at)]


def test_an_edited_caption_is_an_edit_and_a_moving_location_is_not() -> None:
    caption = {"edited_message": message(photo=[VIDEO], caption="better")["message"]}
    moving = {"edited_message": message(location={"latitude": 31.2, "longitude": 121.5})["message"]}
    assert content_of(caption) == Edit(text="better", provider_message=ID)
    assert content_of(moving) == UNKNOWN_KIND


def test_a_pressed_button_has_its_answer_and_the_handle_for_acknowledging() -> None:
    asked = message(text="Sure?")["message"] | {"from": US, "message_id": 9}
    query = {"id": "q1", "from": MEI, "chat_instance": "c", "data": "yes:1"}
    expected = Press(data="yes:1", query="q1", provider_message=ProviderMessageId("9"))
    private: Json = {"callback_query": query | {"message": asked}}
    group: Json = {"callback_query": query | {"message": asked | {"chat": GROUP}}}
    long_ago: Json = {"callback_query": query | {"message": {"chat": PRIVATE, "message_id": 9, "date": 0}}}
    assert judged(private) == [received(private, expected, at=NOW)]
    assert judged(group) == [received(group, expected, chat=TEA, at=NOW)]
    assert judged(long_ago) == [received(long_ago, expected, at=NOW)]


@pytest.mark.parametrize(
    "update",
    [
        message(GROUP, text="hello", sender_chat=GROUP),
        message(GROUP, text="hello", sender_chat=CHANNEL),
        message(GROUP, text="hello", **{"from": ANOTHER_BOT}),
        message(CHANNEL, text="news", sender_chat=CHANNEL),
        message({"id": 1, "type": "plaza"}, text="hello"),
        message(GROUP, pinned_message=message(GROUP, text="hello")["message"]),
        message(),
        {"channel_post": message(CHANNEL, text="news")["message"]},
        {"business_message": message(text="hello")["message"]},
        {"edited_message": message(GROUP, text="hello", sender_chat=GROUP)["message"]},
        {"callback_query": {"id": "q1", "from": MEI, "chat_instance": "c", "data": "x"}},
        {"poll_answer": {"poll_id": "1", "user": MEI, "option_ids": [0], "option_persistent_ids": ["0"]}},
        {"sent_from_the_future": {"to": "us"}},
        {},
    ],
)
def test_what_nobody_said_to_us_is_recorded_without_a_meaning(update: Json) -> None:
    (one,) = judged(update)
    assert (one.key, one.content, one.sender, one.chat) == ("update:1001", UNKNOWN_KIND, None, None)
    assert one.raw == received(update, UNKNOWN_KIND).raw


@pytest.mark.parametrize(
    "update",
    [
        {"message": "hello"},
        {"message": []},
        message(text=5),
        message(text="hello", date="yesterday"),
        message(text="hello", date=10**17),
        message(text="hello", chat={"id": "seven"}),
        message(text="hello", **{"from": {"id": 7}}),
    ],
)
def test_an_update_of_another_shape_is_recorded_as_malformed(update: Json) -> None:
    malformed = NotUnderstood(reason=Slug("malformed"))
    assert judged(update) == [received(update, malformed, sender=None, at=NOW)]


def test_a_language_that_is_none_is_left_out_as_it_would_lie_in_clear() -> None:
    update = message(text="hi", **{"from": OLD_WANG | {"language_code": "my phone is 138"}})
    sender = Sender(external_id="8", name="老王")
    assert judged(update) == [received(update, Message(text="hi", provider_message=ID), sender=sender)]
    assert SENDER.language == "zh-hans"
