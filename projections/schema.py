"""What the tables of all views share: one MetaData, moments that mean the same on SQLite and PostgreSQL, and who is reached where.

A view's tables hold nothing that the log does not say, so they can be dropped at any time. Personal texts are in clear here: the file is
never backed up, and ``secure_delete`` overwrites what is removed.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

METADATA = MetaData()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_US_PER_S = 1_000_000
_EXACT_US = 2**32 * _US_PER_S
"""Until 2106 a float tells seconds to the microsecond."""


def _to_us(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def _from_us(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(0, 0, value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def moments(column: Sequence[int | None]) -> Sequence[datetime | None]:
    """Return a column of moments as SQLite keeps them: all at once, since one by one it is most of what a long list costs."""
    known = [us for us in column if us is not None]
    if known and not -_EXACT_US < min(known) <= max(known) < _EXACT_US:
        return [_from_us(us) for us in column]
    seconds = [None if us is None else us / _US_PER_S for us in column]
    return msgspec.convert(seconds, list[datetime | None], strict=False)


class Utc(TypeDecorator[datetime]):
    """A moment: microseconds since 1970 on SQLite, ``timestamptz`` on PostgreSQL; in Python always in UTC."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], int | None] | None:
        """See TypeDecorator, whose own asks ``process_bind_param`` by two more calls for each value."""
        return None if dialect.name == "postgresql" else _to_us

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002  # not of interest
        """See TypeDecorator, whose own asks ``process_result_value`` by two more calls for each value."""
        return _in_utc if dialect.name == "postgresql" else _from_us


class _Ids(TypeDecorator[list[str]]):
    """A list of ids: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        return ARRAY(Text()) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> list[str] | str | None:
        """See TypeDecorator."""
        return value if dialect.name == "postgresql" else msgspec.json.encode(value).decode()


class _Each(ColumnElement[str]):
    """The rows of a list of ids."""

    inherit_cache = True
    _traverse_internals = [("ids", InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # SQLAlchemy's

    def __init__(self, ids: BindParameter[list[str]]) -> None:
        self.ids = ids


@compiles(_Each)
def _each(element: _Each, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401  # SQLAlchemy's
    return f"(SELECT value FROM json_each({compiler.process(element.ids, **how)}))"  # noqa: S608  # a parameter's place


@compiles(_Each, "postgresql")
def _unnested(element: _Each, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401  # SQLAlchemy's
    return f"(SELECT unnest({compiler.process(element.ids, **how)}::text[]))"


def one_of(column: ColumnElement[Any], ids: Collection[str]) -> ColumnElement[bool]:
    """Return the clause that a column holds one of the ids.

    All are one parameter: with ``in_`` each is one, and making so many costs more than what the store does with them.
    """
    return _in(column, bindparam(None, list(ids), type_=_Ids(), unique=True))


def one_asked_for(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """As ``one_of``, for a statement that is built before the ids are known: a list, under the parameter's name."""
    return _in(column, bindparam(parameter, type_=_Ids()))


def _in(column: ColumnElement[Any], ids: BindParameter[list[str]]) -> ColumnElement[bool]:
    return column.op("IN", is_comparison=True, return_type=Boolean())(_Each(ids))


def parties_table(name: str) -> Table:
    """Return a view's own small table of who is behind a contact or group id: views never read each other's tables."""
    return Table(
        name,
        METADATA,
        Column("party", String, primary_key=True),
        Column("channel", String, nullable=False),
        Column("account", String, nullable=False),
        Column("customer", String, index=True),
        Column("operator", String),
    )
