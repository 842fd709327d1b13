"""The vault's tables (made by bot/migrations/vault) and its connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.eventlog.migrate import UNREACHABLE, upgrade
from domain.errors import StoreUnavailable

BUSY_TIMEOUT_S = 5
CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 5_000
IDLE_TIMEOUT_MS = 10_000
"""A transaction whose client is gone must not hold its locks."""

metadata = sa.MetaData()

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("key_id", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("wrapped", sa.LargeBinary),  # by the master key; nothing once destroyed
    sa.Column("state", sa.Text, nullable=False),  # active, destroyed
    sa.Column("created_at", sa.BigInteger, nullable=False),  # seconds since 1970
)
identities = sa.Table(
    "identities",
    metadata,
    sa.Column(
        "serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("address", sa.LargeBinary, nullable=False, unique=True),  # blind index
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # the address, under the subject's key
    sqlite_autoincrement=True,
)
secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)


class VaultDatabase:
    """Short transactions on the vault's tables. Thread-safe."""

    def __init__(self, database: str | Path, schema: str) -> None:
        """``database``: a URL of PostgreSQL, where ``schema`` is made, or a file for SQLite. Raises StoreUnavailable."""
        self.sqlite = isinstance(database, Path)
        self._schema = schema
        if isinstance(database, Path):
            url = sa.URL.create("sqlite", database=str(database))
        else:
            url = sa.make_url(database).set(drivername="postgresql+psycopg")
        self.name = url.render_as_string(hide_password=True)
        with self._unavailable():
            if isinstance(database, Path):
                database.touch(mode=0o600)
            upgrade(url.render_as_string(hide_password=False), "vault", None if self.sqlite else schema)
        self._engine = _sqlite_engine(url) if self.sqlite else _postgres_engine(url, schema)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection. Raises StoreUnavailable."""
        with self._unavailable(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that is durable when this ends. Raises StoreUnavailable, IntegrityError."""
        with self._unavailable(), self._engine.connect() as connection:
            if self.sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except (*UNREACHABLE, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise StoreUnavailable(
                "the vault {name} cannot be used now: {reason}", name=self.name, reason=reason
            ) from error

    def scrub(self) -> None:
        """Bring what was deleted out of SQLite's write-ahead log; on PostgreSQL, have its space reused. Raises StoreUnavailable."""
        with self.reading() as connection:
            if self.sqlite:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in (keys, identities):
                connection.execute(_vacuum(self._schema, table))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _vacuum(schema: str, table: sa.Table) -> sa.TextClause:
    return sa.text(f'VACUUM "{schema}"."{table.name}"')


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  # a DBAPI connection
        connection.isolation_level = None  # sqlite3 begins nothing by itself: ``writing`` does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: sa.URL, schema: str) -> sa.Engine:
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
    )
    return engine.execution_options(schema_translate_map={None: schema})
