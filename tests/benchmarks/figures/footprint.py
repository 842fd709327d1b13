"""P10: memory while nothing happens, and bytes a message and a delivery in log.db."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.console import do
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Judged, Line, Lost, taking_turns
from tests.benchmarks.figures.intake import Intake
from tests.benchmarks.handover import ANY_TIME
from tests.benchmarks.load.requests import CHATS
from tests.benchmarks.machine import at_rest, free_port, python, ready, rss_mb
from tests.benchmarks.sides import ACCEPTED, Side

MESSAGES = 10_000


def _idle_mb(driver: Driver, *, telegram: bool) -> float:
    """Start an empty Siyu, and return what it holds once it came to rest, in MB."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = sides.settings(Path(folder) / "data", driver.base, port)
        if not telegram:
            environment = {k: v for k, v in environment.items() if not k.startswith("SIYU_TELEGRAM__")}
        with python("-m", "bot", "run", "--port", str(port), env=environment) as siyu:
            ready(port, siyu)
            at_rest(siyu.pid)
            return rss_mb(siyu.pid)


def _log_bytes(data: Path) -> int:
    """Return how large log.db is, what waits in its write-ahead log taken in."""
    with contextlib.closing(sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def _bytes_each(driver: Driver, messages: int) -> tuple[float, float]:
    """Return the bytes of a message of somebody known, and of a delivery of a broadcast from plan to outcome."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with sides.siyu(driver, data, ANY_TIME) as siyu:
            intake = Intake(driver)
            intake.warm_up(siyu)
            before = _log_bytes(data)
            intake.round(siyu, messages)
            written = _log_bytes(data)
            do(data, "/broadcast all Summer is here")
            accepted = Side(siyu.name, siyu.pid, 0, "", stored=sides.events_of(data, ACCEPTED))
            missing = accepted.missing(CHATS) + intake.lost[siyu.name]
            if missing:
                raise Lost(f"{missing} messages")
            siyu.rest()
            return (written - before) / messages, (_log_bytes(data) - written) / CHATS


def _measure(bench: Bench) -> Sequence[Line]:
    with Driver() as driver:
        idle = taking_turns(
            bench.rounds,
            {
                "without": lambda: _idle_mb(driver, telegram=False),
                "with": lambda: _idle_mb(driver, telegram=True),
            },
        )
        message, delivery = _bytes_each(driver, bench.count(MESSAGES))
    at_most = Judged.AT_MOST
    return [
        Line(
            measure="P10 idle memory without Telegram",
            unit="MB",
            ours=idle["without"],
            judged=at_most,
            floor=180.0,
            goal=130.0,
        ),
        Line(
            measure="P10 idle memory with Telegram",
            unit="MB",
            ours=idle["with"],
            judged=at_most,
            floor=300.0,
            goal=250.0,
        ),
        Line(
            measure="P10 bytes a message in log.db",
            unit="B",
            ours=(message,),
            judged=at_most,
            floor=500.0,
            goal=300.0,
        ),
        Line(
            measure="P10 bytes a delivery in log.db",
            unit="B",
            ours=(delivery,),
            judged=at_most,
            floor=900.0,
            goal=600.0,
        ),
    ]


FIGURE = Figure(
    name="footprint",
    title="P10 Memory and bytes",
    about=(
        "Resident memory of a fresh Siyu that came to rest. Bytes: what log.db grows by (all pages, indexes and the provider's raw payload"
        " included) for 10,000 messages of known contacts, and for a broadcast to 2,000 from the plan to its outcomes; sizes do not vary:"
        " one round."
    ),
    measure=_measure,
)
