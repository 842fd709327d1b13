"""P9: the first page of a long conversation."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from domain.identity import CustomerId
from projections.engine import Views
from projections.timeline.apply import timeline
from projections.timeline.queries import of_customer
from tests.benchmarks.figure import Bench, Figure, Judged, Line, taking_turns

ROWS, MANY_ROWS, OF_ONE, PAGE = 1_000_000, 10_000_000, 10_000, 50
MADE_AS = 1
"""Raised when the rows below are made otherwise: what is cached is made again then."""
REPEATED = 100
WRITTEN_AT_ONCE = 50_000
FIRST_US = 1_795_000_000_000_000
_COLUMNS = "position, part, place, kind, at, event, actor, contact, text, value, provider_message, forwarded"
_CONTACT = "SELECT party FROM timeline_parties WHERE customer = ?"
_PAGE = """
    SELECT t.position, t.place, t.kind, t.at, t.event, t.actor, t.contact, t.customer, t.group_id, t.text, t.rendered, t.value,
           t.provider_message, t.forwarded, t.delivery, t.occasion, t.choices, t.media, t.states, b.text, p.channel
    FROM timeline t
    LEFT JOIN timeline_broadcasts b ON b.broadcast = t.broadcast
    LEFT JOIN timeline_parties p ON p.party = t.contact
    WHERE t.contact = ? ORDER BY t.place DESC LIMIT ?
"""


def data(bench: Bench, rows: int) -> Path:
    """Return a file with a timeline of so many rows, each customer with 10,000 of them; made once, and kept."""
    folder = bench.folder / "timelines"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{rows}-v{timeline.version}-{MADE_AS}.db"
    if not file.exists():
        made = file.with_suffix(".part")
        made.unlink(missing_ok=True)
        _write(made, rows)
        made.rename(file)
    return file


def _write(file: Path, rows: int) -> None:
    views = Views(file)
    with views.write() as connection:
        views.make(connection, timeline.tables)
    views.close()
    people = max(1, rows // OF_ONE)
    with contextlib.closing(sqlite3.connect(file)) as connection_:
        connection_.execute("PRAGMA journal_mode = DELETE")
        parties = ((f"k{n:08}", "telegram", "1", f"c{n:08}") for n in range(people))
        connection_.executemany(
            "INSERT INTO timeline_parties (party, channel, account, customer) VALUES (?, ?, ?, ?)", parties
        )
        statement = f"INSERT INTO timeline ({_COLUMNS}) VALUES ({', '.join('?' * 12)})"
        for start in range(0, rows, WRITTEN_AT_ONCE):
            some = range(start, min(start + WRITTEN_AT_ONCE, rows))
            connection_.executemany(statement, (_row(number, people) for number in some))
        connection_.commit()
        connection_.execute("ANALYZE")


def _row(number: int, people: int) -> tuple[object, ...]:
    at = number + 1
    said = f"请问这个还有货吗？ order {number}"
    who = f"k{number % people:08}"
    return (
        at, 0, at, "message", FIRST_US + at * 1_000_000, f"inbound-{at:032x}:1", "customer", who, said,
        "text", str(at), 0,
    )  # fmt: skip


def ours(views: Views, customer: CustomerId) -> float:
    """Return how many ms a page takes."""
    begin = time.perf_counter()
    for _ in range(REPEATED):
        with views.read() as connection:
            _whole(len(of_customer(connection, customer)))
    return (time.perf_counter() - begin) * 1000 / REPEATED


def by_hand(connection: sqlite3.Connection, customer: str) -> float:
    """Return how many ms the same takes by hand: whose contact it is, and the page, as rows."""
    begin = time.perf_counter()
    for _ in range(REPEATED):
        (contact,) = connection.execute(_CONTACT, (customer,)).fetchone()
        _whole(len(connection.execute(_PAGE, (contact, PAGE)).fetchall()))
    return (time.perf_counter() - begin) * 1000 / REPEATED


def _whole(entries: int) -> None:
    if entries != PAGE:
        raise RuntimeError(f"a page has {entries} entries")


def _measuring(rows: int) -> Callable[[Bench], Sequence[Line]]:
    def measure(bench: Bench) -> Sequence[Line]:
        total = bench.count(rows)
        file = data(bench, total)
        customer = f"c{max(1, total // OF_ONE) // 2:08}"
        views = Views(file)
        with contextlib.closing(sqlite3.connect(file)) as connection:
            turns: dict[str, Callable[[], float]] = {
                "Siyu": partial(ours, views, CustomerId(customer)),
                "by hand": partial(by_hand, connection, customer),
            }
            for warm in turns.values():
                warm()
            found = taking_turns(bench.rounds, turns)
        views.close()
        return [
            Line(
                measure=f"P9 first page of 10,000 entries, {total:,} in all",
                unit="ms",
                ours=found["Siyu"],
                peer="the SQL by hand",
                theirs=found["by hand"],
                judged=Judged.COST,
                floor=2.0,
                goal=1.2,
            )
        ]

    return measure


ABOUT = (
    "The newest 50 entries of a customer with 10,000: Siyu's question, whatever a customer may be (linked contacts, merged records, edits,"
    " files, broadcasts), read into entries; beside it two statements in sqlite3 for a customer known to have one contact, read as rows."
)
FIGURE = Figure("page", "P9 First page of a timeline", ABOUT, _measuring(ROWS))
LARGE = Figure(
    "page-large", "P9 First page of a timeline, of ten million", ABOUT, _measuring(MANY_ROWS), large=True
)
