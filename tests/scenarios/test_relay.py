"""The relay into a real broker, beside a Siyu at work: killed, the server away and back, and every event arrives in order."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from tests.bot.relay.servers import Kept, NatsServer, RabbitServer, Server, serving
from tests.scenarios.bytescan import names_in, scan
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, until, until_async
from tests.scenarios.programs import Child

pytestmark = pytest.mark.nightly

PEOPLE = 3
SAYS_EVERY_S = 0.02
KILLS = 4
CANARIES = {"text": "canary-text-zq", "name": "Canary-Name-Zq"}


@pytest.fixture(params=[NatsServer])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "broker").mkdir()
    with serving(request.param, tmp_path / "broker") as started:
        yield started


class Relay:
    """``siyu relay`` of an installation; it may be killed and started again."""

    def __init__(self, siyu: Installation) -> None:
        self._siyu, self._runs = siyu, count(1)
        self._process: Child | None = None

    async def start(self, *arguments: str) -> None:
        order = self._siyu.order(f"relay-{next(self._runs)}", "relay", *arguments)
        self._process = await self._siyu.programs.start(order)
        said = Path(order.out)
        await until(lambda: said.exists() and "is relayed" in said.read_text("utf8"))

    async def kill(self, number: int = 9) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        return await process.ended()

    async def told(self) -> int:
        """Up to which position it noted that it told."""
        (line,) = [line for line in await self._siyu.ask("doctor") if line.startswith("relay ")]
        return int(line.partition("told up to ")[2].partition(",")[0] or 0)

    async def beyond(self, position: int) -> None:
        async def told() -> bool:
            return await self.told() > position

        await until_async(told)


@asynccontextmanager
async def relaying(siyu: Installation, *arguments: str) -> AsyncIterator[Relay]:
    relay = Relay(siyu)
    await relay.start(*arguments)
    try:
        yield relay
    finally:
        await relay.kill()


@asynccontextmanager
async def talking(telegram: TelegramSimulator) -> AsyncIterator[None]:
    people = [telegram.user(6001 + n, f"{CANARIES['name']} {n}") for n in range(PEOPLE)]
    task = asyncio.create_task(_talk(people))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _talk(people: list[User]) -> None:
    for number in count():
        people[number % len(people)].says(f"{CANARIES['text']} {number}")
        await asyncio.sleep(SAYS_EVERY_S)


async def all_of(
    siyu: Installation, telegram: TelegramSimulator, server: Server
) -> tuple[list[int], list[Kept]]:
    """The log's positions, once all is in it, and what the server keeps up to the last."""

    async def quiet() -> list[int]:
        events = await siyu.settled()
        return [] if telegram.pending_updates else [event["position"] for event in events]

    positions = await until_async(quiet)
    return positions, await server.kept("siyu", positions[-1])


def settings(telegram: TelegramSimulator, server: Server, **more: str) -> Mapping[str, str]:
    return {**by_polling(telegram), "SIYU_RELAY__URL": server.url, **more}


@pytest.mark.parametrize("server", [NatsServer, RabbitServer], indirect=True)
async def test_killed_in_the_middle_every_event_arrives_in_order_and_in_jetstream_once(
    telegram: TelegramSimulator, installs: Installs, server: Server
) -> None:
    siyu = installs(settings(telegram, server))
    await siyu.start()
    async with relaying(siyu, "--after", "0") as relay:
        async with talking(telegram):
            for _ in range(KILLS):
                before = await relay.told()
                await relay.beyond(before + 20)
                await asyncio.sleep(random.uniform(0, 0.3))
                await relay.kill()
                await relay.start()
        positions, kept = await all_of(siyu, telegram, server)
        came = [message.position for message in kept]
        assert list(dict.fromkeys(came)) == positions
        assert len(came) == len(positions) or isinstance(server, RabbitServer)
        assert await relay.kill(15) == 0
    assert await siyu.stop() == 0


async def test_killed_while_a_batch_waits_for_its_answer_it_is_told_again(
    telegram: TelegramSimulator, installs: Installs, server: Server
) -> None:
    siyu = installs(settings(telegram, server))
    await siyu.start()
    async with relaying(siyu, "--after", "0") as relay:
        async with talking(telegram):
            await relay.beyond(40)
            server.freeze()
            head = await fifty_more(siyu)
            await relay.kill()
            server.kill()  # with it goes what it had not read yet
            server.start()
            await relay.start()
            await relay.beyond(head + 50)
        positions, kept = await all_of(siyu, telegram, server)
        assert [message.position for message in kept] == positions


async def test_the_server_away_and_back_nothing_is_lost(
    telegram: TelegramSimulator, installs: Installs, server: Server
) -> None:
    siyu = installs(settings(telegram, server))
    await siyu.start()
    async with relaying(siyu, "--after", "0") as relay:
        async with talking(telegram):
            await relay.beyond(40)
            server.kill()
            head = await fifty_more(siyu)
            server.start()
            await relay.beyond(head)
        positions, kept = await all_of(siyu, telegram, server)
    assert list(dict.fromkeys(message.position for message in kept)) == positions
    said = [
        json.loads(line)
        for line in siyu.output.decode().splitlines()
        if line.startswith('{"') and "relay." in line
    ]
    assert [line["event"] for line in said] == ["relay.failing", "relay.recovered"]


async def fifty_more(siyu: Installation) -> int:
    """Wait until the log grew by fifty events. Returns where it stood before."""
    head = int((await siyu.events())[-1]["position"])
    await until_async(lambda: _grown(siyu, head + 50))
    return head


async def _grown(siyu: Installation, position: int) -> bool:
    return int((await siyu.events())[-1]["position"]) > position


@pytest.mark.parametrize("personal, seen", [("", set()), ("*", set(CANARIES))])
async def test_nothing_personal_reaches_the_server_unless_it_is_asked_for(
    personal: str, seen: set[str], telegram: TelegramSimulator, installs: Installs, server: Server
) -> None:
    siyu = installs(settings(telegram, server, SIYU_RELAY__PERSONAL=personal))
    await siyu.start()
    async with relaying(siyu, "--after", "0") as relay:
        telegram.user(6001, CANARIES["name"]).says(CANARIES["text"])
        await until_async(lambda: _has(siyu, "customer-created"))
        positions, _ = await all_of(siyu, telegram, server)
        assert (await siyu.siyu("forget", "telegram:6001", "--yes")).code == 0
        _, kept = await all_of(siyu, telegram, server)
        assert await relay.kill(15) == 0
    assert "customer-forgotten/1" in {message.event["type"] for message in kept[len(positions) :]}
    assert names_in(scan(CANARIES, server.folder / "store")) == seen


async def _has(siyu: Installation, kind: str) -> bool:
    return bool(await siyu.events(kind))


async def test_on_postgresql_killed_it_goes_on_where_it_was(
    telegram: TelegramSimulator, installs: Installs, server: Server, postgres_url: str, tmp_path: Path
) -> None:
    shared = {"SIYU_DATABASE": postgres_url, "SIYU_MASTER_KEY_FILE": str(tmp_path / "master.key")}
    one = installs(settings(telegram, server, **shared), name="one")
    await one.start()
    async with relaying(one, "--after", "0") as relay:
        async with talking(telegram):
            await relay.beyond(60)
            await relay.kill()
            await relay.start()
            before = await relay.told()
            await relay.beyond(before + 60)
        positions, kept = await all_of(one, telegram, server)
        assert [message.position for message in kept] == positions
    assert await one.stop() == 0
