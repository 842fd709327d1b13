"""D1, D2: killed at random moments (SIGKILL) under load: nothing lost, nothing doubled, marketing doubled 0."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.simulators.telegram import TelegramSimulator, WebhookRetry
from tests.scenarios.conftest import Installs
from tests.scenarios.crowd import Crowd
from tests.scenarios.installation import by_polling, by_webhook, free_port
from tests.scenarios.storm import Storm
from tests.scenarios.wechat_account import of_wechat, patient_wechat

RETRY = WebhookRetry(first_s=0.05, cap_s=0.2)
KILLS_EACH = 10
KILLS_EACH_AT_NIGHT = 50


@asynccontextmanager
async def storms(installs: Installs, seed: int, store: dict[str, str]) -> AsyncIterator[tuple[Storm, Storm]]:
    """Two installations at a time: one that redelivering webhooks feed, WeChat's too; one that polls.

    ``store``: settings of the first; the second lies on SQLite.
    """
    port = free_port()
    async with (
        TelegramSimulator(webhook_retry=RETRY) as pushing,
        patient_wechat(port) as wechat,
        TelegramSimulator() as polled,
    ):
        yield (
            Storm(
                installs(by_webhook(pushing, port) | of_wechat(wechat) | store, name="webhook", port=port),
                pushing,
                random.Random(seed),
                crowd=Crowd(wechat, random.Random(seed)),
            ),
            Storm(installs(by_polling(polled), name="polling"), polled, random.Random(seed + 1)),
        )


async def run(installs: Installs, seed: int, kills: int, store: dict[str, str]) -> None:
    async with storms(installs, seed, store) as (by_push, by_poll):
        for aftermath in await asyncio.gather(by_push.run(kills), by_poll.run(kills)):
            aftermath.check()


async def test_twenty_kills_lose_nothing_and_double_no_marketing(installs: Installs) -> None:
    await run(installs, 1, KILLS_EACH, {})


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [11, 12, 13])
async def test_three_hundred_kills_on_sqlite_lose_nothing(seed: int, installs: Installs) -> None:
    await run(installs, seed, KILLS_EACH_AT_NIGHT, {})


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [21, 22])
async def test_two_hundred_kills_half_of_them_on_postgresql_lose_nothing(
    seed: int, installs: Installs, postgres_url: str
) -> None:
    await run(installs, seed, KILLS_EACH_AT_NIGHT, {"SIYU_DATABASE": postgres_url})
