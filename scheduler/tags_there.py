"""What a provider has while it is compared with us: who has which tag, too many to be held in memory."""

import hashlib
import secrets
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from domain.errors import StoreUnavailable
from domain.identity import Tag

DIGEST_BYTES = 16

There = tuple[str, Tag]
"""External id and tag."""


class TagsThere:
    """Lies in a nameless temporary file, gone with its only connection, in which people are keyed hashes: none of them can be told there.

    One thread at a time. What SQLite keeps of it in memory is 2 MB. Each method raises StoreUnavailable where the file cannot be written or
    read; then it is not to be used any more.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(DIGEST_BYTES)
        self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._store.execute("PRAGMA journal_mode = OFF")  # nothing is ever taken back
        self._store.execute("CREATE TABLE there (who BLOB, tag TEXT, PRIMARY KEY (who, tag)) WITHOUT ROWID")

    def add(self, tag: Tag, external_ids: Collection[str]) -> None:
        """Note that these have a tag."""
        self._change("INSERT OR IGNORE INTO there VALUES (?, ?)", tag, external_ids)

    def remove(self, tag: Tag, external_ids: Collection[str]) -> None:
        """Note that these have a tag no more."""
        self._change("DELETE FROM there WHERE who = ? AND tag = ?", tag, external_ids)

    def of(self, external_ids: Collection[str]) -> set[There]:
        """Return which tags these have."""
        with _unavailable():
            return {
                (external_id, Tag(tag))
                for external_id in external_ids
                for (tag,) in self._store.execute(
                    "SELECT tag FROM there WHERE who = ?", (self._who(external_id),)
                )
            }

    def close(self) -> None:
        """Let it be gone."""
        self._store.close()

    def _change(self, statement: str, tag: Tag, external_ids: Collection[str]) -> None:
        with _unavailable():
            self._store.execute("BEGIN")
            self._store.executemany(statement, [(self._who(one), tag) for one in external_ids])
            self._store.execute("COMMIT")

    def _who(self, external_id: str) -> bytes:
        return hashlib.blake2b(external_id.encode(), digest_size=DIGEST_BYTES, key=self._key).digest()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreUnavailable("no temporary file can be written: is the disk full?") from error
