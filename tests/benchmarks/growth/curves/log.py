"""A log that grows: what appending to it, computing its views and starting on it cost."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.bootstrap import open_house
from bot.house import House, done
from bot.settings import Settings
from tests.benchmarks import sides
from tests.benchmarks.figure import Bench
from tests.benchmarks.figures.start import API, AT_ONCE, data, message_of
from tests.benchmarks.growth.curve import FEW_SIZES, Curve
from tests.benchmarks.machine import at_rest, cpu_s, free_port, python, ready

APPENDED = 4_000
"""Messages a round."""


@contextlib.contextmanager
def copied(bench: Bench, events: int, but: str = "siyu.sock") -> Iterator[Path]:
    """Give a data folder with so many events that may be changed: what is cached stays as it is. ``but``: what is left out of it."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        made = Path(folder) / "data"
        shutil.copytree(data(bench, events), made, ignore=shutil.ignore_patterns("siyu.sock", but))
        yield made


@contextlib.contextmanager
def _opened(bench: Bench, events: int) -> Iterator[House]:
    with copied(bench, events, but="views.db*") as folder:
        house = open_house(Settings(data=folder, starter_rules=False), {})
        try:
            yield house
        finally:
            house.close()


def _append(bench: Bench, events: int) -> Sequence[float]:
    with _opened(bench, events) as house:
        first = house.log.head()

        async def some(start: int) -> None:
            for result in await asyncio.gather(
                *(house.submit(message_of(start + n)) for n in range(AT_ONCE))
            ):
                done(result)

        async def rounds() -> list[float]:
            await some(first)  # who they are is looked up once
            found, at = [], first + AT_ONCE
            for _ in range(bench.rounds):
                begin = time.process_time()
                for start in range(at, at + APPENDED, AT_ONCE):
                    await some(start)
                found.append((time.process_time() - begin) * 1000 / APPENDED)
                at += APPENDED
            return found

        return asyncio.run(rounds())


def _rebuild(bench: Bench, events: int) -> Sequence[float]:
    """One round: it lasts minutes, and the work is the same for each event."""
    with _opened(bench, events) as house:
        begin = time.process_time()
        house.projector.rebuild()
        return [(time.process_time() - begin) * 1000 / house.log.head()]


def _start(bench: Bench, events: int) -> Sequence[float]:
    with copied(bench, events) as folder:
        return [_started_s(folder) for _ in range(bench.rounds)]


def _started_s(folder: Path) -> float:
    port = free_port()
    environment = sides.settings(folder, API, port)
    environment = {k: v for k, v in environment.items() if not k.startswith("SIYU_TELEGRAM__")}
    with python("-m", "bot", "run", "--port", str(port), env=environment) as siyu:
        ready(port, siyu)
        used_s = cpu_s(siyu.pid)
        at_rest(siyu.pid)
        return used_s


APPEND = Curve(
    name="append",
    title="Take in a message",
    about=(
        "Messages of 2,000 known people, decided and made durable 200 at once, into a log that holds so many events already; views and"
        " answers apart."
    ),
    unit="ms a message",
    of="events in the log",
    measure=_append,
    sizes=FEW_SIZES,
)
REBUILD = Curve(
    name="rebuild",
    title="Rebuild of all views (P5)",
    about="Every view computed again from a log of so many events, messages of 2,000 people; one round.",
    unit="ms an event",
    of="events in the log",
    measure=_rebuild,
    sizes=FEW_SIZES,
)
START = Curve(
    name="start",
    title="Start (P10)",
    about="From the command to the first answer of /readyz, imports included (they are most of it).",
    unit="s",
    of="events in the log",
    measure=_start,
    sizes=FEW_SIZES,
)
