"""Files of visitors, over real sockets: handed over by a POST, then sent as a message."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.texts import Texts
from channels.webchat import texts
from channels.webchat.limits import UPLOADS_AT_ONCE, UPLOADS_BURST
from channels.webchat.visitor import COOKIE, external_id, new_token
from domain.conversations.commands import Message
from domain.conversations.events import ContentKind
from domain.errors import PermanentFailure
from domain.identity import MediaId, Slug
from domain.ports.history import Said, SaidFile
from tests.channels.house import until
from tests.channels.webchat.house import START, House, Server

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(1_000)


async def hands_over(
    server: Server, token: str | None, content: bytes | AsyncIterator[bytes] = PICTURE, **headers: str
) -> tuple[int, dict[str, Any]]:
    sent = {"X-File-Name": quote("我的茶.png")} | {name.replace("_", "-"): v for name, v in headers.items()}
    if token is not None:
        sent["Cookie"] = f"{COOKIE}={token}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        address = f"{server.url}/chat/media"
        async with session.post(address, data=content, headers=sent, allow_redirects=False) as answer:
            return answer.status, await answer.json()


async def test_a_picture_is_handed_over_and_then_sent_without_a_word(house: House) -> None:
    token = new_token()
    async with Server(house) as server, server.visit(cookie=f"{COOKIE}={token}") as visit:
        status, told = await hands_over(server, token)
        assert (status, told) == (
            200,
            {"file": "upload1", "kind": "photo", "name": "我的茶.png", "size": len(PICTURE)},
        )
        id_ = str(uuid.uuid4())
        await visit.send({"type": "message", "id": id_, "text": "", "file": told["file"]})
        assert (await visit.next_of("ack"))["id"] == id_
        (taken,) = house.taken
        assert isinstance(taken.content, Message)
        assert (taken.content.kind, taken.content.text) == (ContentKind.PHOTO, "")
        assert server.adapter.media is not None
        fetched = [chunk async for chunk in server.adapter.media.fetch(taken.content.details)]
        assert b"".join(fetched) == PICTURE


async def test_other_windows_of_the_visitor_see_that_a_file_was_sent(house: House) -> None:
    token = new_token()
    async with (
        Server(house) as server,
        server.visit(cookie=f"{COOKIE}={token}") as visit,
        server.visit(cookie=f"{COOKIE}={token}") as other,
    ):
        await other.next_of("session")
        _, told = await hands_over(server, token)
        await visit.send({"type": "message", "id": str(uuid.uuid4()), "text": "look", "file": told["file"]})
        shown = await other.next_of("message")
        assert (shown["text"], shown["file"]["kind"], shown["file"]["url"]) == ("look", "photo", None)


async def test_the_history_shows_files_by_links(house: House) -> None:
    token = new_token()
    file = SaidFile(Slug("photo"), "image/png", "tea.png", 99, MediaId("ab12"))
    house.has_said(external_id(token), Said("m1", START, by_customer=True, text="", file=file))
    async with Server(house) as server, server.visit(cookie=f"{COOKIE}={token}") as visit:
        assert (await visit.next_of("message"))["file"]["url"] == "/media/ab12"


async def test_a_file_that_nobody_handed_over_cannot_be_sent(house: House) -> None:
    async with Server(house) as server, server.visit() as visit:
        for file in ("nobodys", "", "x" * 200, 7):
            await visit.send({"type": "message", "id": str(uuid.uuid4()), "text": "look", "file": file})
            assert (await visit.next_of("error"))["reason"] == "no-file"
        assert house.taken == []


async def test_an_empty_message_without_a_file_is_refused_as_before(house: House) -> None:
    async with Server(house) as server, server.visit() as visit:
        await visit.send({"type": "message", "id": str(uuid.uuid4()), "text": " ", "file": None})
        assert (await visit.next_of("error"))["reason"] == "empty"


@pytest.mark.parametrize("token", [None, "short", "x" * 44])
async def test_who_has_no_session_hands_over_nothing(token: str | None, house: House) -> None:
    async with Server(house) as server:
        status, told = await hands_over(server, token)
    assert (status, told["reason"]) == (401, "other-session")


async def test_another_sites_page_hands_over_nothing(house: House) -> None:
    async with Server(house) as server:
        status, told = await hands_over(server, new_token(), origin="https://evil.example")
        assert (status, told["reason"]) == (403, "refused")
        status, _ = await hands_over(server, new_token(), origin=server.url)
        assert status == 200


async def test_in_a_frame_without_our_cookie_the_page_names_its_visitor_itself(house: House) -> None:
    async with Server(house) as server:
        status, _ = await hands_over(server, None, x_siyu_visitor=new_token())
    assert status == 200


@pytest.mark.parametrize(
    "reason, status, told",
    [("too-large", 413, "too-large"), ("lying-type", 415, "no-file"), ("not-allowed", 415, "no-file")],
)
async def test_what_is_refused_is_said_in_the_visitors_language(
    reason: str, status: int, told: str, house: House
) -> None:
    house.uploads.refuses = PermanentFailure(reason)
    async with Server(house) as server:
        answered, said = await hands_over(server, new_token(), accept_language="zh")
    assert (answered, said["reason"]) == (status, told)
    assert said["text"] == Texts("zh").say(texts.ERRORS[told])


async def test_a_packed_body_is_not_unpacked(house: House) -> None:
    async with Server(house) as server:
        status, _ = await hands_over(server, new_token(), content_encoding="gzip")
    assert status == 415


async def test_one_visitor_hands_over_so_many_at_once(house: House) -> None:
    token = new_token()
    async with Server(house) as server:
        answers = [(await hands_over(server, token))[0] for _ in range(UPLOADS_BURST + 1)]
        assert answers == [200] * UPLOADS_BURST + [429]
        assert (await hands_over(server, new_token()))[0] == 200


async def test_all_visitors_together_hand_over_so_many_at_a_time(house: House) -> None:
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield PICTURE
        await go_on.wait()

    async with Server(house) as server:
        waiting = [
            asyncio.create_task(hands_over(server, new_token(), slowly())) for _ in range(UPLOADS_AT_ONCE)
        ]
        await until(lambda: house.uploads.under_way == UPLOADS_AT_ONCE)
        assert (await hands_over(server, new_token()))[0] == 503
        go_on.set()
        assert {status for status, _ in await asyncio.gather(*waiting)} == {200}


async def test_who_hangs_up_in_the_middle_leaves_nothing(house: House) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield PICTURE
        raise OSError("hung up")

    async with Server(house) as server:
        with pytest.raises((aiohttp.ClientError, OSError)):
            await hands_over(server, new_token(), breaking())
        await until(lambda: house.uploads.under_way == 0)
        assert await house.uploads.find("upload1") is None
