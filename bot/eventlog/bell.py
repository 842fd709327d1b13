"""Bells that every process on a log hears, by NOTIFY and LISTEN: what was appended they hear by the log itself, and this besides."""

from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Literal

from bot.eventlog.leases import STATEMENT_WITHIN_S, OwnConnection
from bot.eventlog.listener import Listener


class PostgresBell:
    """One bell of a schema's."""

    def __init__(
        self,
        connect: Callable[[], Connection[TupleRow]],
        channel: str,
        heard: Callable[[], None],
        told: Callable[[str], None] | None = None,
    ) -> None:
        """``connect`` returns a new connection in autocommit mode. ``heard`` and ``told``: see Listener; quick, called from a thread."""
        self._ring: Composed = SQL("SELECT pg_notify({}, %s)").format(Literal(channel))
        self._own = OwnConnection(connect, f"SET statement_timeout = '{STATEMENT_WITHIN_S}s'")
        self._listener = Listener(connect, channel, heard, told)

    def start(self) -> None:
        """Hear it from now on."""
        self._listener.start()

    def ring(self, saying: str = "") -> None:
        """Let everybody hear it, this process included. Raises StoreUnavailable."""
        self._own.fetch(self._ring, (saying,))

    def close(self) -> None:
        """Hear it no more."""
        self._listener.stop()
        self._own.close()
