"""The vault: every subject's key, and who is behind an address.

The log holds ciphertext and random ids only; without the vault it says nothing about anybody. Destroying a subject's key is how Siyu
forgets. The vault has its own file (or schema, or database) and its own backups, since copies of it must not outlive what it forgot.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.eventlog.keys import Key, Remembered, seal, unseal
from bot.eventlog.master_key import KEY_BYTES, MasterKey
from bot.eventlog.vault_keys import MAX_AGE_S, MAX_TRIES, SubjectKeys, chunks
from bot.eventlog.vault_tables import VaultDatabase, identities, keys, secrets
from bot.ids import fresh_id
from domain.errors import BadSettings, StoreUnavailable
from domain.identity import Address, KeyedHash, Party, SubjectId, stream

REMEMBERED_ADDRESSES = 100_000
INSTALLATION = "installation"
BOUND_TO = b"identity"

_address = msgspec.msgpack.Decoder(Address)
_NEWEST = (
    sa.select(identities.c.sealed, keys.c.subject, keys.c.key_id, keys.c.wrapped)
    .join(keys, keys.c.subject == sa.bindparam("subject"))
    .where(identities.c.party == sa.bindparam("party"), identities.c.id == sa.bindparam("id"))
    .order_by(identities.c.serial.desc())
    .limit(1)
)
"""Somebody's newest address. Asked for each message that is sent: built once."""


class Vault:
    """domain.ports.identities.Identities, and the codec's KeyRing. Thread-safe."""

    def __init__(
        self,
        database: str | Path,
        master_key: Path,
        *,
        schema: str = "vault",
        fresh: Callable[[], str] = fresh_id,
    ) -> None:
        """``database``: URL of PostgreSQL (``schema`` is made there), or a file for SQLite; ``master_key``: a file, made for a new vault.

        Raises BadSettings where the master key is missing, readable by others or another vault's; StoreUnavailable.
        """
        self._database = VaultDatabase(database, schema)
        self._fresh = fresh
        try:
            master, secret = self._open(master_key)
        except BaseException:
            self._database.close()
            raise
        self._keys = SubjectKeys(self._database, master)
        self._secret = hmac.digest(secret, b"keyed hash", hashlib.sha256)
        self._blind = KeyedHash(hmac.digest(secret, b"blind index", hashlib.sha256))
        self._ids: Remembered[Address, str] = Remembered(REMEMBERED_ADDRESSES, MAX_AGE_S)
        self._addresses: Remembered[tuple[Party, str], Address] = Remembered(REMEMBERED_ADDRESSES, MAX_AGE_S)

    def _open(self, path: Path) -> tuple[MasterKey, bytes]:
        """Return the master key and the installation's secret, both made for a new vault."""
        wanted = sa.select(secrets.c.wrapped).where(secrets.c.name == INSTALLATION)
        with self._database.reading() as connection:
            wrapped = connection.execute(wanted).scalar()
        master = MasterKey.load(path)
        if wrapped is None:
            master = master or MasterKey.make(path)
            secret = master.wrap(os.urandom(KEY_BYTES), INSTALLATION)
            try:
                with self._database.writing() as connection:
                    connection.execute(sa.insert(secrets).values(name=INSTALLATION, wrapped=secret))
            except sa.exc.IntegrityError:  # another process opened the new vault first
                pass
            with self._database.reading() as connection:
                wrapped = connection.execute(wanted).scalar_one()
        elif master is None:
            raise BadSettings(
                "the master key {path} is missing, and nothing opens this vault without it: restore it",
                path=path,
            )
        return master, master.unwrap(wrapped, INSTALLATION)

    def secret(self) -> bytes:
        """Return the installation's secret for keyed hashes: 32 bytes, the same for ever, also when the master key rotates."""
        return self._secret

    # Keys (bot.eventlog.keys.KeyRing).

    def keys_for(self, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Key]:
        """See KeyRing."""
        return self._keys.keys_for(subjects)

    def keys_named(self, ids: Iterable[bytes]) -> Mapping[bytes, Key]:
        """See KeyRing."""
        return self._keys.keys_named(ids)

    def destroy(self, subject: SubjectId) -> None:
        """Destroy a subject's key and identities, for good; harmless when it was done before. Durable when this returns.

        Other processes notice within MAX_AGE_S. Raises StoreUnavailable.
        """
        self.destroy_all((subject,))

    def destroy_all(self, subjects: Iterable[SubjectId]) -> list[SubjectId]:
        """As ``destroy``, all in one transaction. Returns those whose key was not destroyed before. Raises StoreUnavailable."""
        wanted = self._keys.not_destroyed(subjects)
        if wanted:
            self._destroy(wanted)
            self._database.scrub()
        self.look_again()
        return wanted

    def _destroy(self, wanted: Sequence[SubjectId]) -> None:
        for _ in range(MAX_TRIES):
            try:
                with self._database.writing() as connection:
                    for subject in wanted:
                        party, _, key = subject.partition("-")
                        self._keys.destroy(connection, subject)
                        theirs = (identities.c.party == party) & (identities.c.id == key)
                        connection.execute(sa.delete(identities).where(theirs))
            except sa.exc.IntegrityError:  # a first key was made just now: destroy that
                continue
            return
        raise StoreUnavailable("the key of {subject} could not be destroyed: try again", subject=wanted[0])

    def scrub(self) -> None:
        """Bring what was destroyed off the disk, where a crash kept that from being done. Raises StoreUnavailable."""
        self._database.scrub()

    def look_again(self) -> None:
        """Remember nothing: another process may have destroyed it."""
        self._keys.forget()
        self._ids.clear()
        self._addresses.clear()

    def rotate_master(self, newest: bytes) -> None:
        """Wrap everything by another master key (32 bytes), and keep that in the file. Raises StoreUnavailable."""
        self._keys.rotate_master(newest)

    # Identities (domain.ports.identities.Identities).

    def resolve(self, addresses: Iterable[Address]) -> Mapping[Address, str]:
        """See Identities. New ones get their key in the same transaction."""
        found: dict[Address, str] = {}
        unknown: dict[bytes, Address] = {}
        for address in addresses:
            known = self._ids.get(address)
            if known is None:
                unknown[self._index(address)] = address
            else:
                found[address] = known
        for _ in range(MAX_TRIES):
            found.update(self._read(unknown))
            # Sorted: two processes with the same new addresses wait for one another instead of locking each other out.
            missing = [(index, address) for index, address in sorted(unknown.items()) if address not in found]
            if not missing:
                return found
            try:
                return {**found, **self._make(missing)}
            except sa.exc.IntegrityError:
                continue  # another process was quicker: its ids count
        raise StoreUnavailable(
            "others made the same identities {max_tries} times: try again", max_tries=MAX_TRIES
        )

    def find(self, address: Address) -> str | None:
        """See Identities."""
        return self._ids.get(address) or self._read({self._index(address): address}).get(address)

    def address_of(self, party: Party, key: str) -> Address | None:
        """See Identities."""
        known = self._addresses.get((party, key))
        if known is not None:
            return known
        asked = {"subject": stream(party, key), "party": party, "id": key}
        with self._database.reading() as connection:
            row = connection.execute(_NEWEST, asked).first()
        if row is None:
            return None
        opened = self._keys.opened(row.subject, row.key_id, row.wrapped)
        if opened.cipher is None:
            return None
        address = _address.decode(unseal(opened.cipher, row.sealed, BOUND_TO))
        self._addresses.put((party, key), address)
        return address

    def alias(self, address: Address, key: str) -> None:
        """See Identities. Raises SubjectForgotten for somebody whose key was destroyed, StoreUnavailable."""
        subject = _subject(address.party, key)
        index, subject_key = self._index(address), self._keys.keys_for((subject,))[subject]
        for _ in range(MAX_TRIES):
            try:
                with self._database.writing() as connection:
                    connection.execute(sa.delete(identities).where(identities.c.address == index))
                    connection.execute(sa.insert(identities), [_row(index, address, key, subject_key)])
            except sa.exc.IntegrityError:  # another process put it there in between
                continue
            self._remember(address, key)
            return
        raise StoreUnavailable(
            "others changed the same identity {max_tries} times: try again", max_tries=MAX_TRIES
        )

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _index(self, address: Address) -> bytes:
        return bytes.fromhex(
            self._blind(address.party, address.channel, address.account, address.external_id)
        )

    def _read(self, wanted: Mapping[bytes, Address]) -> dict[Address, str]:
        found: dict[Address, str] = {}
        for some in chunks(list(wanted)):
            with self._database.reading() as connection:
                rows = connection.execute(
                    sa.select(identities.c.address, identities.c.id).where(identities.c.address.in_(some))
                ).all()
            for index, key in rows:
                found[wanted[index]] = key
                self._ids.put(wanted[index], key)
        return found

    def _make(self, missing: list[tuple[bytes, Address]]) -> dict[Address, str]:
        ids = {address: self._fresh() for _, address in missing}
        made = self._keys.new(_subject(address.party, key) for address, key in ids.items())
        opened = {row.subject: self._keys.opened(*row[:3]) for row in made}
        rows = [
            _row(index, address, ids[address], opened[_subject(address.party, ids[address])])
            for index, address in missing
        ]
        with self._database.writing() as connection:
            connection.execute(sa.insert(keys), [row._asdict() for row in made])
            connection.execute(sa.insert(identities), rows)
        self._keys.remember(made)
        for address, key in ids.items():
            self._remember(address, key)
        return ids

    def _remember(self, address: Address, key: str) -> None:
        self._ids.put(address, key)
        self._addresses.put((address.party, key), address)


def _subject(party: Party, key: str) -> SubjectId:
    return SubjectId(stream(party, key))


def _row(index: bytes, address: Address, key: str, subject_key: Key) -> dict[str, Any]:
    sealed = seal(subject_key, msgspec.msgpack.encode(address), BOUND_TO)
    return {"address": index, "party": address.party, "id": key, "sealed": sealed}
