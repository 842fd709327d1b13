"""Restoring a backup into an empty data folder, or an empty database.

The log is made ready beside, and put in its place last and at once: with the mark that it was restored, in a new incarnation, and with
everything in doubt that may have been sent since. Whatever stops us before, there is no log, and the restore can be done again.
A vault that is there already is newer than the backup: it is kept, so whom it forgot stays forgotten.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from bot.backup.copies import copy_sqlite, fill_log, fill_vault
from bot.backup.doubts import Doubts, Marks, Restored, cast_doubt
from bot.backup.manifest import (
    KEYS,
    LOG,
    MEDIA,
    Manifest,
    fingerprint,
    is_whole,
    read_lines,
    read_manifest,
)
from bot.backup.places import Places, failing_as, sync
from bot.backup.taking import UNFINISHED
from bot.backup.telling import Tell, told_while
from bot.backup.vaults import destroyed, exists, merge
from bot.eventlog.codec import Codec
from bot.eventlog.folder import lock_folder
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.migrate import Tree, newest
from bot.eventlog.postgres import PostgresEventLog
from bot.eventlog.sqlite import SqliteEventLog
from bot.eventlog.vault import Vault
from bot.settings import Settings
from bot.texts import Told, told
from domain.errors import BadInput, Rejected
from domain.registry import EVENT_TYPES

STAGE = ".restoring"
"""In the data folder, until the log is in its place."""
SECONDS_A_MINUTE = 60
_TREES: dict[str, Tree] = {LOG: "log", KEYS: "vault"}


def restore(settings: Settings, folder: Path, clock: Callable[[], datetime]) -> Iterator[Told]:
    """Restore a backup, and tell what is done. Nothing is sent until ``siyu resume-sending``.

    Raises BadInput for a backup that is damaged or incomplete, Rejected where there is a log already or the vault is another
    installation's, BadSettings where the master key is missing or another one, StoreInUse, StoreUnavailable.
    """
    places = Places.of(settings)
    manifest = read_manifest(folder)
    lock = lock_folder(places.data)
    try:
        with failing_as(told("restoring {folder} failed: {reason}", folder=folder)):
            _refuse_a_second_log(places)
            stage = places.data / STAGE
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(mode=0o700)
            try:
                doubts = yield from told_while(
                    lambda tell: _restored(places, folder, manifest, clock(), tell)
                )
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    finally:
        lock.release()
    yield from _tell(manifest, doubts)


def _tell(manifest: Manifest, doubts: Doubts) -> Iterator[Told]:
    yield told(
        "restored: {head} positions, as of {at}. What happened since is lost",
        head=manifest.head,
        at=manifest.taken_at.isoformat(timespec="seconds"),
    )
    yield told(
        "unknown whether sent since, and not sent again: {deliveries} messages, {broadcasts} broadcasts, {slots} recurring ones",
        deliveries=doubts.deliveries,
        broadcasts=doubts.broadcasts,
        slots=doubts.slots,
    )
    if doubts.pools:
        yield told(
            "unknown which codes were given out since: {pools} pools give none before siyu codes settle POOL",
            pools=doubts.pools,
        )
    if doubts.forgotten:
        yield told("forgotten since, and forgotten again: {customers} customers", customers=doubts.forgotten)
    if doubts.unreadable:
        yield told("cannot be read: {events} events (siyu verify lists them)", events=doubts.unreadable)
    yield told("Nothing is sent until: siyu resume-sending")


def _refuse_a_second_log(places: Places) -> None:
    if isinstance(places.log, Path):
        occupied = places.log.exists()
    else:
        there = PostgresEventLog(places.log, Codec(EVENT_TYPES, MemoryKeyRing()))
        try:
            occupied = there.head() > 0
        finally:
            there.close()
    if occupied:
        raise Rejected("there is a log already: restore into an empty data folder (SIYU_DATA) or database")


def _restored(places: Places, folder: Path, manifest: Manifest, now: datetime, tell: Tell) -> Doubts:
    stage = places.data / STAGE
    tell(told("checking {folder}", folder=folder))
    _check(folder, manifest, vault_needed=not exists(places.vault))
    old = _staged_vault(places, folder, manifest)
    try:
        _place_vault(places, manifest)
        tell(told("the vault is in its place"))
        _place_media(folder, places.media)
        copy_sqlite(folder / LOG, stage / LOG, lambda _done, _total: None)
        vault = Vault(places.vault, places.master_key)
        try:
            marks = Marks(frozenset(destroyed(places.vault)), old)
            doubts = _marked(stage / LOG, vault, marks, Restored(manifest.head, manifest.taken_at, now))
        finally:
            vault.close()
    finally:
        if old is not None:
            old.close()
    _place_log(places, stage / LOG)
    return doubts


def _check(folder: Path, manifest: Manifest, *, vault_needed: bool) -> None:
    """See that every file is what it was. The vault's may be missing where there is one: its copies do not live as long as the log's."""
    for part in (manifest.log, manifest.index, manifest.keys):
        if part is manifest.keys and not vault_needed and not (folder / part.file).exists():
            continue
        if not is_whole(folder, part):
            raise BadInput("{file} is damaged or missing: use another backup", file=folder / part.file)
        if _version(folder / part.file) > newest(_TREES.get(part.file, "log")):
            raise BadInput(
                "{folder} was made by another version of Siyu: restore it with that one", folder=folder
            )
    for part in read_lines(folder):
        if not is_whole(folder / MEDIA, part):
            raise BadInput(
                "{file} is damaged or missing: use another backup", file=folder / MEDIA / part.file
            )


def _version(file: Path) -> str:
    """Return the version of its tables; of what is no database, none."""
    if file.name not in _TREES:
        return ""
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as copy:
        return str(copy.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _staged_vault(places: Places, folder: Path, manifest: Manifest) -> Vault | None:
    """Open a copy of the backup's vault, None where it has none. Raises BadSettings where the master key does not open it."""
    if not (folder / KEYS).exists():
        return None
    staged = places.data / STAGE / KEYS
    copy_sqlite(folder / KEYS, staged, lambda _done, _total: None)
    vault = Vault(staged, places.master_key)
    if fingerprint(vault.secret()) != manifest.vault:
        vault.close()
        raise BadInput("{file} is damaged or missing: use another backup", file=folder / KEYS)
    return vault


def _place_vault(places: Places, manifest: Manifest) -> None:
    staged = places.data / STAGE / KEYS
    if exists(places.vault):
        current = Vault(places.vault, places.master_key)
        ours = fingerprint(current.secret()) == manifest.vault
        current.close()
        if not ours:
            raise Rejected(
                "the vault that is there is another installation's: restore into an empty data folder"
            )
        if staged.exists():
            merge(staged, places.vault)
    elif isinstance(places.vault, Path):
        ready = staged.with_name(f"{KEYS}.ready")
        copy_sqlite(staged, ready, lambda _done, _total: None)
        sync(ready)
        ready.rename(places.vault)
        sync(places.vault.parent)
    else:
        fill_vault(places.vault, staged)


def _place_media(folder: Path, media: Path) -> None:
    """Copy what is missing; files that are there are the same."""
    for part in read_lines(folder):
        file = media / part.file
        if file.exists():
            continue
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}{UNFINISHED}")
        shutil.copyfile(folder / MEDIA / part.file, draft)
        draft.chmod(0o600)
        sync(draft)
        draft.rename(file)


def _marked(staged: Path, vault: Vault, marks: Marks, restored: Restored) -> Doubts:
    """Make the copy of the log what a restored one is."""
    log = SqliteEventLog(staged, Codec(EVENT_TYPES, vault), lambda: restored.now)
    try:
        doubts = cast_doubt(log, vault, marks, restored)
    finally:
        log.close()
    minute = int(restored.now.timestamp()) // SECONDS_A_MINUTE
    with closing(sqlite3.connect(staged, isolation_level=None)) as copy:
        copy.execute("BEGIN")
        # The minute, so that two restores of one backup are told apart by whoever remembers (log id, incarnation, position).
        copy.execute("UPDATE log SET incarnation = MAX(incarnation + 1, ?)", (minute,))
        # Processes answer only what comes from now on: what they had not answered yet, they may have answered since.
        copy.execute("UPDATE progress SET position = (SELECT MAX(rowid) FROM stored_events)")
        # A provider may have begun to number anew since: an offset that is ahead would drop what waits there. Repeats are recognised.
        copy.execute("DELETE FROM cursors WHERE name LIKE '%:offset'")
        # Whoever was forgotten has to leave this disk, too (bot/forgetting).
        copy.execute("DELETE FROM cursors WHERE name = 'forgotten'")
        copy.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")
    return doubts


def _place_log(places: Places, staged: Path) -> None:
    if isinstance(places.log, str):
        if not fill_log(places.log, staged):
            raise Rejected(
                "there is a log already: restore into an empty data folder (SIYU_DATA) or database"
            )
        return
    for views in places.data.glob("views.db*"):  # another incarnation's, with its snapshots
        views.unlink()
    sync(staged)
    staged.rename(places.log)
    sync(places.data)
