"""Changes that views write all the time: compiled once for a kind of store, and carried out by the driver (as questions are answered).

SQLAlchemy looks a statement up, names, checks and converts parameter by parameter and makes a result each time: several times what the
store does with it where a batch is a few events (docs/adr/0014-views-write-through-the-driver.md).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Delete, Dialect, Insert, Update
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
        dialect = connection.dialect
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = self._planned(dialect)
        converted = self._converted(plan, rows)
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(plan.text, converted)  # type: ignore[arg-type]  # any iterable will do for both drivers
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                plan.text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _converted(self, plan: _Plan, rows: Sequence[Values]) -> Iterable[Values | Mapping[str, Any]]:
        """Column by column, since most columns are as the driver wants them."""
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        if len(columns) != len(self._parameters):
            raise ValueError(
                f"rows have {len(columns)} values, and there are {len(self._parameters)} columns"
            )
        for number, convert in plan.bound:
            columns[number] = [convert(value) for value in columns[number]]
        converted = zip(*columns, strict=True) if plan.bound else rows
        return converted if plan.given is None else list(map(plan.given, converted))

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
