"""One contract for every broker: in memory, NATS JetStream, RabbitMQ. The real ones run at night, and one that is missing is a failure."""

import asyncio
import gc
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest

from bot.relay.broker import Accepted, Broker, MemoryBroker
from bot.relay.jetstream import JetStream
from bot.relay.parcel import Parcel
from domain.identity import StreamId
from tests.bot.relay.servers import DEADLINE_S, Kept, NatsServer, RabbitServer, Server, relayed_to, serving

BATCH = 100
MANY = 2_000
KILLS = 2
REAL = [pytest.param(kind, marks=pytest.mark.nightly, id=kind.PROGRAM) for kind in (NatsServer, RabbitServer)]


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(request.param, tmp_path_factory.mktemp("broker")) as started:
        yield started


@pytest.fixture
def subject() -> str:
    return f"shop.{uuid.uuid4().hex}"


@pytest.fixture
async def broker(server: Server, subject: str) -> AsyncIterator[Broker]:
    opened = server.broker(relayed_to(server.url, subject))
    yield opened
    await opened.close()


def parcels(first: int, count: int = BATCH) -> list[Parcel]:
    return [
        Parcel(
            id=f"log.1/{position}",
            position=position,
            stream=StreamId(f"purchase-{position % 7}"),
            kind="order-paid",
            at=datetime(2026, 11, 22, tzinfo=UTC),
            body=b'{"log":"log.1","position":%d}' % position,
        )
        for position in range(first, first + count)
    ]


async def insisting(broker: Broker, batch: list[Parcel]) -> Accepted:
    """Hand over a batch until it is taken: a stream of RabbitMQ's is there some seconds after its server."""
    async with asyncio.timeout(DEADLINE_S):
        while (accepted := await broker.take(batch)).failure:
            assert accepted.count == 0
            await asyncio.sleep(0.2)
        return accepted


def positions(kept: list[Kept]) -> list[int]:
    return [message.position for message in kept]


# --- What every broker does --------------------------------------------------------------------------------------------


async def test_in_memory_what_is_taken_is_kept_in_order() -> None:
    broker = MemoryBroker()
    broker.answers = [Accepted(3, "timeout")]
    assert await broker.take(parcels(1)) == Accepted(3, "timeout")
    assert await broker.take(parcels(4)) == Accepted(BATCH)
    assert [parcel.position for parcel in broker.kept] == list(range(1, 4 + BATCH))


@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_what_is_taken_is_kept_in_order_under_its_own_name(
    server: Server, broker: Broker, subject: str
) -> None:
    for first in (1, 1 + BATCH):
        assert await broker.take(parcels(first)) == Accepted(BATCH)
    kept = await server.kept(subject, 2 * BATCH)
    assert kept == [
        Kept(parcel.id, f"{subject}.order-paid", parcel.position, "application/json", parcel.body)
        for parcel in parcels(1, 2 * BATCH)
    ]


@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_what_is_told_again_overtakes_nothing(server: Server, broker: Broker, subject: str) -> None:
    for first in (1, 31, 31, 1, 71):
        assert await broker.take(parcels(first)) == Accepted(BATCH)
    kept = await server.kept(subject, 70 + BATCH)
    assert list(dict.fromkeys(positions(kept))) == list(range(1, 71 + BATCH))


@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_a_broker_that_is_away_is_a_failure_until_it_is_back(
    server: Server, broker: Broker, subject: str
) -> None:
    assert await broker.take(parcels(1)) == Accepted(BATCH)
    await asyncio.sleep(server.SETTLES_S)
    server.kill()
    try:
        lost = await broker.take(parcels(1 + BATCH))
        away = await broker.take(parcels(1 + BATCH))
    finally:
        server.start()
    assert (lost.count, lost.failure in {"connection-lost", "unreachable"}) == (0, True)
    assert away == Accepted(0, "unreachable")
    assert await insisting(broker, parcels(1 + BATCH)) == Accepted(BATCH)
    assert positions(await server.kept(subject, 2 * BATCH)) == list(range(1, 1 + 2 * BATCH))


@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_a_broker_that_answers_nothing_is_told_again_later(
    server: Server, broker: Broker, subject: str
) -> None:
    assert await broker.take(parcels(1)) == Accepted(BATCH)
    server.freeze()
    try:
        assert await broker.take(parcels(1 + BATCH)) == Accepted(0, "timeout")
    finally:
        server.thaw()  # and now it reads what it was told
    assert await insisting(broker, parcels(1 + BATCH, 2 * BATCH)) == Accepted(2 * BATCH)
    kept = await server.kept(subject, 3 * BATCH)
    assert list(dict.fromkeys(positions(kept))) == list(range(1, 1 + 3 * BATCH))


@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_killed_while_it_takes_what_it_accepted_is_there_and_nothing_overtakes(
    server: Server, broker: Broker, subject: str
) -> None:
    assert await broker.take(parcels(1)) == Accepted(BATCH)
    await asyncio.sleep(server.SETTLES_S)
    taken = BATCH
    for _ in range(KILLS):
        taking = asyncio.create_task(broker.take(parcels(1 + taken, MANY)))
        await asyncio.sleep(random.uniform(0.005, 0.06))
        server.kill()
        accepted = await taking
        server.start()
        taken += accepted.count
        assert await insisting(broker, parcels(1 + taken)) == Accepted(BATCH), accepted
        taken += BATCH
    kept = await server.kept(subject, taken)
    assert list(dict.fromkeys(positions(kept))) == list(range(1, 1 + taken))


@pytest.mark.filterwarnings("ignore:.*unclosed", "ignore:.*loop is closed")
@pytest.mark.parametrize("server", REAL, indirect=True)
async def test_whom_a_broker_does_not_let_in_is_told_so(server: Server, subject: str) -> None:
    stranger = server.broker(relayed_to(server.wrong_url, subject))
    assert await stranger.take(parcels(1)) == Accepted(0, "not-authorized")
    await stranger.close()
    gc.collect()  # nats-py leaves the socket of a login that was refused to it


# --- What JetStream does besides ---------------------------------------------------------------------------------------

JETSTREAM = REAL[:1]


@pytest.mark.parametrize("server", JETSTREAM, indirect=True)
async def test_jetstream_drops_doubles_by_the_position(server: Server, broker: Broker, subject: str) -> None:
    for first in (1, 31, 31, 1, 71):
        await broker.take(parcels(first))
    assert positions(await server.kept(subject, 70 + BATCH)) == list(range(1, 71 + BATCH))


@pytest.mark.parametrize("server", JETSTREAM, indirect=True)
async def test_what_somebody_else_puts_into_the_stream_stops_nothing(
    server: Server, broker: Broker, subject: str
) -> None:
    await broker.take(parcels(1))
    client = await nats.connect(server.url)
    await client.jetstream().publish(
        f"{subject}.foreign", b"{}", headers={"Nats-Msg-Id": "x", "position": "0", "content-type": "-"}
    )
    await client.close()
    assert await broker.take(parcels(51)) == Accepted(
        50
    )  # doubles; what follows does not follow on the foreign one
    assert await broker.take(parcels(101, 50)) == Accepted(50)
    kept = positions(await server.kept(subject, 150))
    assert kept == [*range(1, 101), 0, *range(101, 151)]


@pytest.mark.parametrize("server", JETSTREAM, indirect=True)
async def test_behind_a_message_that_is_refused_nothing_is_kept(
    server: Server, broker: Broker, subject: str
) -> None:
    batch = parcels(1)
    batch[40] = replace(batch[40], body=b"x" * 2_000_000)
    assert await broker.take(batch) == Accepted(40, "too-large")
    batch[40] = parcels(41)[0]
    assert await broker.take(batch[40:]) == Accepted(60)
    assert positions(await server.kept(subject, BATCH)) == list(range(1, 1 + BATCH))


@pytest.mark.nightly
async def test_a_server_without_jetstream_is_told_of(tmp_path: Path, subject: str) -> None:
    with serving(WithoutJetStream, tmp_path) as server:
        broker = JetStream(relayed_to(server.url, subject))
        assert await broker.take(parcels(1)) == Accepted(0, "no-jetstream")
        await broker.close()


class WithoutJetStream(NatsServer):
    def arguments(self) -> list[str]:
        return super().arguments()[3:]
