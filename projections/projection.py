"""What a view is, and how it folds a batch of events into rows.

A view is a name, a version, tables and ``apply``. Whoever changes the tables or what ``apply`` makes of an event raises the version: the
tables are then dropped and computed again from the log.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, Update, bindparam, delete, insert, select, update

from domain.contacts.events import ContactBoundToOperator, ContactLinked, ContactSeen, ContactUnbound
from domain.customers.events import CustomerAbsorbed, CustomerForgotten, CustomerUnmerged
from domain.errors import SiyuError
from domain.groups.events import GroupSeen
from domain.message import Recorded

KEYS_PER_QUERY = 500
Row = dict[str, Any]


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


class Rows:
    """Rows of one table while a batch is applied: read at once, changed as plain dicts, written back together by ``save``.

    ``by``: the unique column they are known by, where it is not the primary key.
    """

    def __init__(
        self, connection: Connection, table: Table, keys: Iterable[Hashable], by: Column[Any] | None = None
    ) -> None:
        self._connection, self._table = connection, table
        self._by = by if by is not None else next(iter(table.primary_key))
        self._before: dict[Hashable, Row] = {}
        self._now: dict[Hashable, Row | None] = {}
        names = table.columns.keys()
        wanted = list(dict.fromkeys(keys))
        statement = _select(table, self._by)
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            for values in connection.execute(statement, {"keys": wanted[start : start + KEYS_PER_QUERY]}):
                row = dict(zip(names, values, strict=True))
                self._before[row[self._by.name]] = row
                self._now[row[self._by.name]] = row.copy()

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
        return row if row is not None else self.put({self._by.name: key})

    def put(self, values: Row) -> Row:
        """Add or replace a row; what is not given has its column's default."""
        row = {**_defaults(self._table), **values}
        self._now[row[self._by.name]] = row
        return row

    def discard(self, key: Hashable) -> None:
        """Let there be no such row."""
        self._now[key] = None

    def __iter__(self) -> Iterator[Row]:
        return (row for row in self._now.values() if row is not None)

    def save(self) -> None:
        """Write what changed: one statement for new rows, one for removed ones, one for each set of columns that changed together."""
        new: list[Row] = []
        gone: list[Row] = []
        changed: dict[tuple[str, ...], list[Row]] = {}
        for key, row in self._now.items():
            before = self._before.get(key)
            if before is None and row is not None:
                new.append(row)
            elif before is not None and row is None:
                gone.append(before)
            elif before is not None and row is not None and row != before:
                columns = tuple(name for name, value in row.items() if value != before[name])
                changed.setdefault(columns, []).append(row)
        if gone:
            self._connection.execute(
                delete(self._table).where(self._by.in_([row[self._by.name] for row in gone]))
            )
        if new:
            self._connection.execute(insert(self._table), new)
        for columns, rows in changed.items():
            primary_keys = [column.name for column in self._table.primary_key]
            parameters = [
                {f"set_{name}": row[name] for name in columns}
                | {f"key_{name}": row[name] for name in primary_keys}
                for row in rows
            ]
            self._connection.execute(_update(self._table, columns), parameters)


@lru_cache(maxsize=256)
def _defaults(table: Table) -> Row:
    return {column.name: None if column.default is None else column.default.arg for column in table.columns}  # type: ignore[attr-defined]  # scalar defaults only


@lru_cache(maxsize=256)
def _select(table: Table, by: Column[Any]) -> Select[Any]:
    return select(table).where(by.in_(bindparam("keys", expanding=True)))


@lru_cache(maxsize=1024)
def _update(table: Table, columns: tuple[str, ...]) -> Update:
    statement = update(table).values(
        {name: bindparam(f"set_{name}", type_=table.c[name].type) for name in columns}
    )
    for key in table.primary_key:
        statement = statement.where(key == bindparam(f"key_{key.name}", type_=key.type))
    return statement


PARTY_EVENTS: frozenset[type] = frozenset(
    {ContactSeen, GroupSeen, ContactLinked, ContactBoundToOperator, ContactUnbound}
)
"""What ``Parties`` listens to."""
RECORD_EVENTS: tuple[type, ...] = (CustomerAbsorbed, CustomerUnmerged)
"""And what else, where a view keeps things under customers: a record that was merged away is a party of whoever answers for it."""


class Parties:
    """A view's own rows of who is behind a contact or group id (``schema.parties_table``)."""

    def __init__(
        self, connection: Connection, table: Table, batch: Sequence[Recorded], also: Iterable[str] = ()
    ) -> None:
        """``also``: parties that are looked up beside those the batch introduces."""
        known: list[str] = []
        for recorded in batch:
            match recorded.event:
                case ContactBoundToOperator() | ContactUnbound() | ContactLinked() as event:
                    known.append(event.contact)
                case CustomerAbsorbed(parts=parts) | CustomerUnmerged(parts=parts):
                    known.extend(part.customer for part in parts)
                case _:
                    continue
        self._rows = Rows(connection, table, [*known, *also])

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
