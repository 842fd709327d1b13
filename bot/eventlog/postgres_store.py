"""Connections to the log's PostgreSQL, and what it means when they fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg_pool
from eventsourcing import persistence
from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from domain.errors import StoreUnavailable

CONNECTIONS = 8
"""One writes, the others read."""
WAIT_S = 5
"""For a connection, for the writers' lock."""
IDLE_S = 10
"""A transaction whose client is gone gives the writers' lock back after this."""
TCP_TIMEOUT_MS = 15_000
"""A server that does not answer at all is given up."""
KEEPALIVE_S = 10
"""How often a connection that only listens looks whether the server is still there."""

_DURABLE = """
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_UNAVAILABLE = (
    persistence.OperationalError,
    persistence.InterfaceError,
    persistence.InternalError,
    psycopg.OperationalError,
)


class PostgresStore(PostgresDatastore):
    """Connections to one database, and one schema of it."""

    def __init__(self, url: str, schema: str) -> None:
        """Connects later, when the first connection is asked for."""
        self._settings: dict[str, Any] = conninfo_to_dict(
            url.replace("postgresql+psycopg:", "postgresql:", 1),
            connect_timeout=WAIT_S,
            tcp_user_timeout=TCP_TIMEOUT_MS,
            keepalives_idle=KEEPALIVE_S,
            keepalives_interval=KEEPALIVE_S,
            keepalives_count=2,
            application_name="siyu",
        )
        where: dict[str, Any] = {
            name: self._settings.get(name, "") for name in ("dbname", "host", "port", "user", "password")
        }
        super().__init__(
            **where,
            connect_timeout=WAIT_S,
            idle_in_transaction_session_timeout=IDLE_S,
            max_overflow=CONNECTIONS - 1,
            lock_timeout=WAIT_S,
            schema=schema,
            originator_id_type="text",
            enable_db_functions=False,
        )
        self.pool.kwargs = {**self.pool.kwargs, **self._settings}  # type: ignore[dict-item]  # a dict: the library gave it
        # Otherwise it would try ever more seldom, for minutes after the server is back.
        self.pool.reconnect_timeout = WAIT_S

    def after_connect_func(self) -> Callable[[Connection[Any]], None]:
        """See the library.

        Every statement must see what was committed before it, since the standing is read after the lock was taken; and a commit must
        reach the disk before it is answered.
        """
        prepare = super().after_connect_func()

        def after_connect(connection: Connection[Any]) -> None:
            prepare(connection)
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            connection.execute(_DURABLE)

        return after_connect

    def connect(self) -> Connection[TupleRow]:
        """Return a connection outside the pool."""
        return psycopg.connect(**self._settings, autocommit=True)

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """Say StoreUnavailable for a server that is away, full, read-only or too busy."""
        try:
            yield
        except _UNAVAILABLE as error:
            reason = str(error).strip().partition("\n")[0]
            raise StoreUnavailable(
                "the event log's PostgreSQL cannot be used now: {reason}", reason=reason
            ) from error


def connection_lost(error: Exception) -> bool:
    """Whether the connection broke, so that nobody knows how far the server came; otherwise the server itself refused."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error) or isinstance(cause, psycopg_pool.PoolTimeout):
        return False
    # 08: connection exceptions; 57P01 to 57P03: the server shuts down, crashed or starts up (PostgreSQL 18, appendix A).
    return (
        cause.sqlstate is None
        or cause.sqlstate.startswith("08")
        or cause.sqlstate in {"57P01", "57P02", "57P03"}
    )
