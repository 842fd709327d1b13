import asyncio

import aiohttp
import pytest

from channels.simulators.telegram import ImpossibleAction, TelegramSimulator
from tests.channels.simulators.bot_side import Api, Clock, Json, until

NOW = int(Clock().now)
BOT = {"id": 1234567890, "is_bot": True, "first_name": "Siyu", "username": "siyu_bot"}
MEI = {"id": 7, "is_bot": False, "first_name": "Mei", "username": "mei", "language_code": "zh"}
MEI_CHAT = {"id": 7, "type": "private", "first_name": "Mei", "username": "mei"}


def texts(updates: list[Json]) -> list[str]:
    return [update["message"]["text"] for update in updates]


# --- updates --------------------------------------------------------------------------------------


async def test_a_message_arrives_as_telegram_shapes_it(telegram: TelegramSimulator, api: Api) -> None:
    telegram.user(7, "Mei", "mei", "zh").says("/start 你好")
    [update] = await api.result("getUpdates")
    assert update == {
        "update_id": 100_000_001,
        "message": {
            "message_id": 1,
            "from": MEI,
            "chat": MEI_CHAT,
            "date": NOW,
            "text": "/start 你好",
            "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
        },
    }


async def test_an_offset_confirms_what_is_below_it_and_nothing_else(
    telegram: TelegramSimulator, api: Api
) -> None:
    mei = telegram.user(7, "Mei")
    for text in ("one", "two", "three"):
        mei.says(text)
    first = await api.result("getUpdates", limit=2)
    again = await api.result("getUpdates")
    confirmed = await api.result("getUpdates", offset=first[-1]["update_id"] + 1)
    assert (texts(first), texts(again), texts(confirmed)) == (
        ["one", "two"],
        ["one", "two", "three"],
        ["three"],
    )
    assert texts(await api.result("getUpdates", offset=1)) == ["three"]


async def test_a_negative_offset_keeps_the_last_updates_only(telegram: TelegramSimulator, api: Api) -> None:
    mei = telegram.user(7, "Mei")
    for text in ("one", "two", "three"):
        mei.says(text)
    assert texts(await api.result("getUpdates", offset=-2)) == ["two", "three"]
    assert texts(await api.result("getUpdates")) == ["two", "three"]


async def test_an_offset_far_ahead_is_ignored(telegram: TelegramSimulator, api: Api) -> None:
    telegram.user(7, "Mei").says("one")
    assert texts(await api.result("getUpdates", offset=900_000_000)) == ["one"]


async def test_updates_are_kept_for_a_day(telegram: TelegramSimulator, api: Api, clock: Clock) -> None:
    telegram.user(7, "Mei").says("old")
    clock.now += 24 * 60 * 60 + 1
    telegram.user(7, "Mei").says("new")
    assert texts(await api.result("getUpdates")) == ["new"]


async def test_a_long_poll_is_answered_by_the_next_update(telegram: TelegramSimulator, api: Api) -> None:
    poll = asyncio.create_task(api.result("getUpdates", timeout=30))
    await until(lambda: telegram.polling)
    telegram.user(7, "Mei").says("hello")
    assert texts(await poll) == ["hello"]


async def test_a_newer_getupdates_ends_the_older(telegram: TelegramSimulator, api: Api) -> None:
    polls = {asyncio.create_task(api("getUpdates", timeout=30)) for _ in range(2)}
    [ended], [waiting] = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    assert await ended == (
        409,
        {
            "ok": False,
            "error_code": 409,
            "description": "Conflict: terminated by other getUpdates request; "
            "make sure that only one bot instance is running",
        },
    )
    telegram.user(7, "Mei").says("hello")
    _, body = await waiting
    assert texts(body["result"]) == ["hello"]


async def test_only_allowed_kinds_are_kept_and_unknown_kinds_always(
    telegram: TelegramSimulator, api: Api
) -> None:
    await api.result("getUpdates", allowed_updates=["callback_query"])
    telegram.user(7, "Mei").says("not asked for")
    telegram.push({"some_future_kind": {"answer": 42}})
    assert await api.result("getUpdates") == [{"update_id": 100_000_001, "some_future_kind": {"answer": 42}}]


async def test_a_raw_update_keeps_its_number_which_may_not_go_back(
    telegram: TelegramSimulator, api: Api
) -> None:
    telegram.push({"update_id": 200_000_000, "poll": {}})
    telegram.push({"poll": {}})
    numbers = [update["update_id"] for update in await api.result("getUpdates")]
    assert numbers == [200_000_000, 200_000_001]
    with pytest.raises(ValueError, match="below 200000002"):
        telegram.push({"update_id": 1, "poll": {}})


# --- calls ----------------------------------------------------------------------------------------


async def test_a_wrong_token_and_an_unknown_method_are_refused(
    telegram: TelegramSimulator, api: Api, http: aiohttp.ClientSession
) -> None:
    stranger = Api(f"{telegram.base}/bot1:wrong", http)
    assert await stranger.refusal("getMe") == (401, "Unauthorized")
    assert await api.refusal("flyToTheMoon") == (404, "Not Found: method not found")


async def test_parameters_come_by_query_form_and_json_and_method_names_in_any_case(
    telegram: TelegramSimulator, api: Api, http: aiohttp.ClientSession
) -> None:
    telegram.user(7, "Mei").says("hi")
    await http.get(f"{api.base}/SENDMESSAGE", params={"chat_id": "7", "text": "query"})
    await http.post(f"{api.base}/sendmessage", data={"chat_id": "7", "text": "form"})
    multipart = aiohttp.FormData({"chat_id": "7", "text": "multipart"}, default_to_multipart=True)
    await http.post(f"{api.base}/sendMessage", data=multipart)
    await http.post(f"{api.base}/sendMessage?chat_id=7", json={"text": "json"})
    assert [(sent.method, sent.chat_id, sent.text, sent.message_id) for sent in telegram.sent] == [
        ("sendMessage", 7, "query", 2),
        ("sendMessage", 7, "form", 3),
        ("sendMessage", 7, "multipart", 4),
        ("sendMessage", 7, "json", 5),
    ]


@pytest.mark.parametrize(
    "parameters, reason",
    [
        ({}, "message text is empty"),
        ({"text": "hi"}, "chat_id is empty"),
        ({"text": " \n", "chat_id": 7}, "message text is empty"),
        ({"text": "a" * 4097, "chat_id": 7}, "message is too long"),
        ({"text": "😀" * 2049, "chat_id": 7}, "message is too long"),
        ({"text": "hi", "chat_id": 8}, "chat not found"),
        ({"text": "hi", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "a\0b", "chat_id": 7}, "text must be encoded in UTF-8"),
        ({"text": "a\ud800b", "chat_id": 7}, "text must be encoded in UTF-8"),
        ({"text": "hi", "chat_id": 7, "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
        (
            {"text": "<b>hi", "chat_id": 7, "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {"text": "é<you@x.cn>", "chat_id": 7, "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "" at byte offset 2',
        ),
        (
            {"text": "<b><i>x</b></i>", "chat_id": 7, "parse_mode": "HTML"},
            'can\'t parse entities: Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        ),
        (
            {"text": "hi", "chat_id": 7, "reply_markup": {"inline_keyboard": [[{"text": "?"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {
                "text": "hi",
                "chat_id": 7,
                "reply_markup": {"inline_keyboard": [[{"text": "?", "callback_data": "字" * 22}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
        (
            {"text": "hi", "chat_id": 7, "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
    ],
)
async def test_a_bad_message_is_refused_in_telegrams_words(
    telegram: TelegramSimulator, api: Api, parameters: Json, reason: str
) -> None:
    telegram.user(7, "Mei").says("hi")
    assert await api.refusal("sendMessage", **parameters) == (400, f"Bad Request: {reason}")
    assert telegram.sent == []


async def test_bytes_that_are_no_utf_8_are_refused(
    telegram: TelegramSimulator, api: Api, http: aiohttp.ClientSession
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"chat_id=7&text=%FF", b"chat_id=7&text=\xff"):
        async with http.post(f"{api.base}/sendMessage", data=body, headers=form) as response:
            assert (await response.json())["description"] == "Bad Request: text must be encoded in UTF-8"


async def test_a_text_of_4096_units_after_markup_is_sent(telegram: TelegramSimulator, api: Api) -> None:
    telegram.user(7, "Mei").says("hi")
    text = "<b>😀</b>&lt;" + "a" * 4093
    message = await api.result("sendMessage", chat_id=7, text=text, parse_mode="HTML")
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert telegram.sent[0].text == message["text"] == "😀<" + "a" * 4093


async def test_a_chat_that_never_wrote_that_blocked_or_is_gone_is_forbidden(
    telegram: TelegramSimulator, api: Api
) -> None:
    mei = telegram.user(7, "Mei")
    send = {"chat_id": 7, "text": "hi"}
    seen = [await api.refusal("sendMessage", **send)]
    mei.says("hello")
    mei.blocks()
    seen.append(await api.refusal("sendMessage", **send))
    mei.unblocks()
    await api.result("sendMessage", **send)
    mei.deactivates()
    seen.append(await api.refusal("sendMessage", **send))
    assert seen == [
        (403, "Forbidden: bot can't initiate conversation with a user"),
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
    ]
    changes = [
        (
            update["my_chat_member"]["old_chat_member"]["status"],
            update["my_chat_member"]["new_chat_member"]["status"],
        )
        for update in telegram.pending_updates
        if "my_chat_member" in update
    ]
    assert changes == [("member", "kicked"), ("kicked", "member")]


async def test_people_cannot_do_what_telegrams_clients_do_not_offer(telegram: TelegramSimulator) -> None:
    mei = telegram.user(7, "Mei")
    group = telegram.group(-100, "Tea")
    mei.says("hello")
    mei.blocks()
    for act in (
        lambda: mei.says("still here?"),
        mei.blocks,
        lambda: mei.says("hello", chat=group),
        lambda: mei.edits(99, "?"),
        lambda: mei.presses(1, "?"),
        lambda: group.opens_topic("Orders", mei),
        lambda: group.migrates(-200, mei),
    ):
        with pytest.raises(ImpossibleAction):
            act()


async def test_waiting_for_a_message_ends_at_its_deadline_and_says_what_was_sent(
    telegram: TelegramSimulator, api: Api
) -> None:
    telegram.user(7, "Mei").says("hi")
    waiting = asyncio.create_task(telegram.wait_for(lambda sent: sent and sent[-1].text == "hello"))
    await api.result("sendMessage", chat_id=7, text="hello")
    assert await waiting is True
    with pytest.raises(TimeoutError, match=r"\('sendMessage', 7, 'hello'\)"):
        await telegram.wait_for(lambda sent: len(sent) > 1, timeout_s=0.01)


# --- groups ---------------------------------------------------------------------------------------


async def test_a_group_tells_who_comes_and_goes(telegram: TelegramSimulator, api: Api) -> None:
    mei = telegram.user(7, "Mei")
    group = telegram.group(-1001, "Tea", bot_status="left")
    await api.result("getUpdates", allowed_updates=["message", "my_chat_member", "chat_member"])
    mei.joins(group)
    group.adds_bot(mei, administrator=True)
    lin = telegram.user(8, "Lin")
    lin.joins(group)
    lin.says("hello", chat=group)
    lin.leaves(group)
    group.removes_bot(mei)
    mei.says("unheard", chat=group)
    kinds = [
        next(iter(update["message"].keys() & {"text", "new_chat_members", "left_chat_member"}))
        if "message" in update
        else (update.keys() - {"update_id"}).pop()
        for update in await api.result("getUpdates")
    ]
    assert kinds == [
        "my_chat_member",
        "new_chat_members",
        "chat_member",
        "new_chat_members",
        "text",
        "chat_member",
        "left_chat_member",
        "my_chat_member",
    ]
    assert await api.refusal("sendMessage", chat_id=-1001, text="hi") == (
        403,
        "Forbidden: bot was kicked from the supergroup chat",
    )


async def test_a_group_that_became_a_supergroup_says_where_it_went(
    telegram: TelegramSimulator, api: Api
) -> None:
    mei = telegram.user(7, "Mei")
    group = telegram.group(-5, "Tea", "group")
    mei.joins(group)
    upgraded = group.migrates(-1005, mei)
    messages = [update["message"] for update in await api.result("getUpdates")]
    assert [
        (message["chat"]["id"], message.get("migrate_to_chat_id"), message.get("migrate_from_chat_id"))
        for message in messages[1:]
    ] == [(-5, -1005, None), (-1005, None, -5)]
    assert await api("sendMessage", chat_id=-5, text="hi") == (
        400,
        {
            "ok": False,
            "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": -1005},
        },
    )
    mei.says("here", chat=upgraded)
    await api.result("sendMessage", chat_id=-1005, text="hi")


async def test_topics_of_a_forum_are_threads(telegram: TelegramSimulator, api: Api) -> None:
    mei = telegram.user(7, "Mei")
    desk = telegram.group(-1009, "Desk", forum=True, bot_status="administrator")
    mei.joins(desk)
    orders = desk.opens_topic("Orders", mei)
    topic = await api.result("createForumTopic", chat_id=desk.id, name="Mei")
    assert (orders, topic["message_thread_id"], topic["name"]) == (2, 3, "Mei")
    question = mei.says("where?", chat=desk, thread=orders)
    answer = await api.result(
        "sendMessage",
        chat_id=desk.id,
        message_thread_id=orders,
        text="here",
        reply_parameters={"message_id": question["message_id"]},
    )
    assert (answer["message_thread_id"], answer["is_topic_message"]) == (orders, True)
    assert answer["reply_to_message"] == question
    assert await api.refusal("sendMessage", chat_id=desk.id, message_thread_id=77, text="x") == (
        400,
        "Bad Request: message thread not found",
    )


async def test_in_privacy_mode_a_bot_hears_commands_and_replies_only(
    clock: Clock, http: aiohttp.ClientSession
) -> None:
    async with TelegramSimulator(privacy_mode=True, clock=clock) as telegram:
        api = Api(f"{telegram.base}/bot{telegram.token}", http)
        mei, group = telegram.user(7, "Mei"), telegram.group(-1001, "Tea")
        mei.joins(group)
        sent = await api.result("sendMessage", chat_id=-1001, text="hello all")
        mei.says("gossip", chat=group)
        mei.says("/help", chat=group)
        mei.says("thanks", chat=group, reply_to=sent["message_id"])
        updates = await api.result("getUpdates")
    assert texts(updates[1:]) == ["/help", "thanks"]
