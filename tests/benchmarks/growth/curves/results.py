"""The results of a campaign to ever more people."""

import contextlib
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.campaigns.results import gather
from domain.identity import BroadcastId
from projections.campaigns import Figure, campaign_results
from projections.engine import Views
from tests.benchmarks.figure import Bench
from tests.benchmarks.growth.curve import FEW_SIZES, Curve, rounds_of

MADE_AS = 2
"""Raised when the rows below are made otherwise: what is cached is made again then."""
WRITTEN_AT_ONCE = 20_000
SUMMER = BroadcastId("summer")
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
READ_EVERY, ANSWERED_EVERY, LEFT_OUT_EVERY = 3, 40, 50
_COLUMNS = "delivery, position, campaign, run, contact, customer, channel, topic, status, planned_at, at, reason, rule, read_at, replied_at"


def _data(bench: Bench, people: int) -> Path:
    folder = bench.folder / "results"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{people}-v{campaign_results.version}-{MADE_AS}.db"
    if not file.exists():
        made = file.with_suffix(".part")
        made.unlink(missing_ok=True)
        _write(made, people)
        made.rename(file)
    return file


def _write(file: Path, people: int) -> None:
    views = Views(file)
    with views.write() as connection:
        views.make(connection, campaign_results.tables)
    views.close()
    statement = f"INSERT INTO campaign_recipients ({_COLUMNS}) VALUES ({', '.join('?' * 15)})"
    with contextlib.closing(sqlite3.connect(file)) as connection_:
        for start in range(0, people, WRITTEN_AT_ONCE):
            some = range(start, min(start + WRITTEN_AT_ONCE, people))
            connection_.executemany(statement, map(_row, some))
        connection_.commit()


def _row(number: int) -> tuple[object, ...]:
    who = f"{number * 2_654_435_761 % 2**32:08x}"  # ids come in no order
    at = NOON_US + number * 33_333
    out = number % LEFT_OUT_EVERY == 0
    return (
        f"{who}{number:024x}", number + 1, SUMMER, SUMMER, f"k{who}", f"c{who}", "telegram", "all",
        "left-out" if out else "sent", NOON_US, at, "quiet" if out else None, "consent" if out else None,
        at if number % READ_EVERY == 0 else None, at if number % ANSWERED_EVERY == 1 else None,
    )  # fmt: skip


def _measure(bench: Bench, people: int) -> Sequence[float]:
    views = Views(_data(bench, people))

    def results() -> None:
        with views.read() as connection:
            found = gather(connection, SUMMER, now=NOON).figures[Figure.PLANNED]
        if found != people:
            raise RuntimeError(f"{found} recipients instead of {people}")

    try:
        return rounds_of(bench, results, 1)
    finally:
        views.close()


CURVE = Curve(
    name="results",
    title="Results of a campaign",
    about="All its figures, counted anew from a row for each recipient, so that each of them opens its list.",
    unit="ms in all",
    of="recipients",
    measure=_measure,
    sizes=FEW_SIZES,
    expected=1.0,
)
