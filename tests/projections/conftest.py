"""Both stores, empty, as often as a test wants one."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from projections.engine import Projector, Views
from projections.registry import projections
from tests.projections.house import House, matches

OpenViews = Callable[..., Views]


@pytest.fixture(scope="session")
def views_database(postgres_server: str) -> Iterator[str]:
    """The URL of one database for all these tests: each has schemas of its own, which is much quicker than a database each."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE views_of_tests")
        connection.execute("ALTER DATABASE views_of_tests SET synchronous_commit = off")
    yield postgres_server.replace("/postgres?", "/views_of_tests?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(
            "DROP DATABASE views_of_tests WITH (FORCE)"
        )  # or the server writes all of it to disk when it stops


@pytest.fixture(params=["sqlite", "postgres"])
def open_views(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenViews]:
    """Open the store of a name (a new one where none is given); opened again under its name it is the same store."""
    opened: list[Views] = []
    numbers = itertools.count(1)
    url: str | None = request.getfixturevalue("views_database") if request.param == "postgres" else None
    own = uuid.uuid4().hex

    def open_(name: str | None = None) -> Views:
        name = name or f"new{next(numbers)}"
        views = Views(tmp_path / f"{name}.db") if url is None else Views(url, schema=f"{name}_{own}")
        opened.append(views)
        return views

    yield open_
    for views in opened:
        views.close()


@pytest.fixture
def views(open_views: OpenViews) -> Views:
    return open_views("views")


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def projector(views: Views, house: House) -> Projector:
    return Projector(views, house.log, projections(matches))
