import asyncio
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from channels.simulators.telegram import FaultKind, TelegramSimulator, Violation
from tests.channels.simulators.bot_side import Api, Clock


async def outcome(api: Api, timeout_s: float = 10.0, **parameters: object) -> object:
    """What a client makes of sendMessage: (status, body) or the name of the error it got."""
    url = f"{api.base}/sendMessage"
    try:
        limit = aiohttp.ClientTimeout(total=timeout_s)
        async with api.session.post(url, json=parameters, timeout=limit) as response:
            return response.status, await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    "kind, seen, accepted",
    [
        (
            FaultKind.SERVER_ERROR_BEFORE,
            (500, '{"ok": false, "error_code": 500, "description": "Internal Server Error"}'),
            False,
        ),
        (
            FaultKind.BLOCKED,
            (
                403,
                '{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}',
            ),
            False,
        ),
        (FaultKind.REFUSE, "ServerDisconnectedError", False),
        (FaultKind.RESET_AFTER, "ClientOSError", True),
        (
            FaultKind.SERVER_ERROR_AFTER,
            (502, '{"ok": false, "error_code": 502, "description": "Bad Gateway"}'),
            True,
        ),
        (FaultKind.GARBAGE, (200, "<html><body>It works!</body></html>"), True),
    ],
)
async def test_a_fault_strikes_once_and_is_accepted_or_not(
    telegram: TelegramSimulator, api: Api, kind: FaultKind, seen: object, accepted: bool
) -> None:
    telegram.user(7, "Mei").says("hi")
    telegram.faults.add(kind=kind)
    assert await outcome(api, chat_id=7, text="first") == seen
    assert [sent.text for sent in telegram.sent] == (["first"] if accepted else [])
    await api.result("sendMessage", chat_id=7, text="second")
    assert telegram.sent[-1].text == "second"


async def test_an_accepted_call_may_never_be_answered(telegram: TelegramSimulator, api: Api) -> None:
    telegram.user(7, "Mei").says("hi")
    telegram.faults.add(kind="timeout_after")
    assert await outcome(api, timeout_s=0.2, chat_id=7, text="lost?") == "TimeoutError"
    assert [sent.text for sent in telegram.sent] == ["lost?"]


async def test_an_answer_may_drip(telegram: TelegramSimulator, api: Api) -> None:
    telegram.user(7, "Mei").says("hi")
    telegram.faults.add(kind="drip", drip_s=0.0, times=1)
    message = await api.result("sendMessage", chat_id=7, text="slow")
    assert message["text"] == "slow"
    telegram.faults.add(kind="drip", drip_s=1.0)
    assert await outcome(api, timeout_s=0.2, chat_id=7, text="slower") == "TimeoutError"
    assert [sent.text for sent in telegram.sent] == ["slow", "slower"]


async def test_a_fault_strikes_its_method_its_chat_and_its_number_of_times(
    telegram: TelegramSimulator, api: Api
) -> None:
    for user_id in (7, 8):
        telegram.user(user_id, "Mei").says("hi")
    telegram.faults.add(kind="blocked", method="sendMessage", chat_id=8, times=2)
    statuses = [
        (await api(method, **call))[0]
        for method, call in (
            ("sendMessage", {"chat_id": 7, "text": "a"}),
            ("sendChatAction", {"chat_id": 8, "action": "typing"}),
            ("sendMessage", {"chat_id": 8, "text": "b"}),
            ("sendMessage", {"chat_id": 8, "text": "c"}),
            ("sendMessage", {"chat_id": 8, "text": "d"}),
        )
    ]
    assert statuses == [200, 200, 403, 403, 200]


async def test_a_429_blocks_the_whole_bot_and_calls_meanwhile_are_violations(
    telegram: TelegramSimulator, api: Api, clock: Clock
) -> None:
    for user_id in (7, 8):
        telegram.user(user_id, "Mei").says("hi")
    telegram.faults.add(kind="rate_limited", retry_after_s=5)
    assert await api("sendMessage", chat_id=7, text="one") == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 5",
            "parameters": {"retry_after": 5},
        },
    )
    blocked_until = clock.now + 5
    clock.now += 3
    at = clock.now
    assert await api.refusal("sendMessage", chat_id=8, text="two") == (
        429,
        "Too Many Requests: retry after 2",
    )
    assert len(await api.result("getUpdates")) == 2
    assert telegram.violations == [Violation("sendMessage", 8, at, blocked_until)]
    clock.now = blocked_until
    await api.result("sendMessage", chat_id=8, text="three")
    assert [sent.text for sent in telegram.sent] == ["three"]


@pytest.fixture
async def strict(clock: Clock) -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator(enforce_limits=True, clock=clock) as simulator:
        yield simulator


async def test_a_chat_takes_three_at_once_and_then_one_a_second(
    strict: TelegramSimulator, http: aiohttp.ClientSession, clock: Clock
) -> None:
    api = Api(f"{strict.base}/bot{strict.token}", http)
    strict.user(7, "Mei").says("hi")
    for _ in range(3):
        await api.result("sendMessage", chat_id=7, text="x")
    assert await api.refusal("sendMessage", chat_id=7, text="x") == (429, "Too Many Requests: retry after 1")
    clock.now += 1
    await api.result("sendMessage", chat_id=7, text="x")
    assert strict.violations == []


async def test_a_bot_sends_thirty_messages_a_second(
    strict: TelegramSimulator, http: aiohttp.ClientSession, clock: Clock
) -> None:
    api = Api(f"{strict.base}/bot{strict.token}", http)
    for user_id in range(1, 32):
        strict.user(user_id, "Mei").says("hi")
    for user_id in range(1, 31):
        await api.result("sendMessage", chat_id=user_id, text="x")
    assert await api.refusal("sendMessage", chat_id=31, text="x") == (429, "Too Many Requests: retry after 1")
    clock.now += 1
    await api.result("sendMessage", chat_id=31, text="x")


async def test_a_group_takes_twenty_messages_a_minute(
    strict: TelegramSimulator, http: aiohttp.ClientSession, clock: Clock
) -> None:
    api = Api(f"{strict.base}/bot{strict.token}", http)
    strict.group(-1001, "Tea")
    for _ in range(20):
        await api.result("sendMessage", chat_id=-1001, text="x")
        clock.now += 1
    assert await api.refusal("sendMessage", chat_id=-1001, text="x") == (
        429,
        "Too Many Requests: retry after 40",
    )
    clock.now += 40
    await api.result("sendMessage", chat_id=-1001, text="x")


async def test_as_a_process_it_is_controlled_over_http(http: aiohttp.ClientSession) -> None:
    token = "42:other-process"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "channels.simulators.telegram", "--token", token, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            base = (await process.stdout.readline()).decode().strip()
        api, control = Api(f"{base}/bot{token}", http), Api(f"{base}/control", http)
        assert await control("users", user_id=7, first_name="Mei") == (200, {"result": 7})
        assert await control("groups", group_id=-1001, title="Tea") == (200, {"result": -1001})
        assert await control("users/7/joins", group=-1001) == (200, {"result": None})
        assert (await control("users/7/says", text="hi", chat=-1001))[0] == 200
        assert (await control("users/7/says", text="hi"))[0] == 200
        assert len(await api.result("getUpdates")) == 3
        assert (await control("users/7/flies"))[0] == 404
        assert (await control("users/7/says", colour="red"))[0] == 400
        assert (await control("users/7/unblocks"))[0] == 409
        assert (await control("faults", kind="blocked"))[0] == 200
        assert (await api("sendMessage", chat_id=7, text="a"))[0] == 403
        await api.result("sendMessage", chat_id=7, text="b")
        async with http.get(f"{base}/control/sent", params={"wait_s": "5"}) as response:
            assert [sent["text"] for sent in (await response.json())["sent"]] == ["b"]
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
