"""Those who write to the bots, and the API that takes what the bots say."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.benchmarks.load.bot_api import BotApi
from tests.benchmarks.load.requests import CHATS, requests, update
from tests.benchmarks.load.sending import Refused, as_fast_as_answered, at_a_pace

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PAUSE_S = 0.4


@asynccontextmanager
async def webhook(answer: Callable[[int], bytes], pause_at: int = -1) -> AsyncIterator[int]:
    """A webhook that answers its n-th request so. When one of them comes it stands still for a while, and so do all the others."""
    number, still_until, serving = 0, 0.0, set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number, still_until
        serving.add(asyncio.current_task())
        while head := await _head(reader):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            mine, number = number, number + 1
            if mine == pause_at:
                still_until = time.monotonic() + PAUSE_S
            await asyncio.sleep(max(0.0, still_until - time.monotonic()))
            writer.write(answer(mine))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
        await asyncio.gather(*filter(None, serving))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


async def test_every_request_is_posted_once_and_its_time_is_taken() -> None:
    async with webhook(lambda _: OK) as port:
        figures = await as_fast_as_answered(port, requests("/hook", "secret", range(100)), 7)
    assert figures["per_s"] == pytest.approx(100 / figures["seconds"])
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["longest_ms"]


async def test_another_answer_than_200_is_an_error() -> None:
    def answer(number: int) -> bytes:
        return b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n" if number == 20 else OK

    async with webhook(answer) as port:
        with pytest.raises(Refused, match="503"):
            await as_fast_as_answered(port, requests("/hook", "secret", range(50)), 5)


async def test_a_server_may_hang_up_on_whoever_waits_for_nothing_but_on_nobody_else() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(0.05):
                head = await _head(reader)
        except TimeoutError:
            head = b""
        if head:
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            await asyncio.sleep(0.2)  # the others were hung up on long before
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    for answer in (OK, b""):
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = int(server.sockets[0].getsockname()[1])
            posting = as_fast_as_answered(port, requests("/hook", "secret", range(1)), 3)
            if answer:
                assert (await posting)["longest_ms"] > 200 * 0.9
            else:
                with pytest.raises(ConnectionResetError):
                    await posting


async def test_an_open_loop_feels_a_pause_in_all_the_requests_that_were_due_in_it() -> None:
    def made() -> list[bytes]:
        return requests("/hook", "secret", range(120))

    async with webhook(lambda _: OK, pause_at=20) as port:
        paced = await at_a_pace(port, made(), 10, 200.0)
    async with webhook(lambda _: OK, pause_at=20) as port:
        closed = await as_fast_as_answered(port, made(), 10)
    assert min(paced["longest_ms"], closed["longest_ms"]) >= 900 * PAUSE_S
    assert paced["p50_ms"] > 50  # 80 of 120 were due while nobody answered
    assert closed["p50_ms"] < paced["p50_ms"]  # 10 of 120: they coordinated with who stood still


async def test_an_open_loop_keeps_its_pace() -> None:
    async with webhook(lambda _: OK) as port:
        figures = await at_a_pace(port, requests("/hook", "secret", range(100)), 5, 250.0)
    assert figures["per_s"] <= 255


def test_people_write_in_turn_and_every_message_is_another_one() -> None:
    updates = [json.loads(update(number)) for number in range(2 * CHATS)]
    assert len({one["update_id"] for one in updates}) == 2 * CHATS
    assert set(Counter(one["message"]["chat"]["id"] for one in updates).values()) == {2}


@pytest.mark.parametrize(
    "body",
    [
        b'{"chat_id": 77, "text": "x"}',
        b'{"text": "x", "chat_id": "77"}',
        b"text=x&chat_id=77",
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n77\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\nContent-Type: text/plain\r\n\r\n77\r\n--b--\r\n',
    ],
    ids=["json", "json with a string", "form", "multipart", "multipart with a type"],
)
def test_the_api_counts_what_each_chat_was_sent_however_a_bot_writes_it(body: bytes) -> None:
    api = BotApi()
    api.answer(b"/bot42:abc/sendMessage", body)
    assert api.account("42:abc").sent == {77: 1}


def test_the_api_knows_who_a_bot_is_and_what_its_webhook_was_given() -> None:
    api = BotApi()
    me = api.answer(b"/bot42:abc/getMe", b"")
    api.answer(b"/bot42:abc/setWebhook", b'{"url": "http://127.0.0.1/x", "secret_token": "s-1"}')
    assert isinstance(me, dict)
    assert (me["id"], api.account("42:abc").secret) == (42, "s-1")


def test_a_message_to_nobody_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a chat"):
        BotApi().answer(b"/bot42:abc/sendMessage", b'{"text": "x"}')
