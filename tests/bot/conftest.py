"""A house for each test that wants one, and an end to what a test set for the whole process."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.bot.premises import Premises


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    opened = Premises(tmp_path / "data")
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
