"""The log in an SQLite file: ``eventsourcing``'s recorder, under a lock that reads before it writes."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from eventsourcing import persistence
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)
from sqlalchemy import URL, exc

from bot.eventlog.batch import Batch, Standing, Stored
from bot.eventlog.codec import STAMP_BYTES, Codec, Row, stamped_us
from bot.eventlog.folder import FolderLock, lock_folder
from bot.eventlog.log import Latest, Notes, StoredEventLog
from bot.eventlog.migrate import upgrade
from bot.ids import fresh_id
from domain.errors import StoreUnavailable
from domain.ports.event_log import LogIdentity

BUSY_TIMEOUT_S = 5
"""A backup may hold the file for a moment."""
FULL = 2
"""SQLite's number for synchronous=FULL: a commit is on the disk before it is answered."""

_VERSIONS = """
    SELECT value, (SELECT MAX(originator_version) FROM stored_events WHERE originator_id = value) FROM json_each(?)
"""
_POSITIONS = "SELECT name, position FROM progress WHERE name IN (SELECT value FROM json_each(?))"
_START = "INSERT INTO progress (position, name) VALUES (?, ?)"
_INSERTS = {
    rows: f"INSERT INTO stored_events VALUES {', '.join(['(?, ?, ?, ?)'] * rows)}"  # noqa: S608  # question marks
    for rows in (32, 8, 2, 1)
}
"""By how many rows each writes."""
_MOVE = "UPDATE progress SET position = ? WHERE name = ?"
_NOTE = "SELECT value FROM notes WHERE name = ?"
_KEEP_NOTE = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_LAST = f"SELECT rowid, SUBSTR(state, 1, {STAMP_BYTES}) FROM stored_events ORDER BY rowid DESC LIMIT 1"  # noqa: S608  # a number
_COLUMNS = "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events WHERE "

_UNAVAILABLE = (
    sqlite3.DatabaseError,  # full, locked, damaged, or no database at all
    persistence.DatabaseError,
    persistence.InterfaceError,
    persistence.ConnectionPoolClosedError,
)


class SqliteEventLog(StoredEventLog):
    """The log of one process, in a file."""

    def __init__(
        self,
        path: Path,
        codec: Codec,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        lock: FolderLock | None = None,
    ) -> None:
        """``lock``: of the file's folder, taken here where it is not given; closed with the log. Raises StoreInUse, StoreUnavailable."""
        self._lock = lock or lock_folder(path.parent)
        try:
            recorder = SqliteRecorder(SqliteDatastore(path))
            recorder.prepare()
        except BaseException:
            self._lock.release()
            raise
        super().__init__(recorder, codec, clock, Latest(recorder.head()))

    def close(self) -> None:
        """See EventLog."""
        super().close()
        self._lock.release()


class SqliteConnectionPool(SQLiteConnectionPool):
    """Connections that reach the disk before they say so."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous={FULL}")
        return connection


class SqliteDatastore(SQLiteDatastore):
    """Transactions that take the write lock when they begin, and leave a usable connection however they end."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), originator_id_type="text")
        self.path = path
        self.pool = SqliteConnectionPool(db_name=str(path), lock_timeout=BUSY_TIMEOUT_S)
        self._writers = threading.Lock()

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        """Yield a cursor. Raises StoreUnavailable for a disk that is full, a file that is locked, a pool that is exhausted."""
        try:
            # Not the pool's own writer lock: it stays locked for ever once a connection could not be made (eventsourcing 9.5.6).
            with self._writers if commit else contextlib.nullcontext(), self._connection() as connection:
                yield from _write(connection) if commit else _read(connection)
        except _UNAVAILABLE as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # a bug of ours, whatever sqlite3 derives it from
            raise StoreUnavailable(
                "{path} cannot be used now: {value}", path=self.path, value=str(error) or "it was closed"
            ) from error

    @contextmanager
    def _connection(self) -> Iterator[SQLiteConnection]:
        connection = self.pool.get_connection()
        try:
            yield connection
        finally:
            self.pool.put_connection(connection)


def _read(connection: SQLiteConnection) -> Iterator[SQLiteCursor]:
    with connection.cursor() as cursor:
        yield SQLiteCursor(cursor)


def _write(connection: SQLiteConnection) -> Iterator[SQLiteCursor]:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield SQLiteCursor(cursor)
            connection.commit()
        except BaseException:
            # Also after a commit that failed: SQLite keeps the transaction open then, and the next one could not begin.
            connection.rollback()
            raise


class SqliteRecorder(SQLiteApplicationRecorder):
    """Stores batches, and the tables beside the log."""

    datastore: SqliteDatastore

    def prepare(self) -> None:
        """Make the tables where they are missing, and see that SQLite does what was asked. Raises StoreUnavailable."""
        path = self.datastore.path
        try:
            upgrade(
                URL.create("sqlite", database=str(path)).render_as_string(), "log", first=self.create_table
            )
        except exc.DBAPIError as error:
            raise StoreUnavailable("{path} cannot be opened: {orig}", path=path, orig=error.orig) from error
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("PRAGMA journal_mode")
            (mode,) = cursor.fetchone()
            cursor.execute("PRAGMA synchronous")
            (synchronous,) = cursor.fetchone()
            if (mode, synchronous) != ("wal", FULL):
                raise StoreUnavailable(
                    "{path} lies where SQLite cannot keep a write-ahead log: use a local disk", path=path
                )
            cursor.execute("INSERT INTO log SELECT ?, 1 WHERE NOT EXISTS (SELECT * FROM log)", (fresh_id(),))

    def append(self, batch: Batch) -> Sequence[int]:
        """See Store."""
        with self.datastore.transaction(commit=True) as cursor:
            head, standing = self._standing(cursor, batch)
            known = dict(standing.progress)
            batch.judge(standing)
            _insert(cursor, batch.stored)
            for name, position in batch.progress.items():
                keep = _MOVE if name in known else _START
                cursor.execute(keep, (position, name))
        # Under the write lock, SQLite numbers rows one after the other, behind the largest number.
        return range(head + 1, head + 1 + len(batch.stored))

    def _standing(self, cursor: SQLiteCursor, batch: Batch) -> tuple[int, Standing]:
        """Return the last position, and where things stand. Few statements: each lets go of the interpreter, and waits to get it back."""
        standing = Standing()
        if batch.streams:
            cursor.execute(_VERSIONS, (_listed(batch.streams),))
            standing.versions = {
                stream: version for stream, version in cursor.fetchall() if version is not None
            }
        if batch.processes:
            cursor.execute(_POSITIONS, (_listed(batch.processes),))
            standing.progress = dict(map(tuple, cursor.fetchall()))
        cursor.execute(_LAST)
        last = cursor.fetchone()
        standing.last_us = stamped_us(last[1]) if last else 0
        return (last[0] if last else 0), standing

    def rows(self, after: int, limit: int) -> list[Row]:
        """See Store."""
        return self._rows("rowid > ? ORDER BY rowid LIMIT ?", (after, limit))

    def rows_of(self, stream: str, after: int) -> list[Row]:
        """See Store."""
        return self._rows(
            "originator_id = ? AND originator_version > ? ORDER BY originator_version", (stream, after)
        )

    def rows_of_many(self, streams: Collection[str]) -> list[Row]:
        """See Store."""
        which = "originator_id IN (SELECT value FROM json_each(?)) ORDER BY originator_id, originator_version"
        return self._rows(which, (_listed(streams),))

    def _rows(self, which: str, parameters: tuple[object, ...]) -> list[Row]:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(_COLUMNS + which, parameters)
            return [Row(*row) for row in cursor.fetchall()]

    def head(self) -> int:
        """See Store."""
        return self.max_notification_id() or 0

    def identity(self) -> LogIdentity:
        """See Store."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT id, incarnation FROM log")
            return LogIdentity(*cursor.fetchone())

    def new_incarnation(self) -> None:
        """See Store."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("UPDATE log SET incarnation = incarnation + 1")

    def progress(self, name: str) -> int | None:
        """See Store."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT position FROM progress WHERE name = ?", (name,))
            row = cursor.fetchone()
        return row and int(row[0])

    def get(self, notes: Notes, name: str) -> str | None:
        """See Store."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(_NOTE.replace("notes", notes), (name,))
            row = cursor.fetchone()
        return row and str(row[0])

    def put(self, notes: Notes, name: str, value: str) -> None:
        """See Store."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(_KEEP_NOTE.replace("notes", notes), (name, value))

    def close(self) -> None:
        """See Store."""
        self.datastore.close()


def _insert(cursor: SQLiteCursor, stored: Sequence[Stored]) -> None:
    """Write rows, many a statement: each lets go of the interpreter, which others are waiting for."""
    done = 0
    for rows, statement in _INSERTS.items():
        while len(stored) - done >= rows:
            cursor.execute(statement, [value for row in stored[done : done + rows] for value in row])
            done += rows


def _listed(names: Collection[str]) -> str:
    return msgspec.json.encode(list(names)).decode()
