"""Changes that views write all the time: compiled once for a kind of store, and carried out by the driver (as questions are answered).

SQLAlchemy looks a statement up, names, checks and converts parameter by parameter and makes a result each time: several times what the
store does with it where a batch is a few events (docs/adr/0014-views-write-through-the-driver.md).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Delete, Dialect, Insert, Table, Update, bindparam, insert
from sqlalchemy.exc import DBAPIError

Values = tuple[Any, ...]
_Convert = Callable[[Any], Any]


class _Plan(NamedTuple):
    """A change for one kind of store. ``bound``: how values are converted, by number; ``given``: what the driver takes them as."""

    text: str
    bound: Sequence[tuple[int, _Convert]]
    given: Callable[[Values], Values | Mapping[str, Any]] | None


class Change:
    """A statement that writes, with its parameters left open (``bindparam``); threads may share it."""

    def __init__(self, statement: Insert | Update | Delete, parameters: Sequence[str]) -> None:
        """``parameters``: their names, in the order in which ``make`` gets the values."""
        self._statement, self._parameters = statement, tuple(parameters)
        self._plans: dict[str, _Plan] = {}

    def make(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Carry it out for each row: a value for each parameter.

        Raises DBAPIError, as the connection itself would; ValueError where a row has more or fewer values.
        """
        self.fill(connection, list(zip(*rows, strict=True)))

    def fill(self, connection: Connection, columns: Sequence[Sequence[Any]]) -> None:
        """As ``make``, with a column of values for each parameter, all as long."""
        if len(columns) != len(self._parameters):
            raise ValueError(
                f"rows have {len(columns)} values, and there are {len(self._parameters)} columns"
            )
        dialect = connection.dialect
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = self._planned(dialect)
        converted = _converted(plan, columns)
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(plan.text, converted)  # type: ignore[arg-type]  # any iterable will do for both drivers
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                plan.text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _planned(self, dialect: Dialect) -> _Plan:
        compiled = self._statement.compile(dialect=dialect)
        if set(compiled.binds) != set(self._parameters):
            raise TypeError(f"the parameters are {sorted(compiled.binds)}, not {sorted(self._parameters)}")
        types = [compiled.binds[name].type.dialect_impl(dialect) for name in self._parameters]
        bound = [(number, each.bind_processor(dialect)) for number, each in enumerate(types)]
        return _Plan(
            str(compiled),
            [(number, convert) for number, convert in bound if convert is not None],
            self._given(compiled.positiontup),
        )

    def _given(self, places: Sequence[str] | None) -> Callable[[Values], Values | Mapping[str, Any]] | None:
        names = self._parameters
        if places is None:  # a driver that takes them by name
            return lambda values: dict(zip(names, values, strict=True))
        if tuple(places) == names:
            return None
        return itemgetter(*map(names.index, places))


def _converted(plan: _Plan, columns: Sequence[Sequence[Any]]) -> Iterable[Values | Mapping[str, Any]]:
    """Column by column, since most columns are as the driver wants them."""
    given = list(columns)
    for number, convert in plan.bound:
        given[number] = [convert(value) for value in given[number]]
    converted = zip(*given, strict=True)
    return converted if plan.given is None else list(map(plan.given, converted))


class Addition:
    """New rows of a table. A column that is empty in all of them is not named.

    Python's driver of SQLite looks for an adapter each time it is given None: 0.4 µs of a processor, several times what it takes to write
    a short text, and most columns of a wide table are empty.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._optional = [number for number, column in enumerate(table.columns) if _may_be_left_out(column)]

    def make(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert them: at least one, each a value for each column. Raises as ``Change.make``."""
        columns = list(zip(*rows, strict=True))
        if len(columns) != len(self._table.columns):
            raise ValueError(
                f"rows have {len(columns)} values, and there are {len(self._table.columns)} columns"
            )
        empty = {n for n in self._optional if columns[n][0] is None and columns[n].count(None) == len(rows)}
        filled = tuple(number for number in range(len(columns)) if number not in empty)
        _insertion(self._table, filled).fill(connection, [columns[number] for number in filled])


def _may_be_left_out(column: Column[Any]) -> bool:
    """Whether the store itself says NULL where it is told nothing."""
    return column.default is None and column.server_default is None and not column.type.should_evaluate_none


@lru_cache(maxsize=1024)
def _insertion(table: Table, numbers: tuple[int, ...]) -> Change:
    """Return what inserts rows of these columns."""
    columns = [list(table.columns)[number] for number in numbers]
    names = [column.name for column in columns]
    return Change(insert(table).values({c.name: bindparam(c.name, type_=c.type) for c in columns}), names)
