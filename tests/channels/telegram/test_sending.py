"""Sends over real sockets: what Telegram answers, and what happens on the way there and back."""

import asyncio
import json
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.channel import Adapter
from channels.simulators.telegram import FaultKind
from domain.errors import OutcomeUnknown, Overloaded, PermanentFailure, SendFailed, TemporaryFailure
from domain.groups.events import GroupMigrated
from domain.identity import Party, ProviderMessageId, Slug
from domain.ports.messenger import Outbound
from tests.channels.house import House, until
from tests.channels.telegram.harness import TelegramHarness, address, open_adapter
from tests.channels.telegram.scripted import ScriptedApi

HELLO = Outbound("d1", address(7), "hello")


async def failure_of(adapter: Adapter, outbound: Outbound = HELLO) -> tuple[type[SendFailed], str]:
    with pytest.raises(SendFailed) as caught:
        await adapter.messenger.send(outbound)
    shown = "".join(traceback.format_exception(caught.value))
    assert "/bot1234567890" not in shown
    assert "simulated-token" not in shown
    return type(caught.value), caught.value.reason


@pytest.mark.parametrize(
    "fault, expected, accepted",
    [
        (FaultKind.RATE_LIMITED, (TemporaryFailure, "rate-limited"), 0),
        (FaultKind.BLOCKED, (PermanentFailure, "blocked"), 0),
        (FaultKind.SERVER_ERROR_BEFORE, (OutcomeUnknown, "server-error"), 0),
        (FaultKind.SERVER_ERROR_AFTER, (OutcomeUnknown, "server-error"), 1),
        (FaultKind.REFUSE, (OutcomeUnknown, "connection-lost"), 0),
        (FaultKind.RESET_AFTER, (OutcomeUnknown, "connection-lost"), 1),
        (FaultKind.TIMEOUT_AFTER, (OutcomeUnknown, "timeout"), 1),
        (FaultKind.GARBAGE, (OutcomeUnknown, "garbage"), 1),
    ],
)
async def test_a_fault_means_what_can_be_known_of_it(
    fault: FaultKind, expected: tuple[type[SendFailed], str], accepted: int, polling: TelegramHarness
) -> None:
    polling.breaks(fault)
    assert await failure_of(polling.adapter) == expected
    assert len(polling.shown()) == accepted


async def test_a_429_stops_the_account_for_as_long_as_telegram_says(polling: TelegramHarness) -> None:
    polling.simulator.faults.add(kind="rate_limited", retry_after_s=17)
    with pytest.raises(TemporaryFailure) as limited:
        await polling.adapter.messenger.send(HELLO)
    assert (limited.value.retry_after_s, limited.value.whole_account) == (17.0, True)


async def test_somebody_who_blocked_us_or_is_gone_cannot_be_reached(polling: TelegramHarness) -> None:
    polling.mei.blocks()
    with pytest.raises(PermanentFailure) as blocked:
        await polling.adapter.messenger.send(HELLO)
    with pytest.raises(PermanentFailure) as unknown:
        await polling.adapter.messenger.send(Outbound("d1", address(8), "hello"))
    found = [(failure.value.reason, failure.value.unreachable) for failure in (blocked, unknown)]
    assert found == [("blocked", True), ("chat-not-found", True)]


async def test_a_message_answers_in_its_topic_as_plain_text(polling: TelegramHarness) -> None:
    desk = polling.simulator.group(-1009, "Desk", forum=True)
    polling.mei.joins(desk)
    topic = desk.opens_topic("Orders", polling.mei)
    asked = polling.mei.says("how much?", chat=desk, thread=topic)["message_id"]
    to = address(-1009, Party.GROUP)
    answer = Outbound("d1", to, "<b>5</b>", reply_to=ProviderMessageId(str(asked)), thread=Slug(str(topic)))
    gone = Outbound("d2", to, "*6*", reply_to=ProviderMessageId("9999"), thread=Slug(str(topic)))
    ids = [await polling.adapter.messenger.send(outbound) for outbound in (answer, gone)]
    sent = [
        (str(one.message_id), one.text, one.params["message_thread_id"]) for one in polling.simulator.sent
    ]
    assert sent == [(ids[0], "<b>5</b>", str(topic)), (ids[1], "*6*", str(topic))]
    assert "parse_mode" not in polling.simulator.sent[0].params


@pytest.mark.parametrize("intake_is_away", [False, True])
async def test_a_group_that_became_a_supergroup_is_reported_once_and_reached_by_its_new_id(
    intake_is_away: bool, polling: TelegramHarness, house: House
) -> None:
    group = polling.simulator.group(-5, "Tea", "group")
    polling.mei.joins(group)
    polling.mei.says("hello", chat=group)
    await until(lambda: polling.waiting() == 0)
    group_id = house.identities.find(address(-5, Party.GROUP))
    assert group_id is not None
    await polling.adapter.stop()  # so that only the send tells
    group.migrates(-1005, polling.mei)
    house.failures = [Overloaded("too much")] if intake_is_away else []
    for _ in range(2 + intake_is_away):
        assert await failure_of(polling.adapter, Outbound("d1", address(-5, Party.GROUP), "hi")) == (
            TemporaryFailure,
            "migrated",
        )
    assert len(house.events(GroupMigrated)) == 1
    now = house.identities.address_of(Party.GROUP, group_id)
    assert now == address(-1005, Party.GROUP)
    assert await polling.adapter.messenger.send(Outbound("d1", now, "hi"))


async def test_a_pressed_button_is_acknowledged_once_the_press_is_in_the_log(
    polling: TelegramHarness, house: House
) -> None:
    await polling.adapter.messenger.send(Outbound("d1", address(7), "Sure?", choices=((("Yes", "yes:1"),),)))
    house.gate.clear()
    polling.mei.presses(polling.simulator.sent[-1], "yes:1")
    await until(lambda: house.handed_in)
    assert [sent.method for sent in polling.simulator.sent] == ["sendMessage"]
    house.gate.set()
    await until(lambda: len(polling.simulator.sent) == 2)
    assert polling.simulator.sent[-1].method == "answerCallbackQuery"


async def test_a_press_that_cannot_be_acknowledged_harms_nothing(
    polling: TelegramHarness, house: House
) -> None:
    await polling.adapter.messenger.send(Outbound("d1", address(7), "Sure?", choices=((("Yes", "yes:1"),),)))
    polling.simulator.faults.add(kind="server_error_before", method="answerCallbackQuery")
    polling.mei.presses(polling.simulator.sent[-1], "yes:1")
    polling.mei.says("hello")
    await until(lambda: polling.waiting() == 0 and house.log.head() > 0)
    assert [type(received.content).__name__ for received in house.handed_in] == ["Press", "Message"]


@pytest.mark.parametrize(
    "status, body, expected",
    [
        (200, b"", "garbage"),
        (200, b"{}", "garbage"),
        (200, b'{"ok":true', "garbage"),
        (200, b'{"ok":1,"result":{"message_id":5}}', "garbage"),
        (200, b'{"ok":false}', "unexpected-answer"),
        (302, b"", "garbage"),
        (400, b"<html>proxy</html>", "garbage"),
        (500, b'{"ok":false,"error_code":500}', "server-error"),
        (503, b"<html>proxy</html>", "server-error"),
    ],
)
async def test_an_answer_that_says_nothing_is_an_unknown_outcome(
    status: int, body: bytes, expected: str, scripted: ScriptedApi, house: House
) -> None:
    scripted.answers["sendMessage"] = (status, body)
    adapter = open_adapter(house, scripted)
    outcome = await failure_of(adapter)
    await adapter.stop()
    assert outcome == (OutcomeUnknown, expected)
    assert [method for method, _ in scripted.calls] == ["sendMessage"]  # a redirect would get the token


@pytest.mark.parametrize(
    "result, identity", [(b'{"message_id":5}', "5"), (b'{"message_id":6,"new":[{}]}', "6"), (b"true", None)]
)
async def test_what_telegram_accepts_is_accepted_whatever_shape_it_shows(
    result: bytes, identity: str | None, scripted: ScriptedApi, house: House
) -> None:
    scripted.answers["sendMessage"] = (200, b'{"ok":true,"result":' + result + b"}")
    adapter = open_adapter(house, scripted)
    assert await adapter.messenger.send(HELLO) == identity
    await adapter.stop()


async def test_without_a_connection_nothing_was_sent(scripted: ScriptedApi, house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = {"api_base": f"http://127.0.0.1:{port}"}
    no_tls = {"api_base": scripted.base.replace("http:", "https:")}
    no_proxy = {"proxy": f"socks5://127.0.0.1:{port}"}
    outcomes = []
    for settings in (nowhere, no_tls, no_proxy):
        adapter = open_adapter(house, scripted, settings=settings)
        outcomes.append(await failure_of(adapter))
        await adapter.stop()
    assert outcomes == [(TemporaryFailure, "unreachable")] * 3
    assert scripted.calls == []


@asynccontextmanager
async def http_proxy(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that answers CONNECT so, and then passes bytes on. Yields its address and the lines it was asked with."""
    asked: list[bytes] = []
    passing: set[asyncio.Task[None]] = set()

    async def passes(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        asked.append(request.split(b"\r\n")[0])
        writer.write(answer)
        if b" 200 " not in answer:
            writer.close()
            return
        host, _, port = request.split(b" ")[1].partition(b":")
        there, back = await asyncio.open_connection(host.decode(), int(port))
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(passes(source, sink))
            passing.add(task)
            task.add_done_callback(passing.discard)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        await asyncio.gather(*passing)


async def test_a_proxy_is_gone_through(scripted: ScriptedApi, house: House) -> None:
    scripted.answers["sendMessage"] = (200, b'{"ok":true,"result":{"message_id":5}}')
    async with http_proxy(b"HTTP/1.1 200 OK\r\n\r\n") as (proxy, asked):
        adapter = open_adapter(house, scripted, settings={"proxy": proxy})
        assert await adapter.messenger.send(HELLO) == "5"
        await adapter.stop()
    assert asked == [f"CONNECT {scripted.base.removeprefix('http://')} HTTP/1.1".encode()]


async def test_a_proxy_that_refuses_sent_nothing(scripted: ScriptedApi, house: House) -> None:
    async with http_proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as (proxy, asked):
        adapter = open_adapter(house, scripted, settings={"proxy": proxy})
        assert await failure_of(adapter) == (TemporaryFailure, "unreachable")
        await adapter.stop()
    assert (len(asked), scripted.calls) == (1, [])


async def test_what_was_sent_can_be_taken_back_and_asking_again_does_no_harm(
    polling: TelegramHarness,
) -> None:
    recalls = polling.adapter.recalls
    number = await polling.adapter.messenger.send(HELLO)
    assert recalls is not None
    assert number is not None
    await recalls.take_back(HELLO.to, number)
    deleted = [call for call in polling.simulator.sent if call.method == "deleteMessage"]
    assert [(call.chat_id, str(call.message_id)) for call in deleted] == [(7, number)]
    await recalls.take_back(HELLO.to, number)


async def test_a_message_that_telegram_will_not_take_back_stays(house: House, scripted: ScriptedApi) -> None:
    description = "Bad Request: message can't be deleted for everyone"
    refusal = {"ok": False, "error_code": 400, "description": description}
    scripted.answers["deleteMessage"] = (400, json.dumps(refusal).encode())
    adapter = open_adapter(house, scripted)
    assert adapter.recalls is not None
    with pytest.raises(PermanentFailure) as refused:
        await adapter.recalls.take_back(HELLO.to, ProviderMessageId("12"))
    await adapter.stop()
    assert refused.value.reason == "too-late"
