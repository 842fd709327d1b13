"""Files up and down, over real sockets."""

import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from channels.telegram.adapter import TelegramAdapter
from channels.telegram.backoff import Backoff
from channels.telegram.settings import read_settings
from domain.conversations.events import MessageReceived
from domain.errors import MediaGone, OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import Slug
from domain.ports.messenger import Attachment, Outbound
from tests.channels.house import House, until
from tests.channels.telegram.harness import SHORT_DEADLINE_S, Pauses, TelegramHarness, address, open_adapter
from tests.channels.telegram.scripted import ScriptedApi

CONTENT = bytes(range(256)) * 1_000


def attachment(kind: str, content_type: str, name: str, content: bytes = CONTENT) -> Attachment:
    async def read() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 100_000):
            yield content[begin : begin + 100_000]

    return Attachment(Slug(kind), content_type, name, len(content), read)


def outbound(file: Attachment, text: str = "here you are") -> Outbound:
    return Outbound("d1", address(7), text, attachment=file)


@pytest.mark.parametrize(
    "kind, content_type, name, method, field",
    [
        ("photo", "image/jpeg", "tea.jpg", "sendPhoto", "photo"),
        ("photo", "image/gif", "tea.gif", "sendDocument", "document"),
        ("voice", "audio/ogg", "voice.ogg", "sendVoice", "voice"),
        ("voice", "audio/amr", "voice.amr", "sendDocument", "document"),
        ("video", "video/mp4", "tea.mp4", "sendVideo", "video"),
        ("video", "video/quicktime", "tea.mov", "sendDocument", "document"),
        ("document", "application/pdf", "价目表.pdf", "sendDocument", "document"),
    ],
)
async def test_a_file_is_sent_as_what_telegram_shows_it_as(
    kind: str, content_type: str, name: str, method: str, field: str, polling: TelegramHarness
) -> None:
    sent_as = await polling.adapter.messenger.send(outbound(attachment(kind, content_type, name)))
    (sent,) = polling.simulator.sent
    assert (sent.method, sent.text, str(sent.message_id)) == (method, "here you are", sent_as)
    given = str(sent.params[field])
    assert sent.params[given.removeprefix("attach://")] == CONTENT
    assert name in {file.name for file in polling.simulator._world.files.values()}  # noqa: SLF001  # what Telegram stores


async def test_a_photo_too_large_to_be_shown_goes_as_a_document(polling: TelegramHarness) -> None:
    huge = attachment("photo", "image/jpeg", "huge.jpg", bytes(11 * 1024 * 1024))
    await polling.adapter.messenger.send(outbound(huge))
    assert [sent.method for sent in polling.simulator.sent] == ["sendDocument"]


async def test_a_long_caption_is_cut_at_its_own_limit(polling: TelegramHarness) -> None:
    long = "🍵" * 600
    await polling.adapter.messenger.send(outbound(attachment("photo", "image/png", "tea.png"), long))
    (sent,) = polling.simulator.sent
    assert sent.text == "🍵" * 511 + "…"


async def test_a_file_needs_no_caption_and_keeps_its_buttons(polling: TelegramHarness) -> None:
    choices = ((("yes", "y"),),)
    bare = Outbound("d1", address(7), "", choices, attachment=attachment("photo", "image/png", "tea.png"))
    await polling.adapter.messenger.send(bare)
    (sent,) = polling.simulator.sent
    assert (sent.text, "caption" in sent.params, "reply_markup" in sent.params) == (None, False, True)


async def test_a_file_that_telegram_does_not_take_is_named_below_the_text(polling: TelegramHarness) -> None:
    file = attachment("document", "application/zip", "all.zip")
    too_large = Attachment(file.kind, file.content_type, file.name, 51 * 1024 * 1024, file.read)
    await polling.adapter.messenger.send(outbound(too_large))
    assert [(sent.method, sent.text) for sent in polling.simulator.sent] == [
        ("sendMessage", "here you are\n📎 all.zip")
    ]


async def test_a_file_that_is_gone_while_it_is_sent_was_never_sent(polling: TelegramHarness) -> None:
    async def read() -> AsyncIterator[bytes]:
        yield CONTENT
        raise MediaGone("destroyed")

    broken = Attachment(Slug("photo"), "image/png", "tea.png", 1_000_000, read)
    with pytest.raises(PermanentFailure, match="media-gone"):
        await polling.adapter.messenger.send(outbound(broken))
    assert polling.simulator.sent == []


async def test_a_reset_after_a_file_went_out_is_unknown(polling: TelegramHarness) -> None:
    polling.simulator.faults.add(kind="reset_after", method="sendPhoto")
    with pytest.raises(OutcomeUnknown, match="connection-lost"):
        await polling.adapter.messenger.send(outbound(attachment("photo", "image/png", "tea.png")))


# Down


async def fetched(adapter: TelegramAdapter, details: dict[str, Any]) -> bytes:
    assert adapter.media is not None
    return b"".join([chunk async for chunk in adapter.media.fetch(details)])


async def failure_of(adapter: TelegramAdapter, details: dict[str, Any]) -> tuple[type[SendFailed], str]:
    with pytest.raises(SendFailed) as caught:
        await fetched(adapter, details)
    shown = "".join(traceback.format_exception(caught.value))
    assert "/bot1234567890" not in shown
    assert "scripted" not in shown.replace("tests/channels/telegram/scripted.py", "")
    return type(caught.value), caught.value.reason


async def test_the_file_of_a_message_is_fetched_by_what_its_details_say(
    house: House, polling: TelegramHarness
) -> None:
    polling.mei.sends_photo("look", content=CONTENT)
    await until(lambda: house.events(MessageReceived))
    (message,) = house.events(MessageReceived)
    assert message.details is not None
    assert await fetched(polling.adapter, message.details.value) == CONTENT


async def test_a_file_of_nobody_is_gone_and_one_that_is_too_large_is_told_so(
    polling: TelegramHarness,
) -> None:
    large = polling.simulator._world.store_file(bytes(21 * 1024 * 1024))  # noqa: SLF001  # nobody sends that in a test
    assert await failure_of(polling.adapter, {"file_id": "nobodys"}) == (PermanentFailure, "gone")
    assert await failure_of(polling.adapter, {"file_id": large.id}) == (PermanentFailure, "too-large")


@pytest.mark.parametrize("details", [{}, {"file_id": 7}, {"file_id": ""}, {"file_id": "a/../b"}])
async def test_details_without_a_file_lead_to_none(details: dict[str, Any], polling: TelegramHarness) -> None:
    assert await failure_of(polling.adapter, details) == (PermanentFailure, "gone")


@pytest.mark.parametrize(
    "path",
    ["/var/lib/telegram-bot-api/x", "../../bot1:2/getMe", "photos/../../x", "http://127.0.0.1/x", "", None],
)
async def test_a_path_that_leads_away_from_the_api_is_not_followed(
    path: str | None, house: House, scripted: ScriptedApi
) -> None:
    told = "null" if path is None else f'"{path}"'
    scripted.answers["getFile"] = (200, f'{{"ok":true,"result":{{"file_path":{told}}}}}'.encode())
    adapter = open_adapter(house, scripted)
    try:
        assert await failure_of(adapter, {"file_id": "x"}) == (PermanentFailure, "gone")
    finally:
        await adapter.stop()


Answer = Callable[[web.Request], Any]


async def hang_up(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport is not None
    request.transport.close()
    return response


async def redirect(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/elsewhere")


async def elsewhere(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"a file of somebody else")


async def packed(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})


async def away(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=502)


async def missing(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=404)


@pytest.mark.parametrize(
    "answer, expected",
    [
        (hang_up, (TemporaryFailure, "connection-lost")),
        (redirect, (PermanentFailure, "refused")),
        (packed, (PermanentFailure, "encoded")),
        (away, (TemporaryFailure, "server-error")),
        (missing, (PermanentFailure, "gone")),
    ],
)
async def test_what_a_download_meets_is_one_of_our_failures_and_never_shows_the_token(
    answer: Answer, expected: tuple[type[SendFailed], str], house: House
) -> None:
    async def get_file(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": {"file_path": "photos/x.jpg"}})

    app = web.Application()
    app.router.add_post("/bot{token}/getFile", get_file)
    app.router.add_get("/file/bot{token}/photos/x.jpg", answer)
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    read = read_settings("main", {"token": "1234567890:scripted", "api_base": base}, None)
    adapter = TelegramAdapter(
        "main", read, house.desk(None), Backoff(pause=Pauses(), jitter=lambda: 0.0), SHORT_DEADLINE_S
    )
    try:
        assert await failure_of(adapter, {"file_id": "x"}) == expected
    finally:
        await adapter.stop()
        await runner.cleanup()
