"""Hears what other processes append: LISTEN on a connection and a thread of its own."""

import threading
from collections.abc import Callable

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

_log = structlog.get_logger(__name__)

STOP_WITHIN_S = 0.2
"""How often it looks up from listening."""
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0


class Listener:
    """Calls ``heard`` after every notification, and whenever some may have been missed. Comes back by itself."""

    def __init__(
        self,
        connect: Callable[[], Connection[TupleRow]],
        channel: str,
        heard: Callable[[], None],
        told: Callable[[str], None] | None = None,
    ) -> None:
        """``connect`` returns a new connection in autocommit mode. ``told``: is called instead with what a notification says."""
        self._connect, self._channel, self._heard, self._told = connect, channel, heard, told
        self._stopped = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen from now on; harmless when it does already."""
        with self._start:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="siyu-listener", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, within STOP_WITHIN_S."""
        self._stopped.set()
        with self._start:
            if self._thread is not None:
                self._thread.join()

    def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._stopped.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
                    delay_s = FIRST_DELAY_S
                    self._heard()  # for what was appended while nobody listened
                    while not self._stopped.is_set():
                        for notified in connection.notifies(timeout=STOP_WITHIN_S, stop_after=1):
                            if self._told is None:
                                self._heard()
                            else:
                                self._told(notified.payload)
            except psycopg.Error as error:
                _log.warning(
                    "listening to the event log was interrupted", reason=str(error).partition("\n")[0]
                )
                self._stopped.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_DELAY_S)
