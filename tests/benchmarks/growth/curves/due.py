"""P6: the courier's question for what is due, of ever more pending messages."""

from collections.abc import Callable, Sequence
from pathlib import Path

from projections.due import due_deliveries
from projections.due.apply import due as view
from projections.engine import Views
from tests.benchmarks.figure import Bench
from tests.benchmarks.figures.pending import BOT, CLAIMED, NOON, REPEATED, write_due
from tests.benchmarks.growth.curve import FEW_SIZES, Curve, rounds_of

MADE_AS = 1
"""Raised when figures/pending.py makes them otherwise: what is cached is made again then."""


def _data(bench: Bench, pending: int, due: int) -> Path:
    folder = bench.folder / "due"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{pending}-{due}-v{view.version}-{MADE_AS}.db"
    if not file.exists():
        made = file.with_suffix(".part")
        made.unlink(missing_ok=True)
        write_due(made, pending, due)
        made.rename(file)
    return file


def _measuring(due: int | None) -> Callable[[Bench, int], Sequence[float]]:
    """``due``: how many of them are; None: all."""

    def measure(bench: Bench, pending: int) -> Sequence[float]:
        views = Views(_data(bench, pending, pending if due is None else due))

        def claim() -> None:
            with views.read() as connection:
                found = len(due_deliveries(connection, NOON, CLAIMED, [BOT]))
            if found != CLAIMED:
                raise RuntimeError(f"{found} are due instead of {CLAIMED}")

        try:
            return rounds_of(bench, claim, REPEATED)
        finally:
            views.close()

    return measure


CURVE = Curve(
    name="due",
    title="Find the 500 that are due (P6)",
    about="The courier's question for the next 500, where 500 are due and the others within the next weeks.",
    unit="ms a question",
    of="pending messages",
    measure=_measuring(CLAIMED),
    sizes=FEW_SIZES,
)
BACKLOG = Curve(
    name="backlog",
    title="Find the next 500 of a backlog (P6)",
    about="The same question where all of them are due, as when a large campaign has just been planned.",
    unit="ms a question",
    of="pending messages",
    measure=_measuring(None),
    sizes=FEW_SIZES,
)
