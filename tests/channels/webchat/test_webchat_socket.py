"""The protocol of WS /chat/ws, over real sockets."""

import asyncio
import json
import uuid
from collections.abc import Sequence

import pytest
from websockets.exceptions import InvalidStatus

from bot.texts import Texts
from channels.webchat.texts import ERRORS
from channels.webchat.visitor import external_id, is_token
from domain.conversations.commands import Message, NotUnderstood, Press, Receive, Sender
from domain.errors import Overloaded, SiyuError, StoreUnavailable
from domain.identity import Account, Channel, ContactId, Locale, ProviderMessageId, Slug, ZoneName
from domain.message import Raw
from domain.ports.history import Said
from tests.channels.house import until
from tests.channels.webchat.house import START, Frame, House, Server, outbound

TOKEN = "T" * 43
ME = external_id(TOKEN)
COOKIE = f"siyu_visitor={TOKEN}"
SESSION: Frame = {"type": "session", "token": TOKEN}
AT = "2026-11-21T09:30:00.000Z"


def acked(id_: str) -> Frame:
    return {"type": "ack", "id": id_, "at": AT}


def shown(id_: str, text: str, who: str = "shop", **more: object) -> Frame:
    return {"type": "message", "id": id_, "text": text, "from": who, "at": AT, "choices": [], **more}


async def test_a_plain_client_only_writes_and_gets_a_session_an_ack_and_its_answer(
    house: House, server: Server
) -> None:
    async with server.visit() as visit:
        id_ = await visit.say("hi")
        session = await visit.next()
        assert session == {"type": "session", "token": session["token"]}
        assert is_token(session["token"])
        assert await visit.next() == acked(id_)
        visitor = external_id(session["token"])
        assert await server.adapter.messenger.send(outbound(visitor, "5f1c", "Hello!")) == ProviderMessageId(
            "5f1c"
        )
        assert await visit.next() == shown("5f1c", "Hello!")
    text = json.dumps({"type": "message", "id": id_, "text": "hi"})
    assert house.taken == [
        Receive(
            channel=Channel("webchat"),
            account=Account("main"),
            key=f"{visitor}:{id_}",
            occurred_at=START,
            content=Message(text="hi", provider_message=ProviderMessageId(id_)),
            sender=Sender(external_id=visitor),
            raw=Raw(text.encode()),
        )
    ]


async def test_nothing_is_acknowledged_before_it_is_durable(house: House, server: Server) -> None:
    house.gate.clear()
    async with server.visit(cookie=COOKIE) as visit, server.visit(cookie=COOKIE) as other:
        assert [await visit.next(), await other.next()] == [SESSION, SESSION]
        id_ = await visit.say("hi")
        await until(lambda: house.waiting_at_gate == 1)
        assert await other.frames_so_far() == []
        house.gate.set()
        assert await visit.next() == acked(id_)
        assert await other.next() == shown(id_, "hi", "me")


async def test_a_repeat_is_one_message_and_is_acknowledged_again(house: House, server: Server) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        id_ = await visit.say("hi")
        await visit.say("hi", id_)
        await visit.say("hi", id_.upper())
        assert await visit.frames_so_far() == [SESSION, acked(id_), acked(id_), acked(id_.upper())]
    assert len(house.taken) == 1


async def test_two_visitors_may_use_the_same_id(house: House, server: Server) -> None:
    id_ = str(uuid.uuid4())
    for _ in range(2):
        async with server.visit() as visit:
            await visit.say("hi", id_)
            assert await visit.next_of("ack") == acked(id_)
    assert len({received.key for received in house.taken}) == 2


async def test_who_connects_without_a_word_gets_a_session_too(house: House, server: Server) -> None:
    async with server.visit() as visit:
        session = await visit.next()
        assert is_token(session["token"])
    assert house.contacts == {}


async def test_a_hello_resumes_the_visitor_with_their_history(house: House, server: Server) -> None:
    house.has_said(ME, Said("one", START, by_customer=True, text="hi"))
    house.has_said(ME, Said("5f1c", START, by_customer=False, text="Tea?", choices=((("Yes", "y"),),)))
    async with server.visit() as visit:
        await visit.send({"type": "hello", "token": TOKEN})
        assert [await visit.next() for _ in range(3)] == [
            SESSION,
            shown("one", "hi", "me", history=True),
            shown("5f1c", "Tea?", history=True) | {"choices": [[["Yes", "y"]]]},
        ]


async def test_a_late_hello_still_resumes_if_it_is_the_first_frame(house: House, server: Server) -> None:
    house.has_said(ME, Said("one", START, by_customer=True, text="hi"))
    async with server.visit() as visit:
        assert (await visit.next())["token"] != TOKEN
        await visit.send({"type": "hello", "token": TOKEN})
        assert [await visit.next(), await visit.next()] == [SESSION, shown("one", "hi", "me", history=True)]


async def test_a_cookie_says_who_it_is_and_a_hello_for_somebody_else_is_refused(
    house: House, server: Server
) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        await visit.send({"type": "hello", "token": TOKEN})
        await visit.send({"type": "hello", "token": "U" * 43})
        session, error = await visit.frames_so_far()
    assert session == SESSION
    assert (error["type"], error["id"], error["reason"]) == ("error", None, "other-session")


async def test_a_visitor_sees_only_their_own_conversation(house: House, server: Server) -> None:
    house.has_said(ME, Said("one", START, by_customer=True, text="my secret"))
    async with server.visit(cookie=COOKIE) as mine, server.visit(cookie=f"siyu_visitor={'U' * 43}") as theirs:
        await mine.say("another secret")
        await mine.next_of("ack")
        await server.adapter.messenger.send(outbound(ME, "5f1c", "for you only"))
        assert [frame["type"] for frame in await theirs.frames_so_far()] == ["session"]
    async with server.visit() as guess:
        await guess.send({"type": "hello", "token": ME[:43]})  # somebody who knows the external id
        assert [frame["type"] for frame in await guess.frames_so_far()] == ["session"]


async def test_all_windows_of_a_visitor_see_what_is_said(house: House, server: Server) -> None:
    async with server.visit(cookie=COOKIE) as one, server.visit(cookie=COOKIE) as two:
        assert [await one.next(), await two.next()] == [SESSION, SESSION]
        id_ = await one.say("e\u0301 \0")
        assert await two.next() == shown(id_, "é \ufffd", "me")
        await server.adapter.messenger.send(outbound(ME, "5f1c", "Hello!"))
        assert [await one.next(), await one.next()] == [acked(id_), shown("5f1c", "Hello!")]
        assert await two.next() == shown("5f1c", "Hello!")


async def test_what_is_taken_back_disappears_from_all_windows(house: House, server: Server) -> None:
    house.knows(ME)
    async with server.visit(cookie=COOKIE) as one, server.visit(cookie=COOKIE) as two:
        assert [await one.next(), await two.next()] == [SESSION, SESSION]
        message = outbound(ME, "5f1c", "Hello!")
        number = await server.adapter.messenger.send(message)
        assert server.adapter.recalls is not None
        assert number is not None
        await server.adapter.recalls.take_back(message.to, number)
        for visit in (one, two):
            assert [await visit.next(), await visit.next()] == [
                shown("5f1c", "Hello!"),
                {"type": "recalled", "id": "5f1c"},
            ]


async def test_while_the_history_is_read_a_new_message_waits_behind_it_and_is_shown_once(
    house: House,
) -> None:
    house.has_said(ME, Said("one", START, by_customer=True, text="hi"))
    reading, read = asyncio.Event(), asyncio.Event()

    class SlowHistory:
        async def recent(self, contact: ContactId, limit: int) -> Sequence[Said]:
            reading.set()
            await read.wait()
            return await house.history.recent(contact, limit)

    async with (
        Server(house, desk=house.desk(history=SlowHistory())) as server,
        server.visit(cookie=COOKIE) as visit,
    ):
        await reading.wait()
        for key in ("in-history", "after-it"):
            await server.adapter.messenger.send(outbound(ME, key, key))
        house.has_said(ME, Said("in-history", START, by_customer=False, text="in-history"))
        read.set()
        assert [await visit.next() for _ in range(4)] == [
            SESSION,
            shown("one", "hi", "me", history=True),
            shown("in-history", "in-history", history=True),
            shown("after-it", "after-it"),
        ]


async def test_a_pressed_button_is_handed_in_with_its_message(house: House, server: Server) -> None:
    id_ = str(uuid.uuid4())
    async with server.visit(cookie=COOKIE, accept_language="zh-CN,zh;q=0.9") as visit:
        await visit.send({"type": "press", "id": id_, "message": "5f1c", "data": "yes"})
        assert await visit.next_of("ack") == acked(id_)
    (received,) = house.taken
    assert received.content == Press(data="yes", query=id_, provider_message=ProviderMessageId("5f1c"))
    assert received.sender == Sender(external_id=ME, language=Locale("zh"))


@pytest.mark.parametrize(
    "query, zone",
    [
        ("?zone=Europe%2FBerlin", "Europe/Berlin"),
        ("?zone=Mars%2FBase", None),
        ("?zone=..%2F..%2Fetc%2Fpasswd", None),
        ("?zone=", None),
        ("", None),
    ],
)
async def test_a_browser_tells_its_time_zone_where_it_is_one(
    house: House, server: Server, query: str, zone: str | None
) -> None:
    id_ = str(uuid.uuid4())
    async with server.visit(query, cookie=COOKIE) as visit:
        await visit.send({"type": "message", "id": id_, "text": "hello"})
        assert await visit.next_of("ack") == acked(id_)
    assert [received.sender for received in house.taken] == [
        Sender(external_id=ME, zone=None if zone is None else ZoneName(zone))
    ]


async def test_a_message_on_the_screen_is_confirmed_once_and_only_by_who_was_shown_it(
    house: House, server: Server
) -> None:
    house.has_said(ME, Said("from-history", START, by_customer=False, text="Tea?"))
    async with server.visit(cookie=COOKIE) as visit, server.visit() as stranger:
        await server.adapter.messenger.send(outbound(ME, "live", "Hello!"))
        await visit.next_of("message")
        await stranger.send({"type": "received", "id": "live"})
        await stranger.frames_so_far()
        for id_ in ("live", "from-history", "live", "never-sent"):
            await visit.send({"type": "received", "id": id_})
        await visit.frames_so_far()
    assert house.confirmations == ["live", "from-history"]


async def test_a_confirmation_that_could_not_be_recorded_may_be_told_again(
    house: House, server: Server
) -> None:
    house.has_said(ME, Said("5f1c", START, by_customer=False, text="Tea?"))
    async with server.visit(cookie=COOKIE) as visit:
        house.outage = StoreUnavailable("the disk is full")
        await visit.send({"type": "received", "id": "5f1c"})
        error = await visit.next_of("error")
        assert (error["id"], error["reason"]) == ("5f1c", "unavailable")
        house.outage = None
        await visit.send({"type": "received", "id": "5f1c"})
        await visit.frames_so_far()
    assert house.confirmations == ["5f1c"]


@pytest.mark.parametrize("outage", [StoreUnavailable("the disk is full"), Overloaded("the queue is full")])
async def test_while_the_log_is_away_a_message_is_refused_and_taken_when_it_comes_again(
    house: House, server: Server, outage: SiyuError
) -> None:
    house.outage = outage
    async with server.visit(cookie=COOKIE, accept_language="zh") as visit:
        id_ = await visit.say("hi")
        assert await visit.frames_so_far() == [
            SESSION,
            {
                "type": "error",
                "id": id_,
                "reason": "unavailable",
                "text": Texts("zh").say(ERRORS["unavailable"]),
            },
        ]
        house.outage = None
        await visit.say("hi", id_)
        assert await visit.next() == acked(id_)
    assert len(house.taken) == 1


async def test_a_bad_frame_is_told_and_the_conversation_goes_on(house: House, server: Server) -> None:
    id_ = str(uuid.uuid4())
    async with server.visit(cookie=COOKIE) as visit:
        assert await visit.next() == SESSION
        for bad in (
            "hi",
            "[" * 60_000,
            json.dumps({"type": "message", "id": id_, "text": ""}),
            b"\x00\x01",
            "x" * 70_000,
        ):
            await visit.socket.send(bad)
        errors = [await visit.next() for _ in range(5)]
        assert [(error["reason"], error["id"]) for error in errors] == [
            ("bad-frame", None),
            ("bad-frame", None),
            ("empty", id_),
            ("bad-frame", None),
            ("too-long", None),
        ]
        id_ = await visit.say("still here")
        assert await visit.next_of("ack") == acked(id_)


async def test_something_that_only_a_newer_page_knows_is_recorded_and_refused(
    house: House, server: Server
) -> None:
    frame = {"type": "sing", "id": str(uuid.uuid4()), "song": "la"}
    async with server.visit(cookie=COOKIE) as visit:
        await visit.send(frame)
        error = await visit.next_of("error")
        assert (error["id"], error["reason"]) == (frame["id"], "unknown-kind")
    (received,) = house.taken
    assert received.content == NotUnderstood(reason=Slug("unknown-kind"))
    assert received.raw == Raw(json.dumps(frame).encode())


async def test_half_an_emoji_from_a_browser_is_taken(house: House, server: Server) -> None:
    id_ = str(uuid.uuid4())
    async with server.visit(cookie=COOKIE) as visit:
        await visit.say("\ud83d", id_)
        assert await visit.next_of("ack") == acked(id_)
    assert [received.content for received in house.taken] == [
        Message(text="\ud83d", provider_message=ProviderMessageId(id_))
    ]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_site_may_not_open_a_socket(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with server.visit(cookie=COOKIE, origin=origin):
            pass
    assert caught.value.response.status_code == 403


async def test_our_own_page_may(server: Server) -> None:
    async with server.visit(cookie=COOKIE, origin=f"http://{server.authority}") as visit:
        assert await visit.next() == SESSION


async def test_stopping_closes_the_sockets_and_lets_no_new_one_in(server: Server) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        assert await visit.next() == SESSION
        await server.adapter.stop()
        assert await visit.closed_with() == 1012
    with pytest.raises(InvalidStatus) as caught:
        async with server.visit():
            pass
    assert caught.value.response.status_code == 503


async def test_what_was_taken_while_stopping_is_acknowledged_or_comes_again(
    house: House, server: Server
) -> None:
    house.gate.clear()
    async with server.visit(cookie=COOKIE) as visit:
        id_ = await visit.say("hi")
        await until(lambda: house.waiting_at_gate == 1)
        stopping = asyncio.create_task(server.adapter.stop())
        assert await visit.closed_with() == 1012
        house.gate.set()
        await stopping
    message = Message(text="hi", provider_message=ProviderMessageId(id_))
    assert [received.content for received in house.taken] == [message]
    await server.adapter.start()
    async with server.visit(cookie=COOKIE) as visit:
        await visit.say("hi", id_)
        assert await visit.next_of("ack") == acked(id_)
    assert len(house.taken) == 1
