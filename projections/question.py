"""Questions that are asked all the time: compiled once for a kind of store, and answered in plain tuples.

SQLAlchemy takes 40 µs of a processor for a statement that it knows, and four times that for one that is built anew; SQLite answers most of
ours in five (docs/adr/0015-questions-are-compiled-once.md). This is the only place where a driver is asked without it.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from projections.schema import Utc, moments

Values = tuple[Any, ...]
"""Of a row, or of a column."""
_Convert = Callable[[Any], Any]


class _Plan(NamedTuple):
    """A question for one kind of store.

    ``open``: the parameters it is asked with. ``fixed``: values that it brings along. ``names``: of all in their order, None for a driver
    that takes them by name. ``bound``, ``found``: how values are converted on their way in, by name, columns on their way out, by number.
    """

    text: str
    open: AbstractSet[str]
    fixed: Mapping[str, Any]
    names: Sequence[str] | None
    bound: Mapping[str, _Convert]
    found: Sequence[tuple[int, _Convert]]

    def parameters(self, asked: Mapping[str, Any]) -> Mapping[str, Any] | Sequence[Any]:
        if asked.keys() != self.open:
            raise TypeError(f"it is asked with {sorted(self.open)}, not with {sorted(asked)}")
        values = {**self.fixed, **asked}
        for name, convert in self.bound.items():
            values[name] = convert(values[name])
        return values if self.names is None else [values[name] for name in self.names]


class Question:
    """A statement with its parameters left open (``bindparam``), none of them ``expanding``; threads may share it."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any]) -> None:
        self._statement = statement
        self._plans: dict[str, _Plan] = {}

    def ask(self, connection: Connection, **asked: object) -> list[Values]:
        """Return all rows. ``asked``: a value for each parameter. Raises DBAPIError, as the connection itself would."""
        rows = self.stored(connection, **asked)
        if not rows or not self._plan(connection.dialect).found:
            return rows
        return list(zip(*self.columns(connection, rows), strict=True))

    def stored(self, connection: Connection, **asked: object) -> list[Values]:
        """As ``ask``, with the values as they are stored."""
        dialect = connection.dialect
        plan = self._plan(dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(plan.text, plan.parameters(asked))
            return list(cursor.fetchall())
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                plan.text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def columns(self, connection: Connection, rows: Sequence[Values]) -> list[Sequence[Any]]:
        """Return the columns of what is ``stored``, their values as ``ask`` has them; ``rows``: at least one."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for number, convert in self._plan(connection.dialect).found:
            if columns[number].count(None) < len(rows):  # many columns of a timeline are empty
                columns[number] = convert(columns[number])
        return columns

    def _plan(self, dialect: Dialect) -> _Plan:
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = self._planned(dialect)
        return plan

    def _planned(self, dialect: Dialect) -> _Plan:
        compiled = self._statement.compile(dialect=dialect)
        state = compiled.construct_expanded_state(compiled.params)  # spells out what is ``literal_execute``
        types = {name: each.type for name, each in compiled.binds.items() if name in state.parameters}
        bound = {name: each.dialect_impl(dialect).bind_processor(dialect) for name, each in types.items()}
        found = [_convert(column.type, dialect) for column in self._statement.selected_columns]
        open_ = {name for name in state.parameters if compiled.binds[name].required}
        return _Plan(
            state.statement,
            open_,
            {name: value for name, value in state.parameters.items() if name not in open_},
            state.positiontup,
            {name: convert for name, convert in bound.items() if convert is not None},
            [(number, convert) for number, convert in enumerate(found) if convert is not None],
        )


def _convert(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    """Return what converts a column of this type, None where the driver's values are as they should be."""
    if isinstance(type_, Utc) and dialect.name != "postgresql":
        return moments
    convert = type_.dialect_impl(dialect).result_processor(dialect, None)
    return None if convert is None else lambda column: list(map(convert, column))
