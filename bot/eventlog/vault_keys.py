"""The vault's keys: one a subject, wrapped by the master key, never made again once destroyed."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.eventlog.keys import KEY_ID_BYTES, Key, Remembered
from bot.eventlog.master_key import KEY_BYTES, MasterKey
from bot.eventlog.vault_tables import VaultDatabase, keys, secrets
from domain.errors import BadSettings, StoreUnavailable, SubjectForgotten
from domain.identity import SubjectId

ACTIVE = "active"
DESTROYED = "destroyed"

N = TypeVar("N")

CHUNK = 500
"""Names in one IN (...)."""
MAX_TRIES = 5
"""How often somebody else may have been quicker."""
REMEMBERED_KEYS = 20_000
MAX_AGE_S = 60.0
"""How long a process may not know what another one destroyed."""

_WANTED: sa.BindParameter[Any] = sa.bindparam("wanted", expanding=True)
_COLUMNS = sa.select(keys.c.subject, keys.c.key_id, keys.c.wrapped)
# Made once: a statement made for one question is a cycle, which holds its two hundred names until the collector comes by.
_BY_ID = _COLUMNS.where(keys.c.key_id.in_(_WANTED))
_BY_SUBJECT = _COLUMNS.where(keys.c.subject.in_(_WANTED))
_DESTROYED = sa.select(keys.c.subject).where(keys.c.subject.in_(_WANTED), keys.c.state == DESTROYED)


class NewKey(NamedTuple):
    """A row of the table of keys."""

    subject: SubjectId
    key_id: bytes
    wrapped: bytes
    state: str
    created_at: int


class SubjectKeys:
    """Keys by subject and by id. Thread-safe."""

    def __init__(
        self, database: VaultDatabase, master: MasterKey, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock``: seconds since 1970."""
        self._database, self._master, self._clock = database, master, clock
        self._by_subject: Remembered[SubjectId, Key] = Remembered(REMEMBERED_KEYS, MAX_AGE_S)
        self._by_id: Remembered[bytes, Key] = Remembered(REMEMBERED_KEYS, MAX_AGE_S)

    def keys_for(self, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Key]:
        """See KeyRing."""
        found: dict[SubjectId, Key] = {}
        unknown: list[SubjectId] = []
        for subject in subjects:
            key = self._by_subject.get(subject)
            if key is None:
                unknown.append(subject)
            else:
                found[subject] = key
        if unknown:
            found.update(self._read_or_make(sorted(unknown)))
        for subject, key in found.items():
            if key.cipher is None:
                raise SubjectForgotten(
                    f"the key of {subject} was destroyed: nothing personal is stored for it any more"
                )
        return found

    def keys_named(self, ids: Iterable[bytes]) -> Mapping[bytes, Key]:
        """See KeyRing."""
        found: dict[bytes, Key] = {}
        unknown: list[bytes] = []
        for name in ids:
            key = self._by_id.get(name)
            if key is None:
                unknown.append(name)
            else:
                found[name] = key
        for some in chunks(unknown):
            for key in self._read(_BY_ID, some).values():
                found[key.id] = key
        return found

    def _read_or_make(self, subjects: Sequence[SubjectId]) -> dict[SubjectId, Key]:
        found: dict[SubjectId, Key] = {}
        missing = subjects
        for _ in range(MAX_TRIES):
            for some in chunks(missing):
                found.update(self._read(_BY_SUBJECT, some))
            missing = [subject for subject in subjects if subject not in found]
            if not missing:
                return found
            made = self.new(missing)
            try:
                with self._database.writing() as connection:
                    connection.execute(sa.insert(keys), [row._asdict() for row in made])
            except sa.exc.IntegrityError:
                continue  # another process was quicker: its keys count
            return found | self.remember(made)
        raise StoreUnavailable("others made the same keys {max_tries} times: try again", max_tries=MAX_TRIES)

    def new(self, subjects: Iterable[SubjectId]) -> list[NewKey]:
        """Return rows with new keys, for somebody else's transaction to insert."""
        now = int(self._clock())
        return [
            NewKey(
                subject,
                os.urandom(KEY_ID_BYTES),
                self._master.wrap(os.urandom(KEY_BYTES), subject),
                ACTIVE,
                now,
            )
            for subject in subjects
        ]

    def opened(self, subject: str, key_id: bytes, wrapped: bytes | None) -> Key:
        """Return the key of a row. Raises BadSettings where the master key is not the one that wrapped it."""
        if wrapped is None:
            return Key(key_id, None)
        try:
            plain = self._master.unwrap(wrapped, subject)
        except BadSettings:
            # Another process may have rotated the master key since this one read the file.
            self._master = MasterKey.load(self._master.path) or self._master
            plain = self._master.unwrap(wrapped, subject)
        return Key(key_id, AESGCM(plain))

    def remember(self, made: Iterable[NewKey]) -> dict[SubjectId, Key]:
        """Keep what ``new`` made, once it is durable."""
        return {row.subject: self._keep(row.subject, self.opened(*row[:3])) for row in made}

    def _read(self, which: sa.Select[Any], wanted: Sequence[object]) -> dict[SubjectId, Key]:
        with self._database.reading() as connection:
            rows = connection.execute(which, {"wanted": wanted}).all()
        return {SubjectId(row.subject): self._keep(SubjectId(row.subject), self.opened(*row)) for row in rows}

    def _keep(self, subject: SubjectId, key: Key) -> Key:
        self._by_subject.put(subject, key)
        self._by_id.put(key.id, key)
        return key

    def destroy(self, connection: sa.Connection, subject: SubjectId) -> None:
        """Destroy a subject's key in this transaction; one that never had a key never gets one."""
        mine = keys.c.subject == subject
        gone = {"wrapped": None, "state": DESTROYED}
        if connection.execute(sa.update(keys).where(mine).values(gone)).rowcount == 0:
            row = {
                "subject": subject,
                "key_id": os.urandom(KEY_ID_BYTES),
                "created_at": int(self._clock()),
                **gone,
            }
            connection.execute(sa.insert(keys).values(row))

    def not_destroyed(self, subjects: Iterable[SubjectId]) -> list[SubjectId]:
        """Return those of the subjects whose key is there, or was never made, each once."""
        wanted = sorted(set(subjects))
        gone: set[str] = set()
        for some in chunks(wanted):
            with self._database.reading() as connection:
                gone.update(connection.execute(_DESTROYED, {"wanted": some}).scalars())
        return [subject for subject in wanted if subject not in gone]

    def forget(self) -> None:
        """Keep nothing in memory."""
        self._by_subject.clear()
        self._by_id.clear()

    def rotate_master(self, newest: bytes) -> None:
        """Wrap everything by another master key. A crash half-way loses nothing: run it again.

        On PostgreSQL no other process may run meanwhile. Raises StoreUnavailable.
        """
        self._master = self._master.joined_by(newest)
        for table, name in ((keys, keys.c.subject), (secrets, secrets.c.name)):
            self._wrap_again(table, name)
        self._master = self._master.alone()

    def _wrap_again(self, table: sa.Table, name: sa.Column[str]) -> None:
        after = ""
        while True:
            with self._database.writing() as connection:
                wanted = sa.select(name, table.c.wrapped).where(table.c.wrapped.is_not(None), name > after)
                rows = connection.execute(wanted.order_by(name).limit(CHUNK)).all()
                for subject, wrapped in rows:
                    again = self._master.wrap(self._master.unwrap(wrapped, subject), subject)
                    connection.execute(sa.update(table).where(name == subject).values(wrapped=again))
            if not rows:
                return
            after = rows[-1][0]


def chunks(names: Sequence[N]) -> Iterator[Sequence[N]]:
    """Cut a sequence so that each piece fits into one statement."""
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))
