"""A house for each test that wants one, and an end to what a test set for the whole process."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.bot.premises import Premises


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder in which nothing has happened: to be copied, since making all the tables takes a while."""
    folder = tmp_path_factory.mktemp("untouched") / "data"
    opened = Premises(folder)
    opened.house.catch_up()
    opened.close()
    return folder


@pytest.fixture
def premises(untouched: Path, tmp_path: Path) -> Iterator[Premises]:
    shutil.copytree(untouched, tmp_path / "data")
    opened = Premises(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Premises]:
    """The premises on each store."""
    where = {"SIYU_DATABASE": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    opened = Premises(tmp_path / "anywhere", **where)
    yield opened
    opened.close()


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """How things are logged is afterwards as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
