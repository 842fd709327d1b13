"""The store of the views: an SQLite file of their own, or a schema in PostgreSQL."""

import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, StaticPool, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.schema import CreateSchema, DropSchema

from domain.errors import StoreUnavailable
from projections.schema import METADATA

TABLE_GONE = "42P01"
"""PostgreSQL's undefined_table. SQLite calls it an OperationalError."""
BUSY_TIMEOUT_S = 10.0
"""How long one waits for another's transaction; a batch takes a tenth of a second."""
SCRUB_TRIES = 100
SCRUB_REST_S = 0.1
"""A reader that began before the file was written anew keeps its write-ahead log for as long as it reads."""
CONNECTIONS = 5
MORE_CONNECTIONS = 15
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # what a power cut takes is computed again
    "PRAGMA secure_delete = ON",  # personal texts are in clear here: what is deleted is overwritten
    "PRAGMA temp_store = MEMORY",
)


class Views:
    """Owns the connections to the views' tables. Threads may share it."""

    def __init__(
        self, where: str | Path | None, schema: str = "views", busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> None:
        """Open the store.

        ``where``: the path of an SQLite file, made (mode 0600) if missing, or a ``postgresql://`` URL; there the tables lie in ``schema``.
        None: a nameless temporary file, gone with its only connection, so that a crash leaves nothing behind.
        """
        self._url = _postgres_url(where) if isinstance(where, str) and "://" in where else None
        self.schema = schema
        self.is_postgres = self._url is not None
        if self._url is not None:
            self.engine = _postgres(self._url, schema, busy_timeout_s)
        else:
            self.engine = _sqlite(None if where is None else Path(where), busy_timeout_s)

    @contextmanager
    def scratch(self) -> Iterator["Views"]:
        """Give an empty store of the same kind, for comparing; it is dropped at the end."""
        if self._url is None:
            views = Views(None)
            try:
                yield views
            finally:
                views.close()
            return
        views = Views(
            self._url.render_as_string(hide_password=False), schema=f"{self.schema}_{uuid.uuid4().hex[:12]}"
        )
        try:
            yield views
        finally:
            with views.engine.begin() as connection:
                connection.execute(DropSchema(views.schema, cascade=True, if_exists=True))
            views.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for queries. Raises StoreUnavailable."""
        with _unavailable(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As ``read``, and all that is asked is answered from one and the same moment."""
        with _unavailable(), self.engine.connect() as connection:
            if self.is_postgres:
                connection.execution_options(isolation_level="REPEATABLE READ")
            else:  # its transactions are of one moment, where there is one
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that is committed at the end. Raises StoreUnavailable."""
        with _unavailable(), self.engine.connect() as connection, connection.begin():
            if not self.is_postgres:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def alone(self, connection: Connection) -> None:
        """Keep other processes from making or dropping tables until this transaction ends."""
        if self.is_postgres:
            lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
            connection.execute(lock, {"name": f"siyu-views:{self.schema}"})

    def make(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Create those of the tables that are missing; call ``alone`` before."""
        if self.is_postgres:
            connection.execute(CreateSchema(self.schema, if_not_exists=True))
        METADATA.create_all(connection, tables=tables)

    def drop(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Drop those of the tables that exist; call ``alone`` before."""
        METADATA.drop_all(connection, tables=tables)

    def scrub(self) -> None:
        """Bring what was deleted off the disk. Raises StoreUnavailable, also where somebody reads for longer than SCRUB_TRIES allow.

        SQLite: the file is written anew, since pages may hold remains of rows that were moved, and the full-text index keeps what was
        deleted until it is merged (findings.md, "Small traps"). PostgreSQL: VACUUM; what it leaves is told in docs/privacy.md.
        """
        if not self.is_postgres:
            _write_anew(self.engine)
            return
        with _unavailable(), self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in inspect(connection).get_table_names(schema=self.schema):
                connection.execute(text(f'VACUUM "{self.schema}"."{table}"'))

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def is_store_trouble(error: BaseException) -> bool:
    """Whether it is the store that fails (full, locked, away, damaged), rather than what it was asked to keep."""
    if isinstance(error, InterfaceError):
        return not isinstance(error.orig, sqlite3.InterfaceError)  # SQLite's: a value that it cannot bind
    if isinstance(error, ProgrammingError):
        return getattr(error.orig, "sqlstate", None) == TABLE_GONE
    return isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError


def _write_anew(engine: Engine) -> None:
    with engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
    indexes = [
        table.name for table in METADATA.tables.values() if "fts5" in table.info and table.name in there
    ]
    with closing(
        engine.raw_connection()
    ) as connection_:  # SQLAlchemy's own begins a transaction, in which nothing can be vacuumed
        try:
            for name in indexes:
                connection_.cursor().execute(
                    f"INSERT INTO {name}({name}) VALUES('optimize')"
                )  # our own names
            connection_.cursor().execute("VACUUM")
            for _ in range(SCRUB_TRIES):
                (busy, *_) = connection_.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    return
                time.sleep(SCRUB_REST_S)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(
                "the views cannot be read or written now: {reason}", reason=str(error)
            ) from error
    raise StoreUnavailable("somebody is reading the views: what was forgotten leaves the disk later")


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if is_store_trouble(error):
            reason = str(error.orig).strip().partition("\n")[0]
            raise StoreUnavailable(
                "the views cannot be read or written now: {reason}", reason=reason
            ) from error
        raise


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _postgres_url(where: str) -> URL:
    return make_url(where.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


def _postgres(url: URL, schema: str, busy_timeout_s: float) -> Engine:
    return create_engine(
        url,
        connect_args={"options": f"-csearch_path={schema} -ctimezone=UTC -clock_timeout={busy_timeout_s:g}s"},
        pool_size=CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_pre_ping=True,
        json_serializer=_as_json,
        json_deserializer=msgspec.json.decode,
        hide_parameters=True,
    )


def _sqlite(path: Path | None, busy_timeout_s: float) -> Engine:
    """None: a nameless temporary file."""
    if path is None:
        engine = create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect("", check_same_thread=False),
            poolclass=StaticPool,
            json_serializer=_as_json,
            json_deserializer=msgspec.json.decode,
            hide_parameters=True,
        )
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"check_same_thread": False, "timeout": busy_timeout_s},
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            json_serializer=_as_json,
            json_deserializer=msgspec.json.decode,
            hide_parameters=True,
        )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401  # a record of SQLAlchemy's pool
    connection.isolation_level = (
        None  # the driver begins no transaction behind our back: ``write`` and ``snapshot`` do
    )
    for pragma in PRAGMAS:
        connection.execute(pragma)
