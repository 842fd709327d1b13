"""Questions about customers, of whom there are ever more."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert

from domain.identity import Tag
from projections.engine import Views
from projections.people.contacts import CONTACTS, contacts
from projections.people.customers import CONSENTS, CUSTOMERS, customers, listed
from projections.people.find import find
from projections.people.identifiers import IDENTIFIERS
from projections.tags import PARTIES, TAGS, holders
from tests.benchmarks.figure import Bench
from tests.benchmarks.growth.curve import FEW_SIZES, Curve, rounds_of

MADE_AS = 2
"""Raised when the rows below are made otherwise: what is cached is made again then."""
WRITTEN_AT_ONCE = 5_000
REPEATED = 20
TAGGED_EVERY = 100
SINCE = datetime(2026, 11, 20, 4, tzinfo=UTC)
VIP = Tag("vip")
PAGE = 50


def _data(bench: Bench, people: int) -> Path:
    folder = bench.folder / "people"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{people}-v{customers.version}.{contacts.version}-{MADE_AS}.db"
    if not file.exists():
        made = file.with_suffix(".part")
        made.unlink(missing_ok=True)
        views = Views(made)
        with views.write() as connection:
            views.make(connection, [CUSTOMERS, CONSENTS, CONTACTS, IDENTIFIERS, TAGS, PARTIES])
            for start in range(0, people, WRITTEN_AT_ONCE):
                _write(connection, range(start, min(start + WRITTEN_AT_ONCE, people)))
        views.close()
        made.rename(file)
    return file


def _write(connection: Connection, some: range) -> None:
    connection.execute(
        insert(CUSTOMERS), [{"customer": f"c{n:08}", "number": n + 1, "created_at": SINCE} for n in some]
    )
    connection.execute(
        insert(CONTACTS),
        [
            {
                "contact": f"k{n:08}", "customer": f"c{n:08}", "channel": "telegram", "account": "1", "external_id": str(n),
                "name": f"小王{n}号", "name_key": f"小王{n}号", "private": True, "last_in": SINCE,
            }
            for n in some
        ],
    )  # fmt: skip
    tagged = [n for n in some if n % TAGGED_EVERY == 0]
    held = {"tag": VIP, "rule": "", "effective_from": SINCE, "cause": "customer@1"}
    connection.execute(insert(TAGS), [{"subject": f"c{n:08}", "known_from": n + 1} | held for n in tagged])


def _asking(
    question: Callable[[Connection, int], int], expected: int, times: int
) -> Callable[..., Sequence[float]]:
    """Return what measures a question that says how many it found. It is told how many people there are."""

    def measure(bench: Bench, people: int) -> Sequence[float]:
        views = Views(_data(bench, people))

        def ask() -> None:
            with views.read() as connection:
                found = question(connection, people)
            if found != expected:
                raise RuntimeError(f"{found} were found instead of {expected}")

        try:
            return rounds_of(bench, ask, times)
        finally:
            views.close()

    return measure


def _listed(connection: Connection, people: int) -> int:
    return len(listed(connection, after=people // 2, limit=PAGE))


def _tagged(connection: Connection, people: int) -> int:
    """Ask for a page from the middle, as somebody does who leafs through all of them."""
    return len(listed(connection, among=holders(VIP), after=people // 2, limit=PAGE))


def _called(connection: Connection, people: int) -> int:
    return len(find(connection, f"小王{people // 2}号"))


def _called_in_part(connection: Connection, people: int) -> int:
    return len(find(connection, f"王{people - 1}号"))


LISTED = Curve(
    name="listed",
    title="A page of all customers",
    about="Fifty customers with their contacts, by number, from the middle of the list.",
    unit="ms a page",
    of="customers",
    measure=_asking(_listed, PAGE, REPEATED),
    sizes=FEW_SIZES,
)
TAGGED = Curve(
    name="tagged",
    title="A page of a tag's customers",
    about="Fifty customers with a tag that one in a hundred has, from the middle of the list.",
    unit="ms a page",
    of="customers",
    measure=_asking(_tagged, PAGE, REPEATED),
    sizes=FEW_SIZES,
)
NAMED = Curve(
    name="named",
    title="A customer by name",
    about="Whoever is called so, by the whole name.",
    unit="ms a question",
    of="customers",
    measure=_asking(_called, 1, REPEATED),
    sizes=FEW_SIZES,
)
NAMED_IN_PART = Curve(
    name="named-in-part",
    title="A customer by a part of the name",
    about="A part from the middle of a name that one has: every name is looked at, as no index knows the middle of a word.",
    unit="ms a question",
    of="customers",
    measure=_asking(_called_in_part, 1, 1),
    sizes=FEW_SIZES,
    expected=1.0,
)
