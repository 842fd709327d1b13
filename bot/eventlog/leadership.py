"""Leadership in PostgreSQL: an advisory lock of a session of its own."""

import hashlib
from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Literal

from bot.eventlog.leases import STATEMENT_WITHIN_S, OwnConnection

FROZEN_S = 4
"""The server ends a session that says nothing for so long. A frozen process keeps its connection, and would keep the lock with it."""

# Whether this session has it already is asked first: a lock that is taken twice must be given back twice.
_LEAD = """
    SELECT CASE WHEN EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
    ) THEN true ELSE pg_try_advisory_lock({key}) END
"""


class PostgresLeadership:
    """scheduler.leader.Leadership among the processes on the log of a schema."""

    def __init__(
        self, connect: Callable[[], Connection[TupleRow]], schema: str, frozen_s: float = FROZEN_S
    ) -> None:
        """``connect`` returns a new connection in autocommit mode."""
        key = int.from_bytes(hashlib.sha256(f"siyu leads {schema}".encode()).digest()[:8], signed=True)
        self._lead: Composed = SQL(_LEAD).format(key=Literal(key))
        patience = f"SET statement_timeout = '{STATEMENT_WITHIN_S}s'; SET idle_session_timeout = '{int(frozen_s * 1000)}ms'"
        self._own = OwnConnection(connect, patience)

    def lead(self) -> bool:
        """See Leadership."""
        return bool(self._own.fetch(self._lead)[0][0])

    def give_up(self) -> None:
        """See Leadership."""
        self._own.close()
