"""Both stores, empty, as often as a test wants one."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from projections.engine import Projector, Views
from projections.registry import projections
from tests.projections.house import House, matches

OpenViews = Callable[..., Views]


@pytest.fixture(params=["sqlite", "postgres"])
def open_views(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenViews]:
    """Open the store of a name (a new one where none is given); opened again under its name it is the same store."""
    opened: list[Views] = []
    numbers = itertools.count(1)
    url: str | None = request.getfixturevalue("postgres_url") if request.param == "postgres" else None

    def open_(name: str | None = None) -> Views:
        name = name or f"new{next(numbers)}"
        views = Views(tmp_path / f"{name}.db") if url is None else Views(url, schema=name)
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
