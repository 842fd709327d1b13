"""The log in PostgreSQL, for several processes on several machines.

Every writer holds one advisory lock from before it reads where streams stand until its commit is done. So positions become visible in
order (a reader that tails the log never passes over one), and no other lock is needed. ``LOCK TABLE``, the library's way, would wait for
VACUUM and let VACUUM wait; ``ON CONFLICT`` would burn positions (findings.md, measured November 2026).
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from eventsourcing import persistence
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, TupleRow, tuple_row
from psycopg.sql import SQL, Composed, Literal
from sqlalchemy import make_url

from bot.eventlog.batch import Batch, Standing, Stored
from bot.eventlog.codec import Codec, Row, stamped_us
from bot.eventlog.listener import Listener
from bot.eventlog.log import Notes, StoredEventLog
from bot.eventlog.migrate import UNREACHABLE, upgrade
from bot.eventlog.postgres_sql import Statements
from bot.eventlog.postgres_store import WAIT_S, PostgresStore, connection_lost
from bot.ids import fresh_id
from domain.ports.event_log import LogIdentity

SCHEMA = "siyu"
MAX_TRIES = 3
"""Once on a connection that had died unnoticed, once on a new one, once more after a commit whose answer was lost."""


class PostgresEventLog(StoredEventLog):
    """The log of many processes."""

    def __init__(
        self,
        url: str,
        codec: Codec,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        schema: str = SCHEMA,
    ) -> None:
        """``url``: ``postgresql://...``; ``schema`` is made where it is missing. Raises StoreUnavailable."""
        recorder = PostgresRecorder(PostgresStore(url, schema))
        try:
            recorder.prepare(url)
        except BaseException:
            recorder.close()
            raise
        super().__init__(recorder, codec, clock)
        self._listener = Listener(recorder.datastore.connect, recorder.channel_name, self._wake)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """See EventLog. What other processes append wakes too, by LISTEN."""
        end = super().subscribe(wake)
        self._listener.start()
        return end

    def close(self) -> None:
        """See EventLog."""
        self._listener.stop()
        super().close()


def writers_lock(schema: str) -> int:
    """Return the number of the advisory lock that whoever appends to the log of this schema holds."""
    return int.from_bytes(hashlib.sha256(f"siyu appends to {schema}".encode()).digest()[:8], signed=True)


@dataclass(slots=True)
class _Attempt:
    """How far an append came."""

    committing: bool = False


class PostgresRecorder(PostgresApplicationRecorder):
    """Stores batches, and the tables beside the log."""

    datastore: PostgresStore

    def __init__(self, datastore: PostgresStore) -> None:
        with datastore.unavailable():
            super().__init__(datastore)
        if datastore.enable_db_functions:
            raise AssertionError("the library's database functions take no lock: readers would miss events")
        # Neither its functions (no lock) nor the composite type (slower than arrays) are made.
        self.sql_create_statements = [
            statement for statement in self.sql_create_statements if not _makes(statement, "FUNCTION", "TYPE")
        ]
        datastore.db_type_names.clear()
        self.channel_name = f"siyu_{datastore.schema}"
        self.lock_table_statements = [
            SQL("SET LOCAL lock_timeout = {}").format(Literal(f"{WAIT_S}s")),
            SQL("SELECT pg_advisory_xact_lock({})").format(Literal(writers_lock(datastore.schema))),
        ]
        self._sql = Statements(datastore.schema, self.events_table_name)

    def prepare(self, url: str) -> None:
        """Make the tables where they are missing; several processes may do so at once. Raises StoreUnavailable."""
        address = make_url(url).set(drivername="postgresql+psycopg")
        with self.datastore.unavailable():
            try:
                upgrade(
                    address.render_as_string(hide_password=False),
                    "log",
                    self.datastore.schema,
                    first=self.create_table,
                )
            except UNREACHABLE as error:
                raise persistence.OperationalError(str(getattr(error, "orig", None) or error)) from error
            with self.datastore.transaction(commit=True) as cursor:
                self._lock_table(cursor)
                cursor.execute(self._sql.new_log, (fresh_id(),))

    def append(self, batch: Batch) -> Sequence[int]:
        """See Store."""
        with self.datastore.unavailable():
            for left in reversed(range(MAX_TRIES)):
                attempt = _Attempt()
                try:
                    return self._append(batch, attempt)
                except (persistence.OperationalError, persistence.InterfaceError) as error:
                    if not connection_lost(error):
                        raise
                    self.datastore.pool.check()  # the others may have died with it
                    if attempt.committing and (positions := self._stored_already(batch)) is not None:
                        return positions
                    if not left:
                        raise
        raise AssertionError("the last try returns or raises")

    def _append(self, batch: Batch, attempt: "_Attempt") -> Sequence[int]:
        inserted: Cursor[TupleRow] | None = None
        with self.datastore.get_connection() as connection:
            with connection.pipeline(), connection.transaction():
                self._lock_table(connection.cursor())
                standing = self._standing(connection, batch)
                known = dict(standing.progress)
                batch.judge(standing)
                if batch.stored:
                    inserted = connection.cursor(row_factory=tuple_row)
                    inserted.execute(self._sql.insert, _columns(batch.stored), prepare=True)
                    self._notify_channel(connection.cursor())
                for name, position in batch.progress.items():
                    keep = self._sql.move if name in known else self._sql.start
                    connection.execute(keep, {"name": name, "position": position})
                attempt.committing = True
            return [position for (position,) in inserted.fetchall()] if inserted else []

    def _standing(self, connection: Connection[DictRow], batch: Batch) -> Standing:
        versions, progress, last = (connection.cursor(row_factory=tuple_row) for _ in range(3))
        versions.execute(self._sql.versions, (batch.streams,), prepare=True)
        progress.execute(self._sql.positions, (batch.processes,), prepare=True)
        last.execute(self._sql.last, prepare=True)
        newest = last.fetchone()
        return Standing(
            versions={stream: version for stream, version in versions.fetchall() if version is not None},
            progress=dict(progress.fetchall()),
            last_us=stamped_us(newest[0]) if newest else 0,
        )

    def _stored_already(self, batch: Batch) -> Sequence[int] | None:
        """Return the positions of a batch whose commit was not answered, None where it was not committed.

        The server may still be at it: whoever holds the writers' lock knows.
        """
        with self.datastore.transaction(commit=False) as cursor:
            self._lock_table(cursor)
            rows = cursor.connection.cursor(row_factory=tuple_row)
            rows.execute(self._sql.same, _columns(batch.stored))
            found = rows.fetchall()
            if not batch.stored:
                rows.execute(self._sql.positions, (list(batch.progress),))
                return [] if dict(rows.fetchall()) == batch.progress else None
        # Ciphertext never comes out twice: the same bytes are ours.
        return [position for (position,) in found] if len(found) == len(batch.stored) else None

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: object
    ) -> None:
        self._lock_table(curs)
        self._notify_channel(curs)
        rows = [Stored(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        curs.execute(self._sql.insert, _columns(rows), prepare=True)

    def rows(self, after: int, limit: int) -> list[Row]:
        """See Store."""
        return [Row(*row) for row in self._fetch(self._sql.rows, (after, limit))]

    def rows_of(self, stream: str, after: int) -> list[Row]:
        """See Store."""
        return [Row(*row) for row in self._fetch(self._sql.rows_of, (stream, after))]

    def rows_of_many(self, streams: Collection[str]) -> list[Row]:
        """See Store."""
        return [Row(*row) for row in self._fetch(self._sql.rows_of_many, (list(streams),))]

    def head(self) -> int:
        """See Store."""
        return int(self._fetch(self.max_notification_id_statement)[0][0] or 0)

    def identity(self) -> LogIdentity:
        """See Store."""
        return LogIdentity(*self._fetch(self._sql.log)[0])

    def new_incarnation(self) -> None:
        """See Store."""
        with self.datastore.unavailable(), self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._sql.next_incarnation)

    def progress(self, name: str) -> int | None:
        """See Store."""
        found = self._fetch(self._sql.positions, ([name],))
        return int(found[0][1]) if found else None

    def get(self, notes: Notes, name: str) -> str | None:
        """See Store."""
        found = self._fetch(self._sql.note[notes], (name,))
        return str(found[0][0]) if found else None

    def put(self, notes: Notes, name: str, value: str) -> None:
        """See Store."""
        with self.datastore.unavailable(), self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self._sql.keep_note[notes], {"name": name, "value": value})

    def _fetch(self, statement: Any, parameters: Sequence[object] = ()) -> list[TupleRow]:  # noqa: ANN401  # SQL or Composed
        with self.datastore.unavailable(), self.datastore.get_connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            return cursor.execute(statement, parameters, prepare=True).fetchall()

    def close(self) -> None:
        """See Store."""
        self.datastore.close()


def _columns(rows: Sequence[Stored]) -> tuple[list[str], list[int], list[str], list[bytes]]:
    return (
        [row.stream for row in rows],
        [row.version for row in rows],
        [row.topic for row in rows],
        [row.state for row in rows],
    )


def _makes(statement: Composed, *kinds: str) -> bool:
    text = statement.as_string()
    return any(text.startswith((f"CREATE {kind}", f"CREATE OR REPLACE {kind}")) for kind in kinds)
