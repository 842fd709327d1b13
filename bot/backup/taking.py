"""Taking a backup: the log first, then the vault, then the media, while Siyu runs or not.

In this order every event of the copy has its key in the copy, and every file that an event names is there. All of it is written beside, and
given its name when it is on the disk; the manifest comes last. The master key is not in it.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from bot.backup.copies import copy_log, copy_sqlite, copy_vault
from bot.backup.manifest import (
    INDEX,
    KEYS,
    LOG,
    MANIFEST,
    MEDIA,
    Manifest,
    Part,
    fingerprint,
    is_whole,
    part_of,
    read_lines,
    read_manifest,
    write_lines,
)
from bot.backup.places import Places, failing_as, sync
from bot.backup.telling import Steps, Tell, told_while
from bot.house import House
from bot.texts import Told, told
from domain.errors import BadInput, Rejected

UNFINISHED = ".part"
"""How the name of a file ends while it is written (bot/media)."""
PARTIAL = ".partial"
"""Where a backup is written until it is whole; what a crash left there is no backup, and goes with the next one."""


class _Head(NamedTuple):
    log_id: str
    incarnation: int
    position: int


def take(house: House, folder: Path) -> Iterator[Told]:
    """Back up an installation into a folder that is new or empty, and tell how far it is.

    Raises Rejected where something is there already, StoreUnavailable where it cannot be read or written; then nothing of it is left.
    """
    with (
        failing_as(told("the backup into {folder} failed: {reason}", folder=folder)),
        _alone_in(folder) as partial,
    ):
        manifest = yield from told_while(lambda tell: _written(house, folder, partial, tell))
        _publish(folder, partial)
    yield told(
        "{folder}: a backup of {events} positions. The master key is not in it: keep {master_key} apart",
        folder=folder,
        events=manifest.head,
        master_key=Places.of(house.settings).master_key,
    )


@contextmanager
def _alone_in(folder: Path) -> Iterator[Path]:
    """Yield an empty folder within this one, which nobody else may use meanwhile; it is gone afterwards, and so is what failed."""
    made = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Rejected("another backup is being written into {folder}", folder=folder) from None
        if {entry.name for entry in folder.iterdir()} - {PARTIAL}:
            raise Rejected("{folder} is not empty: name a new folder for this backup", folder=folder)
        partial = folder / PARTIAL
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700)
            yield partial
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise
    finally:
        os.close(descriptor)


def _written(house: House, folder: Path, partial: Path, tell: Tell) -> Manifest:
    places, taken_at = Places.of(house.settings), house.clock()

    def log_done(percent: int) -> None:
        tell(told("log        {percent} %", percent=percent))

    def vault_done(percent: int) -> None:
        tell(told("vault      {percent} %", percent=percent))

    if isinstance(places.log, Path):
        copy_sqlite(places.log, partial / LOG, Steps(log_done))
    else:
        copy_log(places.log, partial / LOG, Steps(log_done))
    if isinstance(places.vault, Path):
        copy_sqlite(places.vault, partial / KEYS, Steps(vault_done))
    else:
        copy_vault(places.vault, partial / KEYS, Steps(vault_done))
    head = _head(partial / LOG)
    media = list(_media(places.media, partial / MEDIA, _earlier(folder, head.log_id)))
    write_lines(partial / INDEX, media)
    tell(told("media      {files} files", files=len(media)))
    manifest = Manifest(
        taken_at=taken_at,
        log_id=head.log_id,
        incarnation=head.incarnation,
        head=head.position,
        vault=fingerprint(house.vault.secret()),
        log=part_of(partial, LOG),
        keys=part_of(partial, KEYS),
        index=part_of(partial, INDEX),
    )
    (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return manifest


def _head(log: Path) -> _Head:
    with closing(sqlite3.connect(log)) as copy:
        log_id, incarnation = copy.execute("SELECT id, incarnation FROM log").fetchone()
        (position,) = copy.execute("SELECT MAX(rowid) FROM stored_events").fetchone()
    return _Head(log_id, incarnation, position or 0)


def _publish(folder: Path, partial: Path) -> None:
    """Give everything its name, the manifest last: whatever stops us before, there is no manifest."""
    for name in (LOG, KEYS, INDEX, MANIFEST):
        (partial / name).chmod(0o600)
        sync(partial / name)
    names = [entry.name for entry in partial.iterdir() if entry.name != MANIFEST]
    for name in names:
        (partial / name).rename(folder / name)
    sync(folder)
    (partial / MANIFEST).rename(folder / MANIFEST)
    partial.rmdir()
    sync(folder)
    sync(folder.parent)


# --- media: encrypted files, whose names say nothing ---------------------------------------------------------------


def _media(source: Path, target: Path, earlier: Path | None) -> Iterator[Part]:
    """Copy the files; one that an earlier backup beside this one has, whole, is linked to it."""
    target.mkdir(mode=0o700)
    known = {part.file: part for part in read_lines(earlier)} if earlier is not None else {}
    for file in _files(source):
        copy = target / file
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = known.get(file)
        if earlier is not None and before is not None and _linked(earlier / MEDIA, before, source, copy):
            yield before
            continue
        try:
            shutil.copyfile(source / file, copy)
        except FileNotFoundError:  # forgotten a moment ago
            continue
        sync(copy)
        yield part_of(target, file)


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, but not what is still being written."""
    for inside, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.endswith(UNFINISHED):
                yield str((Path(inside) / name).relative_to(folder))


def _linked(earlier: Path, part: Part, source: Path, copy: Path) -> bool:
    """A file never changes once it is there, so one of the same name and size is the same, if the earlier copy is whole."""
    try:
        if (source / part.file).stat().st_size != part.bytes or not is_whole(earlier, part):
            return False
        os.link(earlier / part.file, copy)
    except OSError:
        return False
    return True


def _earlier(folder: Path, log_id: str) -> Path | None:
    """Return the newest backup of this log that lies beside, None where there is none."""
    found = []
    for other in folder.absolute().parent.iterdir():
        if other.is_dir() and other.name != folder.name and (other / MANIFEST).is_file():
            with contextlib.suppress(BadInput):
                found.append((read_manifest(other), other))
    ours = [(manifest.taken_at, other) for manifest, other in found if manifest.log_id == log_id]
    whole = [(at, other) for at, other in ours if is_whole(other, read_manifest(other).index)]
    return max(whole)[1] if whole else None
