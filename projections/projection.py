"""What a view is, and how it folds a batch of events into rows.

A view is a name, a version, tables and ``apply``. Whoever changes the tables or what ``apply`` makes of an event raises the version: the
tables are then dropped and computed again from the log.
"""

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Table, bindparam, delete, select, update

from domain.contacts.events import ContactBoundToOperator, ContactLinked, ContactSeen, ContactUnbound
from domain.customers.events import CustomerAbsorbed, CustomerForgotten, CustomerUnmerged
from domain.errors import SiyuError
from domain.groups.events import GroupSeen
from domain.message import Recorded
from projections.change import Addition, Change, Values
from projections.question import Question
from projections.schema import one_asked_for

KEYS_PER_QUERY = 500
Row = dict[str, Any]
E = TypeVar("E")


class MissingRow(SiyuError):
    """An event continues something whose beginning this view has not seen (it was parked)."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One view.

    ``apply`` gets events of the classes in ``listens_to``, in order of position, each once (again only if the transaction of the first
    time was rolled back). What it raises parks the event.

    ``forget`` removes a person: nothing that was said by them or about them may be left, and nothing that events after it may need. It is
    called when everything before the event is written, whatever of it was parked; then ``apply`` gets the event too. Views that know only
    codes and counts have none.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    listens_to: frozenset[type]
    apply: Callable[[Connection, Sequence[Recorded]], None]
    forget: "Callable[[Connection, CustomerForgotten], None] | None" = None


@dataclass(frozen=True, slots=True)
class _Way:
    """How rows of a table are read and written that are known by one of its columns, the one at ``at``."""

    names: tuple[str, ...]
    defaults: Row
    by: str
    at: int
    read: Question
    insert: Addition
    remove: Change


class Rows:
    """Rows of one table while a batch is applied: read at once, changed as plain dicts, written back together by ``save``.

    ``by``: the unique column they are known by, where it is not the primary key. ``only``: the columns that are looked at and changed of
    rows that are there already, in their order; all, where none is named.
    """

    def __init__(
        self,
        connection: Connection,
        table: Table,
        keys: Iterable[Hashable],
        by: Column[Any] | None = None,
        only: tuple[str, ...] = (),
    ) -> None:
        self._connection, self._table = connection, table
        self._way = _way(table, by, only)
        self._before: dict[Hashable, Values] = {}
        self._now: dict[Hashable, Row | None] = {}
        wanted = list(dict.fromkeys(keys))
        if wanted:
            names, at = self._way.names, self._way.at
            for values in self._way.read.ask(connection, keys=wanted):
                self._before[values[at]] = values
                self._now[values[at]] = dict(zip(names, values, strict=True))

    def get(self, key: Hashable) -> Row | None:
        """Return the row, None where there is none."""
        return self._now.get(key)

    def __getitem__(self, key: Hashable) -> Row:
        row = self._now.get(key)
        if row is None:
            raise MissingRow(f"{self._table.name} has no {key}")
        return row

    def open(self, key: Hashable) -> Row:
        """Return the row, made with the columns' defaults where there is none yet."""
        row = self._now.get(key)
        return row if row is not None else self.put({self._way.by: key})

    def put(self, values: Row) -> Row:
        """Add or replace a row; what is not given has its column's default."""
        row = {**self._way.defaults, **values}
        self._now[row[self._way.by]] = row
        return row

    def discard(self, key: Hashable) -> None:
        """Let there be no such row."""
        self._now[key] = None

    def __iter__(self) -> Iterator[Row]:
        return (row for row in self._now.values() if row is not None)

    def save(self) -> None:
        """Write what changed: one statement for new rows, one for removed ones, one for each set of columns that changed together."""
        names = self._way.names
        new: list[Values] = []
        gone: list[Hashable] = []
        changed: dict[tuple[str, ...], list[Row]] = {}
        for key, row in self._now.items():
            before = self._before.get(key)
            if row is None:
                if before is not None:
                    gone.append(key)
            elif before is None:
                new.append(tuple(row.values()))
            elif (now := tuple(row.values())) != before:  # in the order of the columns, both
                columns = tuple([name for name, a, b in zip(names, now, before, strict=True) if a != b])
                changed.setdefault(columns, []).append(row)
        if gone:
            self._way.remove.make(self._connection, [(gone,)])
        if new:
            self._way.insert.make(self._connection, new)
        for columns, rows in changed.items():
            change, values_of = _update(self._table, columns)
            change.make(self._connection, [values_of(row) for row in rows])


def of_kind(batch: Iterable[Recorded], kinds: Container[type[E]]) -> list[E]:
    """Return the events of these classes, in order.

    One look in a set for each event: ``isinstance`` would ask one class of a union after the other, and most events are of none.
    """
    return [recorded.event for recorded in batch if type(recorded.event) in kinds]  # type: ignore[misc]  # they are


def add(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows that nothing in the batch looks up again; what is not given has its column's default."""
    way = _way(table, None, ())
    new = [tuple({**way.defaults, **row}.values()) for row in rows]
    if new:
        way.insert.make(connection, new)


@lru_cache(maxsize=256)
def _way(table: Table, by: Column[Any] | None, only: tuple[str, ...]) -> _Way:
    column = by if by is not None else next(iter(table.primary_key))
    names = only or tuple(table.columns.keys())
    return _Way(
        names=names,
        defaults={each.name: None if each.default is None else each.default.arg for each in table.columns},  # type: ignore[attr-defined]  # scalar defaults only
        by=column.name,
        at=names.index(column.name),
        read=Question(select(*(table.c[name] for name in names)).where(one_asked_for(column, "keys"))),
        insert=Addition(table),
        remove=Change(delete(table).where(one_asked_for(column, "keys")), ("keys",)),
    )


@lru_cache(maxsize=1024)
def _update(table: Table, columns: tuple[str, ...]) -> tuple[Change, Callable[[Row], Values]]:
    """Return the change of these columns, and what takes its parameters out of a row."""
    keys = [column.name for column in table.primary_key]
    statement = update(table).values(
        {name: bindparam(f"set_{name}", type_=table.c[name].type) for name in columns}
    )
    for key in table.primary_key:
        statement = statement.where(key == bindparam(f"key_{key.name}", type_=key.type))
    parameters = [*(f"set_{name}" for name in columns), *(f"key_{name}" for name in keys)]
    return Change(statement, parameters), itemgetter(*columns, *keys)


PARTY_EVENTS: frozenset[type] = frozenset(
    {ContactSeen, GroupSeen, ContactLinked, ContactBoundToOperator, ContactUnbound}
)
"""What ``Parties`` listens to."""
RECORD_EVENTS: tuple[type, ...] = (CustomerAbsorbed, CustomerUnmerged)
"""And what else, where a view keeps things under customers: a record that was merged away is a party of whoever answers for it."""


_KNOWN_BEFORE = frozenset(
    {ContactLinked, ContactBoundToOperator, ContactUnbound, CustomerAbsorbed, CustomerUnmerged}
)


def _parties(event: object) -> Iterable[str]:
    """Return whose rows an event changes that introduces nobody."""
    match event:
        case ContactBoundToOperator() | ContactUnbound() | ContactLinked():
            return (event.contact,)
        case CustomerAbsorbed(parts=parts) | CustomerUnmerged(parts=parts):
            return [part.customer for part in parts]
        case _:
            return ()


class Parties:
    """A view's own rows of who is behind a contact or group id (``schema.parties_table``)."""

    def __init__(
        self, connection: Connection, table: Table, batch: Sequence[Recorded], also: Iterable[str] = ()
    ) -> None:
        """``also``: parties that are looked up beside those the batch introduces."""
        known: list[str] = [*also]
        for recorded in batch:
            if type(recorded.event) in _KNOWN_BEFORE:  # most are not
                known.extend(_parties(recorded.event))
        self._rows = Rows(connection, table, known)

    def note(self, event: object) -> None:
        """Take in one event; those that introduce nobody change nothing."""
        match event:
            case ContactSeen(contact=contact, channel=channel, account=account, customer=customer):
                self._rows.put(
                    {"party": contact, "channel": channel, "account": account, "customer": customer}
                )
            case GroupSeen(group=group, channel=channel, account=account):
                self._rows.put({"party": group, "channel": channel, "account": account})
            case ContactLinked(contact=contact, customer=customer):
                self._rows[contact]["customer"] = customer
            case (
                CustomerAbsorbed(customer=customer, parts=parts)
                | CustomerUnmerged(customer=customer, parts=parts)
            ):
                self._rows.discard(customer)
                for part in parts[1:]:
                    self._rows.put(
                        {"party": part.customer, "channel": "", "account": "", "customer": customer}
                    )
            case ContactBoundToOperator(contact=contact, operator=operator):
                self._rows[contact]["operator"] = operator
            case ContactUnbound(contact=contact):
                self._rows[contact]["operator"] = None
            case _:
                return

    def is_staff(self, contact: str) -> bool:
        """Whether a contact belongs to an operator."""
        row = self._rows.get(contact)
        return row is not None and row["operator"] is not None

    def place_of(self, party: str) -> tuple[str, str] | None:
        """Return (channel, account) of a party; None for one that was not looked up, or is unknown."""
        row = self._rows.get(party)
        return None if row is None else (row["channel"], row["account"])

    def save(self) -> None:
        """Write what changed."""
        self._rows.save()
