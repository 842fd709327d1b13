"""The log for a process of its own that follows it, beside the Siyu that writes it or without one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from bot.eventlog.codec import Codec
from bot.eventlog.log import StoredEventLog
from bot.eventlog.migrate import newest
from bot.eventlog.sqlite import SqliteDatastore, SqliteRecorder
from domain.errors import StoreUnavailable


class SqliteLogBeside(StoredEventLog):
    """Reads the log of a data folder without the folder's lock, and notes positions: of events it appends none.

    Its owner may write meanwhile (that is what the write-ahead log is for), and is told nothing. Nobody wakes who follows here: poll.
    """

    def __init__(self, path: Path, codec: Codec, clock: Callable[[], datetime]) -> None:
        """``path``: of a log that ``expect_log`` found."""
        super().__init__(SqliteRecorder(SqliteDatastore(path)), codec, clock)


def expect_log(path: Path) -> None:
    """See that there is a log of this version's: none is made here. Raises StoreUnavailable."""
    if not path.exists():
        raise StoreUnavailable("there is no log in {folder} yet: start siyu run first", folder=path.parent)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.DatabaseError, TypeError) as error:
        raise StoreUnavailable("{path} cannot be used now: {value}", path=path, value=error) from error
    if version != newest("log"):
        raise StoreUnavailable(
            "the log in {folder} is of another version of Siyu: run siyu migrate with this one",
            folder=path.parent,
        )
