"""What one visitor, or all of them, may ask for."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from channels.webchat import limits
from channels.webchat.visitor import external_id
from tests.channels.house import DEADLINE_S
from tests.channels.webchat.house import House, Server, outbound

TOKEN = "T" * 43
COOKIE = f"siyu_visitor={TOKEN}"


async def test_a_visitor_may_write_ten_messages_at_once_and_then_one_a_second(
    house: House, server: Server
) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        assert (await visit.next())["type"] == "session"
        ids = [await visit.say(f"message {number}") for number in range(11)]
        answers = [await visit.next() for _ in ids]
        assert [answer["type"] for answer in answers] == ["ack"] * 10 + ["error"]
        assert (answers[-1]["id"], answers[-1]["reason"]) == (ids[-1], "too-fast")
        house.passes(1)
        await visit.say("message 10", ids[-1])
        assert (await visit.next())["id"] == ids[-1]
    assert len(house.taken) == 11


async def test_another_window_and_coming_back_do_not_help(house: House, server: Server) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        for number in range(10):
            await visit.say(f"message {number}")
        await visit.frames_so_far()
    async with (
        server.visit(cookie=COOKIE) as one,
        server.visit(cookie=f"siyu_visitor={'U' * 43}") as somebody,
    ):
        await one.say("too many")
        assert (await one.next_of("error"))["reason"] == "too-fast"
        await somebody.say("my first")
        assert (await somebody.next_of("ack"))["type"] == "ack"


async def test_a_visitor_may_have_ten_windows(server: Server) -> None:
    async with AsyncExitStack() as windows:
        for _ in range(limits.SOCKETS_PER_VISITOR):
            visit = await windows.enter_async_context(server.visit(cookie=COOKIE))
            assert (await visit.next())["type"] == "session"
        async with server.visit(cookie=COOKIE) as eleventh:
            assert (await eleventh.next())["reason"] == "too-many-sockets"
            assert await eleventh.closed_with() == 1008
    async with server.visit(cookie=COOKIE) as visit:
        assert (await visit.next())["type"] == "session"


async def test_when_all_sockets_are_taken_the_next_one_is_asked_to_come_again(house: House) -> None:
    async with Server(house, settings={"sockets": "2"}) as server, server.visit() as one, server.visit():
        with pytest.raises(InvalidStatus) as caught:
            async with server.visit():
                pass
        assert caught.value.response.status_code == 503
        await one.socket.close()
        await until_let_in(server)


async def until_let_in(server: Server) -> None:
    """The server notices a little later than the client that a socket has ended."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                async with server.visit(cookie=COOKIE) as visit:
                    assert (await visit.next())["type"] == "session"
                    return
            except InvalidStatus:
                await asyncio.sleep(0.01)


async def test_a_flood_of_frames_ends_the_socket(server: Server) -> None:
    async with server.visit(cookie=COOKIE) as visit:
        assert (await visit.next())["type"] == "session"
        for _ in range(limits.FRAMES_BURST + 1):
            await visit.send({"type": "ping"})
        frames = [await visit.next() for _ in range(limits.FRAMES_BURST + 1)]
        assert [frame["type"] for frame in frames] == ["pong"] * limits.FRAMES_BURST + ["error"]
        assert frames[-1]["reason"] == "too-fast"
        assert await visit.closed_with() == 1008


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(
    house: House, server: Server
) -> None:
    me = external_id(TOKEN)
    house.knows(me)
    sent = limits.FRAMES_WAITING * 8
    text = "x" * limits.SHOP_TEXT_UNITS
    async with server.visit(cookie=COOKIE) as deaf, server.visit(cookie=COOKIE) as keen:
        assert [(await visit.next())["type"] for visit in (deaf, keen)] == ["session", "session"]
        for number in range(sent):
            await server.adapter.messenger.send(outbound(me, f"delivery-{number}", text))
            assert (await keen.next())["id"] == f"delivery-{number}"
        heard = 0
        with contextlib.suppress(ConnectionClosed):
            while await deaf.next():
                heard += 1
        assert heard < sent


async def test_a_client_that_is_told_too_much_at_once_is_dropped_too(house: House, server: Server) -> None:
    me = external_id(TOKEN)
    house.knows(me)
    async with server.visit(cookie=COOKIE) as visit:
        assert (await visit.next())["type"] == "session"
        for number in range(limits.FRAMES_WAITING + 1):  # the server's loop is not given a chance to write
            await server.adapter.messenger.send(outbound(me, f"delivery-{number}"))
        assert await visit.closed_with() in {1006, 1005}
