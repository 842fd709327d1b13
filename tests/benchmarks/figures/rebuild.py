"""P5: computing all views again, beside writing the same rows by hand."""

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.bootstrap import open_house
from bot.house import House
from bot.settings import Settings
from projections.engine.projector import BATCH
from projections.engine.store import PRAGMAS
from tests.benchmarks import sides
from tests.benchmarks.console import do
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Line, Lost, taking_turns
from tests.benchmarks.figures.full_loop import Loop

QUESTIONS, IN_ROUNDS = 8_000, 16
"""Each round is answered before the next: how far apart a question and its answer lie in the log depends not on how quick the intake is."""
_TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL"
_INDEXES = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
_EVENTS = "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT ?"
_SHADOWS = ("_data", "_idx", "_content", "_docsize", "_config")
"""What belongs to a full-text table, and is written with it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """All that a store of views holds: how its tables are made, and their rows."""

    statements: list[str]
    rows: dict[str, list[tuple[object, ...]]]

    @classmethod
    def of(cls, file: Path) -> "Copied":
        """Read it all."""
        with contextlib.closing(sqlite3.connect(file)) as connection:
            tables = dict(connection.execute(_TABLES).fetchall())
            full_text = [name for name, sql in tables.items() if sql.startswith("CREATE VIRTUAL")]
            shadows = {name + end for name in full_text for end in _SHADOWS}
            kept = [name for name in tables if name not in shadows]
            indexes = [sql for (sql,) in connection.execute(_INDEXES)]
            rows = {
                name: connection.execute(
                    f"SELECT {'rowid, *' if name in full_text else '*'} FROM {name}"
                ).fetchall()
                for name in kept
            }
        return cls([tables[name] for name in kept] + indexes, rows)


def by_hand(log: Path, copied: Copied) -> float:
    """Read the log in batches as the projector does, and write the rows that came of it, a transaction a batch. Returns events a second.

    Nothing is decrypted, decoded, looked up or changed twice: no projector could be as quick.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        views = stack.enter_context(contextlib.closing(sqlite3.connect(Path(folder) / "views.db")))
        views.isolation_level = None
        for statement in (*PRAGMAS, *copied.statements):
            views.execute(statement)
        events = stack.enter_context(contextlib.closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)))
        (total,) = events.execute("SELECT COUNT(*) FROM stored_events").fetchone()
        inserts = {name: _insert(name, rows) for name, rows in copied.rows.items() if rows}
        begin, position, done = time.perf_counter(), 0, 0
        while batch := events.execute(_EVENTS, (position, BATCH)).fetchall():
            position = batch[-1][0]
            views.execute("BEGIN IMMEDIATE")
            for name, statement in inserts.items():
                views.executemany(statement, _share(copied.rows[name], done, done + len(batch), total))
            views.execute("COMMIT")
            done += len(batch)
        seconds = time.perf_counter() - begin
        for name, rows in copied.rows.items():
            (written,) = views.execute(f"SELECT COUNT(*) FROM {name}").fetchone()
            if written != len(rows):
                raise Lost(f"{len(rows) - written} rows of {name}: by hand they were not written")
        return float(done / seconds)


def _insert(name: str, rows: Sequence[tuple[object, ...]]) -> str:
    places = ", ".join("?" * len(rows[0]))
    columns = " (rowid, words)" if name == "timeline_words" else ""
    return f"INSERT INTO {name}{columns} VALUES ({places})"


def _share(rows: list[tuple[object, ...]], start: int, end: int, total: int) -> list[tuple[object, ...]]:
    return rows[len(rows) * start // total : len(rows) * end // total]


def rebuilt(house: House) -> float:
    """Compute all views again. Returns events a second."""
    begin = time.perf_counter()
    house.projector.rebuild()
    return float(house.log.head() / (time.perf_counter() - begin))


@contextlib.contextmanager
def installation(bench: Bench) -> Iterator[Path]:
    """Give the data folder of a Siyu that was asked many questions, and answered them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with Driver() as driver, sides.siyu(driver, data) as siyu:
            do(data, "/rule add contains 还有货吗 => 有的")
            loop = Loop(driver)
            for _ in range(IN_ROUNDS):
                loop.round(siyu, bench.count(QUESTIONS // IN_ROUNDS))
        if loop.lost[siyu.name]:
            raise Lost(f"{loop.lost[siyu.name]} questions")
        yield data


def _measure(bench: Bench) -> Sequence[Line]:
    with installation(bench) as data:
        house = open_house(Settings(data=data, starter_rules=False), {})
        try:
            rebuilt(house)
            copied = Copied.of(data / "views.db")
            turns: dict[str, Callable[[], float]] = {
                "Siyu": partial(rebuilt, house),
                "by hand": partial(by_hand, data / "log.db", copied),
            }
            found = taking_turns(bench.rounds, turns)
            events = house.log.head()
        finally:
            house.close()
    rows = sum(map(len, copied.rows.values()))
    return [
        Line(
            measure="P5 rebuild of all views",
            unit="events/s",
            ours=found["Siyu"],
            peer="raw SQL writing the same rows",
            theirs=found["by hand"],
            floor=0.3,
            goal=0.6,
            note=f"rebuild: {events:,} events, {rows:,} rows in {sum(map(bool, copied.rows.values()))} tables",
        )
    ]


FIGURE = Figure(
    name="rebuild",
    title="P5 Rebuild of all views",
    about=(
        "The log of a Siyu that answered thousands of questions by rule, 500 at a time. Beside computing every view from it, the rows that"
        " this leaves are written by plain sqlite3 to the same tables with the same indexes and pragmas, in as many transactions, reading"
        " the same events without decrypting or decoding them."
    ),
    measure=_measure,
)
