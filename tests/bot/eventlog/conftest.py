"""The log on every store there is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.eventlog.codec import Codec
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.log import StoredEventLog
from bot.eventlog.postgres import PostgresEventLog
from bot.eventlog.sqlite import SqliteEventLog
from domain.ports.event_log import EventLog, MemoryEventLog
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.examples import Clock

Opener = Callable[[], StoredEventLog]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def codec() -> Codec:
    return Codec(EVENT_TYPES, MemoryKeyRing())


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, codec: Codec, clock: Clock) -> Iterator[Opener]:
    """Opens the same durable log again and again; the last one is closed after the test."""
    logs: list[StoredEventLog] = []

    def open_log() -> StoredEventLog:
        if logs:
            logs.pop().close()
        if request.param == "sqlite":
            logs.append(SqliteEventLog(tmp_path / "data" / "log.db", codec, clock))
        else:
            logs.append(PostgresEventLog(request.getfixturevalue("postgres_url"), codec, clock))
        return logs[0]

    yield open_log
    logs.pop().close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path, codec: Codec, clock: Clock) -> Iterator[EventLog]:
    """An empty log: every test that asks for it holds for each store."""
    found: EventLog
    match request.param:
        case "memory":
            found = MemoryEventLog({event: slug for slug, event in EVENT_TYPES.items()}, clock)
        case "sqlite":
            found = SqliteEventLog(tmp_path / "data" / "log.db", codec, clock)
        case _:
            found = PostgresEventLog(request.getfixturevalue("postgres_url"), codec, clock)
    yield found
    found.close()
