"""WeChat beside the rate of intake: how soon 200 customers are answered, and how often a token is asked for."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.simulators.wechat import OfficialAccount, WeChatSimulator
from channels.wechat.calls import Calls
from channels.wechat.health import Health
from channels.wechat.settings import Settings, read_settings
from domain.errors import SendFailed
from domain.identity import Account
from tests.benchmarks.load import wechat

CUSTOMERS = 200
COLD_TASKS = 20
SEND = "message/custom/send"


@dataclass(frozen=True, slots=True)
class Answers:
    """How 200 callbacks at once were answered, and what reached the customers. Times in seconds."""

    longest_s: float
    by: dict[str, int]
    unanswered: int


def account(webhook: str = "") -> OfficialAccount:
    """Return the account that both sides of the bench know."""
    return OfficialAccount(
        app_id=wechat.APP_ID,
        app_secret=wechat.APP_SECRET,
        token=wechat.TOKEN,
        aes_key=wechat.AES_KEY,
        webhook_url=webhook,
    )


async def answers(simulator: WeChatSimulator) -> Answers:
    """Let 200 customers ask for help at once; the starter rule answers each."""
    people = [simulator.user(f"o-bench-{number}") for number in range(CUSTOMERS)]

    async def asks(number: int) -> float:
        begin = time.perf_counter()
        callback = people[number].says("帮助")
        await callback.finished()
        return time.perf_counter() - begin

    times = await asyncio.gather(*map(asks, range(CUSTOMERS)))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(len(person.screen) < 2 for person in people):
        await asyncio.sleep(
            0.1
        )  # the welcome and the answer: what was not passive comes as a service message
    by = Counter(str(sent.via) for person in people for sent in person.screen)
    return Answers(max(times), dict(by), sum(not person.screen for person in people))


async def tokens() -> tuple[int, int, str]:
    """Return (calls for a token by 20 cold tasks, calls of one send while a 40001 lasts, the account's health then)."""
    async with WeChatSimulator(account()) as simulator:
        read = read_settings("main", settings_of(simulator))
        calls = _calls(read)
        await asyncio.gather(*(calls.get("tags/get") for _ in range(COLD_TASKS)))
        cold = simulator.calls("stable_token")
        await calls.close()
        simulator.faults.add(kind="invalid_token", path=None, times=None)
        lasting = _calls(read)
        message = {"touser": "o-mei", "msgtype": "text", "text": {"content": "hello"}}
        with contextlib.suppress(SendFailed):
            await lasting.post(SEND, message)
        health = str(lasting.health.state.state)
        await lasting.close()
        return cold, simulator.calls(SEND), health


def settings_of(simulator: WeChatSimulator) -> dict[str, str]:
    """Return the account's settings, as Siyu is given them."""
    return {
        "app_id": wechat.APP_ID,
        "app_secret": wechat.APP_SECRET,
        "token": wechat.TOKEN,
        "aes_key": wechat.AES_KEY,
        "api_base": simulator.api_base,
        "kind": "service",
    }


def _calls(settings: Settings) -> Calls:
    return Calls(settings, Health(Account(wechat.APP_ID), lambda: datetime.now(UTC)), 10.0)
