"""The vault that is there, and the one of a backup: what was forgotten in either of them stays forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.backup.copies import VAULT_SCHEMA
from bot.eventlog.vault_keys import DESTROYED, chunks
from bot.eventlog.vault_tables import VaultDatabase, identities, keys, secrets
from domain.identity import SubjectId, stream

_KEYS = ("subject", "key_id", "wrapped", "state", "created_at")
_IDENTITIES = ("address", "party", "id", "sealed")


@contextmanager
def opened(vault: Path | str) -> Iterator[VaultDatabase]:
    """Yield the tables of a vault. Raises StoreUnavailable."""
    database = VaultDatabase(vault, VAULT_SCHEMA)
    try:
        yield database
    finally:
        database.close()


def exists(vault: Path | str) -> bool:
    """Whether there is a vault that an installation has used. Raises StoreUnavailable."""
    if isinstance(vault, Path) and not vault.exists():
        return False
    with opened(vault) as database, database.reading() as connection:
        return connection.execute(sa.select(secrets.c.name).limit(1)).first() is not None


def destroyed(vault: Path | str) -> Iterator[SubjectId]:
    """Yield whose keys were destroyed, in the order of their names. Raises StoreUnavailable."""
    with opened(vault) as database, database.reading() as connection:
        wanted = sa.select(keys.c.subject).where(keys.c.state == DESTROYED).order_by(keys.c.subject)
        yield from map(SubjectId, connection.execute(wanted).scalars())


def merge(backup: Path, current: Path | str) -> None:
    """Take over from a backup's vault whom the current one never knew: keys that were destroyed in either stay so.

    Raises StoreUnavailable, sqlalchemy's IntegrityError where somebody else writes the current one.
    """
    with opened(backup) as old, opened(current) as kept, kept.writing() as into, old.reading() as source:
        unknown = set[str]()
        for page in source.execute(sa.select(keys).order_by(keys.c.subject)).partitions(500):
            subjects = [row.subject for row in page]
            states = sa.select(keys.c.subject, keys.c.state).where(keys.c.subject.in_(subjects))
            known = {row.subject: row.state for row in into.execute(states)}
            missing = [row for row in page if row.subject not in known]
            unknown.update(row.subject for row in missing if row.state != DESTROYED)
            if missing:
                rows = [{name: getattr(row, name) for name in _KEYS} for row in missing]
                into.execute(sa.insert(keys), rows)
            gone = [
                row.subject for row in page if row.state == DESTROYED and known.get(row.subject) != DESTROYED
            ]
            _destroy(into, gone)
        _take_over_identities(source, into, unknown)


def _destroy(into: sa.Connection, subjects: list[str]) -> None:
    for some in chunks(subjects):
        into.execute(sa.update(keys).where(keys.c.subject.in_(some)).values(wrapped=None, state=DESTROYED))
        for subject in some:
            party, _, key = subject.partition("-")
            into.execute(sa.delete(identities).where(identities.c.party == party, identities.c.id == key))


def _take_over_identities(source: sa.Connection, into: sa.Connection, unknown: set[str]) -> None:
    for page in source.execute(sa.select(identities).order_by(identities.c.serial)).partitions(500):
        wanted = [row for row in page if stream(row.party, row.id) in unknown]
        addresses = [row.address for row in wanted]
        held = into.execute(sa.select(identities.c.address).where(identities.c.address.in_(addresses)))
        taken = set(held.scalars())
        rows = [
            {name: getattr(row, name) for name in _IDENTITIES} for row in wanted if row.address not in taken
        ]
        if rows:
            into.execute(sa.insert(identities), rows)
