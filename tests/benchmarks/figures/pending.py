"""P6: finding what is due among a million pending messages."""

import contextlib
import pickle
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from domain.identity import Account, Channel
from projections.due import due_deliveries
from projections.due.tables import CAMPAIGNS, DUE, HOLDS, MARKETING, PAUSED
from projections.engine import Views
from tests.benchmarks.figure import Bench, Figure, Judged, Line, taking_turns

PENDING, JOBS, CLAIMED = 1_000_000, 100_000, 500
WRITTEN_AT_ONCE = 20_000
BOT = (Channel("telegram"), Account("1"))
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
REPEATED = 20
"""One of ours is too short for a clock that others share."""
_COLUMNS = "delivery, position, priority, phase, contact, customer, channel, account, topic, occasion, not_before, expires_at, attempt"


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def write_due(file: Path, pending: int, due: int) -> None:
    """Write a view of so many planned deliveries, of which so many are due at noon, the others within the next weeks."""
    views = Views(file)
    with views.write() as connection:
        views.make(connection, [DUE, PAUSED, CAMPAIGNS, HOLDS])
    views.close()
    statement = f"INSERT INTO due_deliveries ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"
    with contextlib.closing(sqlite3.connect(file)) as connection_:
        for start in range(0, pending, WRITTEN_AT_ONCE):
            some = range(start, min(start + WRITTEN_AT_ONCE, pending))
            connection_.executemany(statement, (_row(number, due) for number in some))
        connection_.commit()
        connection_.execute("ANALYZE")


def _row(number: int, due: int) -> tuple[object, ...]:
    late = timedelta(seconds=number % 3_600) if number < due else -timedelta(seconds=1 + number)
    at = NOON - late
    who = f"{number * 2_654_435_761 % 2**32:08x}"  # ids come in no order
    return (
        f"{who}{number:024x}", number + 1, MARKETING + 4, "planned", f"k{who}", f"c{who}", *BOT,
        "all", "broadcast", _us(at), _us(at + timedelta(days=30)), 0,
    )  # fmt: skip


def tick() -> None:
    """Do what a job does: nothing."""


def write_jobs(file: Path, jobs: int, due: int) -> None:
    """Write as many jobs into APScheduler's table, as it stores them itself."""
    store = SQLAlchemyJobStore(url=f"sqlite:///{file}")
    scheduler = BackgroundScheduler(timezone="UTC")
    store.start(scheduler, "default")
    state = Job(
        scheduler, id="job", func=tick, args=(), kwargs={}, trigger=scheduler._create_trigger("date", {}),  # noqa: SLF001  # as add_job does
        name="tick", misfire_grace_time=None, coalesce=True, max_instances=1, next_run_time=NOON, executor="default",
    ).__getstate__()  # fmt: skip
    with store.engine.begin() as connection:
        for start in range(0, jobs, WRITTEN_AT_ONCE):
            rows = []
            for number in range(start, min(start + WRITTEN_AT_ONCE, jobs)):
                late = number % 3_600 if number < due else -1 - number
                at = NOON - timedelta(seconds=late)
                made = pickle.dumps({**state, "id": f"job{number:08}", "next_run_time": at})
                rows.append({"id": f"job{number:08}", "next_run_time": at.timestamp(), "job_state": made})
            connection.execute(store.jobs_t.insert(), rows)
    store.shutdown()


def claim(views: Views, expected: int) -> float:
    """Return how many ms it takes to find the next 500."""
    begin = time.perf_counter()
    for _ in range(REPEATED):
        with views.read() as connection:
            found = due_deliveries(connection, NOON, CLAIMED, [BOT])
        if len(found) != expected:
            raise RuntimeError(f"{len(found)} are due instead of {expected}")
    return (time.perf_counter() - begin) * 1000 / REPEATED


def ask_apscheduler(store: SQLAlchemyJobStore, expected: int) -> float:
    """Return how many ms it takes APScheduler to find what is due: it knows no limit."""
    begin = time.perf_counter()
    found = len(store.get_due_jobs(NOON))
    if found != expected:
        raise RuntimeError(f"APScheduler finds {found} instead of {expected}")
    return (time.perf_counter() - begin) * 1000


@contextlib.contextmanager
def _both(folder: Path, pending: int, jobs: int, due: int | None) -> Iterator[dict[str, Callable[[], float]]]:
    """Give what asks each of them. ``due``: None where everything is."""
    name = "all" if due is None else str(due)
    write_due(folder / f"{name}.db", pending, pending if due is None else due)
    write_jobs(folder / f"jobs-{name}.db", jobs, jobs if due is None else due)
    views = Views(folder / f"{name}.db")
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder / f'jobs-{name}.db'}")
    store.start(BackgroundScheduler(timezone="UTC"), "default")
    found = jobs if due is None else due
    yield {
        "Siyu": partial(claim, views, min(CLAIMED, found)),
        "APScheduler": partial(ask_apscheduler, store, found),
    }
    store.shutdown()
    views.close()


def _measure(bench: Bench) -> Sequence[Line]:
    pending, jobs = bench.count(PENDING), bench.count(JOBS)
    lines = []
    for due, measure, floor, goal in (
        (None, f"P6 find 500 of {pending:,} that are all due", 50.0, 200.0),
        (CLAIMED, f"P6 find the 500 due of {pending:,}", None, None),
    ):
        with tempfile.TemporaryDirectory() as folder, _both(Path(folder), pending, jobs, due) as turns:
            found = taking_turns(bench.rounds, turns)
        among = f"APScheduler's SQLAlchemyJobStore, {'all' if due is None else due} of {jobs:,}"
        lines.append(
            Line(
                measure=measure,
                unit="ms",
                ours=found["Siyu"],
                peer=among,
                theirs=found["APScheduler"],
                judged=Judged.FASTER,
                floor=floor,
                goal=goal,
            )
        )
    return lines


FIGURE = Figure(
    name="pending",
    title="P6 What is due, of a million",
    about=(
        "The courier's question for the next 500, in their order and with their fields, beside APScheduler's get_due_jobs() with a tenth as"
        " many jobs: once where all of them are due (a backlog; APScheduler loads them all), once where 500 are."
    ),
    measure=_measure,
)
