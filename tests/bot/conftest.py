"""A house for each test that wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.premises import Premises


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    opened = Premises(tmp_path / "data")
    yield opened
    opened.close()
