"""The manifest of a backup: which log it is, up to where, and what its files must be. Nothing in it is personal, nothing is secret.

It is written last: a folder without it is no backup.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from domain.errors import BadInput

FORMAT = 1
MANIFEST = "manifest.json"
LOG, KEYS, MEDIA, INDEX = "log.db", "keys.db", "media", "media.jsonl"
FINGERPRINT_BYTES = 8


class Part(msgspec.Struct, frozen=True):
    """A file, by its path in the backup (in the media's folder, for media)."""

    file: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``head``: the last position. ``vault``: tells installations apart (a keyed hash of nothing but its own key)."""

    format: int = FORMAT
    taken_at: datetime
    log_id: str
    incarnation: int
    head: int
    vault: str
    log: Part
    keys: Part
    index: Part
    """Of the media: a Part a line."""


def fingerprint(secret: bytes) -> str:
    """Return what tells one installation's vault from another's, without a hint at its secret."""
    return hmac.digest(secret, b"siyu backup", hashlib.sha256).hex()[: 2 * FINGERPRINT_BYTES]


def part_of(folder: Path, file: str) -> Part:
    """Look at a file as it is now. Raises OSError."""
    path = folder / file
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    return Part(file, path.stat().st_size, digest.hexdigest())


def is_whole(folder: Path, part: Part) -> bool:
    """Whether a file is what it was; one that is missing is not."""
    try:
        return (folder / part.file).stat().st_size == part.bytes and part_of(folder, part.file) == part
    except OSError:
        return False


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises BadInput where there is none, or none of this Siyu's."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError:
        raise BadInput(
            "{folder} holds no complete backup: there is no {file} in it", folder=folder, file=MANIFEST
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput("{file} is damaged: {error}", file=folder / MANIFEST, error=error) from None
    if manifest.format != FORMAT:
        raise BadInput(
            "{folder} was made by another version of Siyu: restore it with that one", folder=folder
        )
    return manifest


def write_lines(path: Path, parts: Iterable[Part]) -> None:
    """Write the index of the media. Raises OSError."""
    with path.open("wb") as lines:
        lines.writelines(msgspec.json.encode(part) + b"\n" for part in parts)


def read_lines(folder: Path) -> Iterator[Part]:
    """Yield the media of a backup. Raises BadInput for a line that is none, or leads elsewhere."""
    with (folder / INDEX).open("rb") as lines:
        for line in lines:
            try:
                part = msgspec.json.decode(line, type=Part)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadInput("{file} is damaged: {error}", file=folder / INDEX, error=error) from None
            place = PurePosixPath(part.file)
            if place.is_absolute() or ".." in place.parts:
                raise BadInput(
                    "{file} is damaged: {error}", file=folder / INDEX, error="a path leads out of it"
                )
            yield part
