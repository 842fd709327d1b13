"""D1, D3, D4, D14, D15, D17, D20 and the numbers of issue 4, by simulation: every promise, in seeded worlds where everything goes wrong.

``make simulate SEED=n`` shows one seed, line by line. Each seed is the same run wherever it runs.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulation.running import SQL_EVERY, run
from tests.simulation.weather import ZONES, Weather

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 200
SEEDS_AT_NIGHT = 2_000
AT_ONCE = SQL_EVERY
"""One of them reads the real views."""

BRIEF = Weather(begins=ZONES[0][1] + timedelta(hours=2), brief=True)
BRIEF_SEED = 3


def groups(first: int, count: int) -> list[range]:
    """Return ranges of seeds, each a test of its own."""
    return [range(begin, begin + AT_ONCE) for begin in range(first, first + count, AT_ONCE)]


def check(seeds: Sequence[int]) -> None:
    """Run them, and say of each that broke a promise which, and how to see it."""
    broken = {outcome.seed: outcome.blamed for outcome in map(run, seeds) if outcome.blamed}
    told = [f"make simulate SEED={seed}\n    " + "\n    ".join(blamed[:5]) for seed, blamed in broken.items()]
    assert not broken, "\n".join(["not as promised:", *told])


@pytest.mark.parametrize("seeds", groups(1, SEEDS), ids=str)
def test_every_promise_holds_whatever_goes_wrong(seeds: range) -> None:
    check(seeds)


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", groups(1 + SEEDS, SEEDS_AT_NIGHT - SEEDS), ids=str)
def test_every_promise_holds_in_two_thousand_worlds(seeds: range) -> None:
    check(seeds)


def check_kills(moments: Iterable[int]) -> None:
    """One life, killed at each of these turns of its loop: a message, an answer, a broadcast, a campaign and an operator's message."""
    broken = {}
    for moment in moments:
        outcome = run(BRIEF_SEED, drawn=replace(BRIEF, kill_at=moment))
        assert outcome.kills == 1
        if outcome.blamed:
            broken[moment] = outcome.blamed
    assert broken == {}


def turns_of_one_life() -> int:
    """Return how many there are; it is a good life."""
    whole = run(BRIEF_SEED, drawn=BRIEF)
    assert (whole.blamed, whole.kills) == ([], 0)
    assert whole.shown > 5
    return whole.turns


def test_killed_at_every_tenth_step_everything_promised_holds() -> None:
    check_kills(range(1, turns_of_one_life(), 10))


@pytest.mark.nightly
def test_killed_between_any_two_steps_everything_promised_holds() -> None:
    check_kills(range(1, turns_of_one_life()))


def test_a_seed_is_the_same_run_event_by_event() -> None:
    assert run(7) == run(7)
    assert run(7).digest != run(8).digest


def test_a_seed_is_the_same_run_in_another_interpreter() -> None:
    """Where sets of words come in another order."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.simulation", "7"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": order},
            stdout=subprocess.PIPE,
            text=True,
        )
        for order in ("1", "2")
    ]
    one, other = (child.communicate(timeout=120)[0].splitlines() for child in children)
    assert [child.returncode for child in children] == [0, 0]
    assert one == other
    assert run(7).digest[:16] in one[-1]
