"""Every operation, with requests made up from its description: right ones, wrong ones, and those at the edges of both.

The server is a real one on its own thread. All of Schemathesis' checks run: no answer of 500, none that the description does not name,
nothing wrong accepted, nothing right refused, no operation open without a token.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from bot.api.app import ROOT, build, description
from domain.operators.events import Role
from tests.bot.api.programs import Programs, bearing, new_token, serving
from tests.bot.premises import Premises

FEW, MANY = 15, 100
UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
]
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            # A time that no clock shows, a phone that nobody can dial: a schema cannot say it, so it is refused with 422.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 401, 403, 404, 409, 422]},
            # A text beyond what the description allows may be beyond what a request may have.
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, "5xx"]
            },
        }
    }
)
Case = schemathesis.Case[Any]
schema = schemathesis.openapi.from_dict(description(build()), config=CONFIG)


@dataclass(frozen=True, slots=True)
class Served:
    """Where the API is, and what opens it."""

    url: str
    headers: dict[str, str]
    premises: Premises

    def holds(self, case: Case) -> None:
        """Ask and judge. Time passes, so that the wrong tokens among the requests are not too many."""
        self.premises.now += timedelta(minutes=1)
        unsaid = any(value in ([], {}) for value in case.query.values())  # a wrong name that is never sent
        excluded: list[schemathesis.CheckFunction] = [negative_data_rejection] if unsaid else []
        case.call_and_validate(base_url=self.url, headers=self.headers, excluded_checks=excluded)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A house on SQLite."""
    yield from at_work(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served_from_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Served]:
    """A house on PostgreSQL, in a database that ends with the run."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE described")
    database = postgres_server.replace("/postgres?", "/described?")
    yield from at_work(tmp_path_factory.mktemp("served"), database)


def at_work(folder: Path, database: str = "") -> Iterator[Served]:
    """Serve on a thread of its own: Wang wrote, has a tag and an order."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve(premises: Premises) -> None:
        async with serving(premises) as programs:
            found.append(await furnished(programs))
            ready.set()
            await asyncio.to_thread(stop.wait)

    def run() -> None:
        where = {"SIYU_DATABASE": database} if database else {}
        premises = Premises(folder / "data", lambda log: log, **where)
        try:
            premises.says("wang", "hello")
            premises.house.catch_up()
            asyncio.run(serve(premises))
        finally:
            ready.set()
            premises.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield found[0]
    stop.set()
    thread.join()


async def furnished(programs: Programs) -> Served:
    await programs.asks("PUT", "/customers/1/tags/vip")
    order = {"number": "A-1", "amount": 100, "currency": "CNY", "at": "2026-11-20T10:00:00+08:00"}
    await programs.asks("POST", "/orders", {**order, "buyer": {"customer": "#1"}})
    token = new_token(programs.premises, "shop", Role.OWNER)
    return Served(programs.base + ROOT, bearing(token), programs.premises)


@schema.parametrize()
@settings(max_examples=FEW, derandomize=True, deadline=None, suppress_health_check=UNHURRIED)
def test_an_operation_keeps_to_its_description(case: Case, served: Served) -> None:
    served.holds(case)


@pytest.mark.nightly
@schema.parametrize()
@settings(max_examples=MANY, deadline=None, suppress_health_check=UNHURRIED)
def test_an_operation_keeps_to_its_description_at_length(case: Case, served: Served) -> None:
    served.holds(case)


@pytest.mark.nightly
@schema.parametrize()
@settings(max_examples=MANY, deadline=None, suppress_health_check=UNHURRIED)
def test_an_operation_keeps_to_its_description_on_postgresql(
    case: Case, served_from_postgres: Served
) -> None:
    served_from_postgres.holds(case)
