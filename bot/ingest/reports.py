"""Reports: what came of a file, row by row while it is read, and all of it at the end."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from bot.ingest.table import Row
from bot.texts import Told, told
from domain.errors import BadInput, Overloaded, Rejected, SiyuError, StoreUnavailable

AT_ONCE = 32
"""Rows that wait for the log together: a commit takes as many."""
PAGE = 512
TOLD_EVERY = 1_000
"""Rows between two lines about how far it is."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that was not taken, and why."""

    line: int
    why: SiyuError


@dataclass(slots=True)
class Tally:
    """What came of the rows so far. ``matched``: by what they were."""

    rows: int = 0
    new: int = 0
    known: int = 0
    wrong: int = 0
    unmatched: int = 0
    matched: Counter[str] = field(default_factory=Counter)


def taken(
    rows: Iterator[Row], take: Callable[[Row], R], alike: Callable[[Row], object]
) -> Iterator[tuple[Row, R | Wrong]]:
    """Have rows taken, several at once, and yield what came of each, in order; those that are ``alike`` one after the other.

    Raises StoreUnavailable, Overloaded: what was yielded until then is stored.
    """

    def one(group: Sequence[Row]) -> list[tuple[Row, R | Wrong]]:
        return [(row, _take(row, take)) for row in group]

    with ThreadPoolExecutor(AT_ONCE, "siyu-import") as pool:
        while page := list(islice(rows, PAGE)):
            keyed: dict[object, list[Row]] = {}
            for row in page:
                keyed.setdefault(alike(row), []).append(row)
            done = [pair for group in pool.map(one, keyed.values()) for pair in group]
            yield from sorted(done, key=lambda pair: pair[0].line)


def _take(row: Row, take: Callable[[Row], R]) -> R | Wrong:
    if row.problem is not None:
        return Wrong(row.line, row.problem)
    try:
        return take(row)
    except (StoreUnavailable, Overloaded):
        raise
    except (BadInput, Rejected) as error:
        return Wrong(row.line, error)


def how_far(tally: Tally, row: Row, total_bytes: int) -> Iterator[Told]:
    """Tell how far it is, now and then."""
    if tally.rows % TOLD_EVERY == 0:
        percent = 100 * row.at // max(1, total_bytes)
        yield told("{rows} rows, {percent} %", rows=tally.rows, percent=percent)


def wrong(row: Wrong) -> Told:
    """Say what is wrong with a row."""
    return told("line {line}: {why}", line=row.line, why=Told(row.why.text, row.why.values))


def by_what(tally: Tally) -> Iterable[Told]:
    """Tell by what rows were matched, most first."""
    for by, many in tally.matched.most_common():
        yield told("  by {what}: {many}", what=_said(by), many=many)


def _said(by: str) -> Told | str:
    said = {
        "customer": told("customer"),
        "contact": told("address"),
        "phone": told("phone number"),
        "unionid": told("unionid"),
        "number": told("order number said in the chat"),
    }
    return said.get(by, by)
