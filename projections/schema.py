"""What the tables of all views share: one MetaData, moments that mean the same on SQLite and PostgreSQL, and who is reached where.

A view's tables hold nothing that the log does not say, so they can be dropped at any time. Personal texts are in clear here: the file is
never backed up, and ``secure_delete`` overwrites what is removed.
"""

from collections.abc import Collection
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


class Utc(TypeDecorator[datetime]):
    """A moment: microseconds since 1970 on SQLite, ``timestamptz`` on PostgreSQL; in Python always in UTC."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | datetime | None:
        """See TypeDecorator."""
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # told by the value
        """See TypeDecorator."""
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return None if value is None else _EPOCH + timedelta(microseconds=value)


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
    each = _Each(bindparam(None, list(ids), type_=_Ids(), unique=True))
    return column.op("IN", is_comparison=True, return_type=Boolean())(each)


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
