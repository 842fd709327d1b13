"""What the tables of all views share: one MetaData, moments that mean the same on SQLite and PostgreSQL, and who is reached where.

A view's tables hold nothing that the log does not say, so they can be dropped at any time. Personal texts are in clear here: the file is
never backed up, and ``secure_delete`` overwrites what is removed.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, MetaData, String, Table
from sqlalchemy.dialects.postgresql import TIMESTAMP
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
