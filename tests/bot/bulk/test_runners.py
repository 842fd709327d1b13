"""What every runner promises, and what those promise whose jobs outlive a process."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.bulk import InProcess, Line, Runner, Seen, State
from bot.bulk.carrying import LAST_LINES, MOST_LINES, Ended
from bot.bulk.holding import MOST_TRIES
from bot.bulk.procrastinated import CONNECT_WITHIN_S, Procrastinated
from bot.bulk.runner import AT_ONCE, MOST_WAITING
from bot.bulk.schema import OPTIONS
from bot.texts import Told, told
from domain.errors import Overloaded, StoreUnavailable, UnknownRecipient
from tests.bot.bulk.sample_works import QUICK, SECRET, works
from tests.bot.bulk.working import WITHIN_S, at_work, until
from tests.bot.eventlog.proxy import Proxy

ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def worker_process(url: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "tests.bot.bulk.sample_works", url], cwd=ROOT)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGCONT)
        running.kill()
        running.wait(WITHIN_S)


@pytest.fixture
def lasting(postgres_url: str) -> Iterator[Procrastinated]:
    runner = Procrastinated(postgres_url, SECRET, works, QUICK)
    yield runner
    runner.close()


@pytest.fixture(params=["here", "procrastinate"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Each of them, with somebody who takes jobs."""
    made: Runner = InProcess(works) if request.param == "here" else request.getfixturevalue("lasting")
    with at_work(made):
        yield made
    made.close()


def over(runner: Runner, number: int) -> tuple[list[Line], Seen]:
    """Follow a job to its end."""
    lines: list[Line] = []
    after, deadline = 0, time.monotonic() + WITHIN_S
    while True:
        seen = runner.look(number, after)
        lines, after = [*lines, *seen.lines], seen.last
        if seen.ended is not None:
            return lines, seen
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- each of them ----------------------------------------------------------------------------------------------------


def test_a_job_tells_its_lines_in_order_and_ends_with_its_code(runner: Runner) -> None:
    number = runner.start("say", {"text": "小王"})
    lines, seen = over(runner, number)
    assert lines == ["小王", told("line {line}: {why}", line=7, why=told("customer"))]
    assert (seen.job.state, seen.job.tries, seen.ended) == (State.DONE, 1, Ended(1))


def test_what_was_told_before_is_told_again_to_whoever_comes_later(runner: Runner) -> None:
    number = runner.start("say", {"text": "a"})
    lines, first = over(runner, number)
    again, seen = over(runner, number)
    assert (again, seen.ended) == (lines, first.ended)
    assert [(job.number, job.work, job.state) for job in runner.jobs()] == [(number, "say", State.DONE)]


def test_progress_is_seen_while_it_runs(runner: Runner, tmp_path: Path) -> None:
    number = runner.start("steps", {"folder": str(tmp_path), "many": "60"})
    until(lambda: len(runner.look(number).lines) > 3)
    assert runner.look(number).job.state is State.RUNNING
    _, seen = over(runner, number)
    assert (seen.job.state, len(list(tmp_path.iterdir()))) == (State.DONE, 60)


@pytest.mark.parametrize(
    "how, code, text",
    [("rejected", 2, "{folder} is not empty: name a new folder"), ("bad", 1, "{file} is empty")],
)
def test_a_job_that_fails_tells_why(runner: Runner, how: str, code: int, text: str) -> None:
    lines, seen = over(runner, runner.start("refuse", {"how": how}))
    assert lines == ["begun"]
    assert seen.job.state is State.FAILED
    assert seen.ended is not None
    assert seen.ended.error is not None
    assert (seen.ended.code, seen.ended.error.text) == (code, text)


def test_a_bug_ends_its_job_alone(runner: Runner) -> None:
    _, seen = over(runner, runner.start("bug", {}))
    assert seen.ended == Ended(1, told("an internal error: the server's log says more"))
    assert over(runner, runner.start("say", {"text": "a"}))[1].job.state is State.DONE


def test_a_job_is_cancelled_at_its_next_line_and_what_it_did_stays(runner: Runner, tmp_path: Path) -> None:
    number = runner.start("steps", {"folder": str(tmp_path), "many": "2000"})
    until(lambda: bool(runner.look(number).lines))
    assert runner.cancel(number)
    _, seen = over(runner, number)
    assert (seen.job.state, seen.ended) == (State.CANCELLED, Ended(1))
    done = len(list(tmp_path.iterdir()))
    assert 0 < done < 2000
    time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) == done
    assert not runner.cancel(number)


def test_of_a_flood_of_lines_the_first_and_the_last_are_kept(runner: Runner) -> None:
    many = MOST_LINES + LAST_LINES + 5
    lines, _ = over(runner, runner.start("chatty", {"many": str(many)}))
    assert lines[:2] == ["0", "1"]
    assert lines[MOST_LINES] == told("({many} lines are left out)", many=5)
    assert lines[-1] == str(many - 1)
    assert len(lines) == MOST_LINES + 1 + LAST_LINES


def test_a_number_that_no_job_has_is_refused(runner: Runner) -> None:
    for ask in (runner.look, runner.cancel):
        with pytest.raises(UnknownRecipient):
            ask(999)


def test_nobody_waits_for_a_job_of_a_siyu_that_stops(runner: Runner) -> None:
    number = runner.start("say", {"text": "a"})
    runner.stop()
    with pytest.raises(StoreUnavailable):
        runner.look(number)


# --- in this process -------------------------------------------------------------------------------------------------


def test_no_more_jobs_wait_than_fit(tmp_path: Path) -> None:
    runner = InProcess(works)
    arguments = {"folder": str(tmp_path), "many": "1000"}
    for _ in range(AT_ONCE):
        number = runner.start("steps", arguments)
        until(lambda number=number: runner.look(number).job.state is State.RUNNING)  # type: ignore[misc]
    for _ in range(MOST_WAITING):
        runner.start("steps", arguments)
    with pytest.raises(Overloaded):
        runner.start("steps", arguments)
    runner.close()


def test_one_that_still_waits_is_cancelled_at_once(tmp_path: Path) -> None:
    runner = InProcess(works)
    numbers = [runner.start("steps", {"folder": str(tmp_path), "many": "1000"}) for _ in range(3)]
    assert runner.cancel(numbers[-1])
    assert runner.look(numbers[-1]).job == runner.jobs()[0]
    assert runner.look(numbers[-1]).job.state is State.CANCELLED
    runner.close()


# --- those that last -------------------------------------------------------------------------------------------------


def test_what_passes_is_tried_again(lasting: Procrastinated, tmp_path: Path) -> None:
    with at_work(lasting):
        lines, seen = over(lasting, lasting.start("away", {"folder": str(tmp_path), "times": "2"}))
    away = told("the store is away: {why}", why="gone fishing")
    again = "begun again: try {number}"
    assert lines == ["try 1", away, told(again, number=2), "try 2", away, told(again, number=3), "try 3"]
    assert (seen.job.state, seen.ended) == (State.DONE, Ended(0))


def test_what_does_not_pass_fails_in_the_end_and_tells_why(lasting: Procrastinated, tmp_path: Path) -> None:
    with at_work(lasting):
        _, seen = over(lasting, lasting.start("away", {"folder": str(tmp_path), "times": "99"}))
    assert (tmp_path / "tries").read_text("ascii") == "x" * MOST_TRIES
    assert seen.ended == Ended(1, told("the store is away: {why}", why="gone fishing"))
    assert seen.job.state is State.FAILED


def test_a_job_waits_for_a_worker_and_outlives_who_gave_it(postgres_url: str) -> None:
    giver = Procrastinated(postgres_url, SECRET, works, QUICK)
    number = giver.start("say", {"text": "a"})
    assert giver.look(number).job.state is State.WAITING
    giver.close()
    taker = Procrastinated(postgres_url, SECRET, works, QUICK)
    with at_work(taker):
        assert over(taker, number)[1].job.state is State.DONE
    taker.close()


def test_a_job_whose_worker_is_killed_runs_again_and_does_nothing_twice(
    lasting: Procrastinated, postgres_url: str, tmp_path: Path
) -> None:
    number = lasting.start("steps", {"folder": str(tmp_path), "many": "100"})
    with worker_process(postgres_url) as first:
        until(lambda: len(lasting.look(number).lines) > 5)
        first.kill()
    with worker_process(postgres_url):
        lines, seen = over(lasting, number)
    told_steps = [
        str(line.values["rows"]) for line in lines if isinstance(line, Told) and "rows" in line.values
    ]
    assert sorted(told_steps) == sorted(set(told_steps))
    assert told("begun again: try {number}", number=2) in lines
    assert (seen.job.state, len(list(tmp_path.iterdir()))) == (State.DONE, 100)


@pytest.mark.nightly
def test_one_that_slept_through_the_end_of_its_job_says_nothing_more(
    lasting: Procrastinated, postgres_url: str, tmp_path: Path
) -> None:
    number = lasting.start("steps", {"folder": str(tmp_path), "many": "150"})
    with worker_process(postgres_url) as frozen:
        until(lambda: len(lasting.look(number).lines) > 5)
        os.kill(frozen.pid, signal.SIGSTOP)
        with at_work(lasting):
            until(lambda: lasting.look(number).job.tries == 2)
            os.kill(frozen.pid, signal.SIGCONT)
            _, seen = over(lasting, number)
    assert (seen.job.state, seen.job.tries, seen.ended) == (State.DONE, 2, Ended(0))


@pytest.mark.nightly
def test_a_job_that_kills_its_workers_is_given_up(lasting: Procrastinated, postgres_url: str) -> None:
    number = lasting.start("deadly", {})
    for _ in range(MOST_TRIES):
        with worker_process(postgres_url) as worker:
            worker.wait(WITHIN_S)
    with at_work(lasting):
        lines, seen = over(lasting, number)
    assert [line for line in lines if isinstance(line, Told)] == [
        told("begun again: try {number}", number=number) for number in range(2, MOST_TRIES + 1)
    ]
    assert seen.ended == Ended(1, told("it ended its worker {many} times", many=MOST_TRIES))


def test_a_worker_that_stops_hands_its_job_over(
    lasting: Procrastinated, postgres_url: str, tmp_path: Path
) -> None:
    other = Procrastinated(postgres_url, SECRET, works, QUICK)
    number = other.start("steps", {"folder": str(tmp_path), "many": "200"})
    with at_work(other):
        until(lambda: bool(other.look(number).lines))
    other.close()
    with at_work(lasting):
        assert over(lasting, number)[1].job.state is State.DONE
    assert len(list(tmp_path.iterdir())) == 200


@pytest.mark.parametrize(
    "away_s",
    [
        pytest.param(0.5, id="for a moment"),
        pytest.param(CONNECT_WITHIN_S + 2, id="longer than it waits", marks=pytest.mark.nightly),
    ],
)
def test_a_worker_goes_on_after_its_database_was_away(postgres_url: str, away_s: float) -> None:
    proxy = Proxy(postgres_url)
    worker, giver = (Procrastinated(url, SECRET, works, QUICK) for url in (proxy.url, postgres_url))
    with at_work(worker):
        over(giver, giver.start("say", {"text": "a"}))
        proxy.refuse()
        time.sleep(away_s)
        number = giver.start("say", {"text": "b"})
        proxy.admit()
        assert over(giver, number)[1].job.state is State.DONE
    for runner in (worker, giver):
        runner.close()
    proxy.close()


async def test_a_worker_that_is_stopped_while_it_begins_ends_and_leaves_nothing(
    lasting: Procrastinated,
) -> None:
    lasting.jobs()  # the tables are there: what comes next is the worker's own connections
    others = asyncio.all_tasks()
    for later_s in (0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01):
        working = asyncio.create_task(lasting.work())
        while not any(task.get_name().startswith("pool-") for task in asyncio.all_tasks() - others):
            assert not working.done()
            await asyncio.sleep(0)
        await asyncio.sleep(later_s)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(working, WITHIN_S)
        assert asyncio.all_tasks() == others


def test_what_a_job_tells_is_not_in_clear(lasting: Procrastinated, postgres_url: str) -> None:
    with at_work(lasting):
        over(lasting, lasting.start("say", {"text": "i.e. 13800138000"}))
    with psycopg.connect(postgres_url) as connection:
        sealed = connection.execute("SELECT sealed FROM bulk.siyu_lines").fetchall()
    assert len(sealed) == 3
    assert not any(b"13800138000" in bytes(line) for (line,) in sealed)


def test_the_tables_are_made_once_however_many_come_at_the_same_time(postgres_url: str) -> None:
    runners = [Procrastinated(postgres_url, SECRET, works, QUICK) for _ in range(4)]
    found: list[int] = []
    threads = [threading.Thread(target=lambda r=r: found.append(len(r.jobs()))) for r in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
    for one in runners:
        one.close()
    assert found == [0, 0, 0, 0]


def test_tables_of_an_older_procrastinate_are_made_anew_once_nothing_waits(postgres_url: str) -> None:
    def opened() -> Procrastinated:
        return Procrastinated(postgres_url, SECRET, works, QUICK)

    before = opened()
    number = before.start("say", {"text": "a"})
    before.close()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("COMMENT ON SCHEMA bulk IS '00.00.01_01_older'")
    late = opened()
    with pytest.raises(StoreUnavailable, match="older Procrastinate"):
        late.jobs()
    with psycopg.connect(postgres_url, options=OPTIONS) as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = %s", (number,))
    assert late.jobs() == []
    late.close()


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    runner = Procrastinated("postgresql://siyu@127.0.0.1:9/none?connect_timeout=2", SECRET, works, QUICK)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        runner.start("say", {"text": "a"})
    runner.close()
