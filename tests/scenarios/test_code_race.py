"""Two processes hand out the codes of one pool on one PostgreSQL: nobody gets another's code, nobody gets two, none is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.codes.events import CodeAssigned, CodeTaken
from domain.deliveries.events import DeliveryStarted, DeliverySuppressed
from tests.scenarios.code_takers import CODES, PEOPLE, prepare
from tests.scenarios.linkers import Office

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120


@pytest.fixture
def master(tmp_path: Path) -> str:
    return str(tmp_path / "master.key")


@pytest.fixture
def office(postgres_url: str, master: str) -> Iterator[Office]:
    opened = Office(postgres_url, master)
    yield opened
    opened.close()


def raced(url: str, master: str) -> list[int]:
    """Let two processes loose at once. Returns how many messages each started."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.code_takers", url, master, seed],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in "12"
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        return [json.loads(child.communicate(timeout=DEADLINE_S)[0]) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def test_no_code_is_given_twice_and_none_is_lost(office: Office, postgres_url: str, master: str) -> None:
    prepare(office)
    counts = raced(postgres_url, master)
    log = [recorded.event for recorded in office.log.read(0, 1_000_000)]
    codes = [e.code.value for e in log if isinstance(e, DeliveryStarted) and e.code is not None]
    assert sorted(codes) == sorted(f"TEA-{number}" for number in range(CODES))
    assert sum(counts) == CODES
    assert min(counts) > 0  # it was a race
    assert [e.number for e in log if isinstance(e, CodeTaken)] == list(range(1, CODES + 1))
    assert len({e.customer for e in log if isinstance(e, CodeAssigned)}) == CODES
    left_out = [e.reason for e in log if isinstance(e, DeliverySuppressed)]
    assert left_out == ["no-code-left"] * (PEOPLE - CODES)
