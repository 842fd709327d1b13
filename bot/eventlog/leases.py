"""Leases in PostgreSQL, by the time of its server: no two machines need to agree about theirs."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from domain.errors import StoreUnavailable
from domain.identity import Slug
from domain.ports.leases import Lease

STATEMENT_WITHIN_S = 3
"""A lease that could not be renewed by then had better be tried anew: it lives a few seconds only."""

SWEPT_AT_ONCE = 1_000
"""Within STATEMENT_WITHIN_S, however many there are."""

_LIVE = "SELECT name, holder, epoch FROM {table} WHERE until > clock_timestamp()"
# One statement, so that nobody who freezes in the middle keeps others waiting.
_HOLD = """
    WITH left_behind AS (
        UPDATE {table} SET until = clock_timestamp() WHERE holder = %(holder)s AND name = ANY(%(leaving)s)
    )
    INSERT INTO {table} AS held (name, holder, until, epoch)
    SELECT name, %(holder)s, clock_timestamp() + make_interval(secs => %(lives_s)s), 1
    FROM unnest(%(names)s::text[]) AS name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder, until = excluded.until, epoch = held.epoch + (held.holder <> excluded.holder)::int
    WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()
    RETURNING name, epoch
"""
# No index on ``until``: it would be written by every renewal, and _LIVE reads the whole of this small table each second anyway.
# A row that somebody renews just now is passed over, so that nobody waits for this.
_SWEEP = """
    DELETE FROM {table} WHERE name IN (
        SELECT name FROM {table}
        WHERE starts_with(name, %(prefix)s) AND until <= clock_timestamp() - make_interval(secs => %(ended_s)s)
        LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) RETURNING name
"""


class OwnConnection:
    """A connection outside the pool, made when it is first needed and again after it broke. Thread-safe."""

    def __init__(self, connect: Callable[[], Connection[TupleRow]], prepare: str) -> None:
        """``connect`` returns a new connection in autocommit mode; ``prepare`` is said on it first."""
        self._connect, self._prepare = connect, prepare
        self._connection: Connection[TupleRow] | None = None
        self._lock = threading.Lock()

    def fetch(self, statement: SQL | Composed, parameters: Any = None) -> Sequence[TupleRow]:  # noqa: ANN401  # psycopg's
        """Say something, and return the rows of the answer. Raises StoreUnavailable: then the connection is gone."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    self._connection.execute(self._prepare.encode())
                return self._connection.execute(statement, parameters).fetchall()
            except psycopg.Error as error:
                self._drop()
                reason = str(error).strip().partition("\n")[0]
                raise StoreUnavailable(
                    "the event log's PostgreSQL cannot be used now: {reason}", reason=reason
                ) from error

    def close(self) -> None:
        """End the connection; a later ``fetch`` makes another one."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


class PostgresLeases:
    """domain.ports.leases.Leases beside the log of a schema."""

    def __init__(self, connect: Callable[[], Connection[TupleRow]], schema: str) -> None:
        """``connect`` returns a new connection in autocommit mode. The table is there: see bot/migrations."""
        table = SQL("{}.leases").format(Identifier(schema))
        self._live, self._hold = SQL(_LIVE).format(table=table), SQL(_HOLD).format(table=table)
        self._sweep = SQL(_SWEEP).format(table=table)
        self._own = OwnConnection(connect, f"SET statement_timeout = '{STATEMENT_WITHIN_S}s'")

    def live(self) -> Mapping[str, Lease]:
        """See Leases."""
        return {name: Lease(Slug(holder), epoch) for name, holder, epoch in self._own.fetch(self._live)}

    def hold(
        self, holder: Slug, names: Collection[str], lives_s: float, leaving: Collection[str] = ()
    ) -> Mapping[str, int]:
        """See Leases."""
        asked = {"holder": holder, "names": list(names), "leaving": list(leaving), "lives_s": lives_s}
        return dict(self._own.fetch(self._hold, asked))

    def sweep(self, prefix: str, ended_s: float) -> int:
        """See Leases."""
        asked = {"prefix": prefix, "ended_s": ended_s, "most": SWEPT_AT_ONCE}
        return len(self._own.fetch(self._sweep, asked))

    def close(self) -> None:
        """See Leases."""
        self._own.close()
