"""Where an installation's stores are, and what it means when they, or a backup's folder, fail."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.settings import Settings
from bot.texts import Told
from domain.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Places:
    """``log``, ``vault``: a file, or a URL of PostgreSQL."""

    data: Path
    log: Path | str
    vault: Path | str
    media: Path
    master_key: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Return where they are by these settings."""
        data = settings.data
        return cls(
            data=data,
            log=settings.database or data / "log.db",
            vault=settings.vault_database or settings.database or data / "keys.db",
            media=data / "media",
            master_key=settings.master_key_file or data / "master.key",
        )


@contextmanager
def failing_as(line: Told) -> Iterator[None]:
    """Say StoreUnavailable for a disk that is full, a folder that cannot be written, a database that is away.

    ``line``: what to say, with a place for the ``reason``.
    """
    try:
        yield
    except (OSError, sqlite3.Error, psycopg.Error) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        reason = (said or str(error)).strip().partition("\n")[0]
        raise StoreUnavailable(line.text, **line.values, reason=reason) from error


def sync(path: Path) -> None:
    """Bring a file, or what is in a folder, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
