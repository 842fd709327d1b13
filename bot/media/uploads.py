"""Files that visitors handed over and have not sent yet: sealed under a key that only their handle leads to.

The handle goes into the message, which is sealed under the visitor's key: once that is destroyed nobody opens the file any more, even
before it is swept away.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.media.sealed import CHUNK_BYTES, PART, TAG_BYTES, SealedFile, read_at
from bot.media.types import kind_shown, peeked, safe_name, type_of
from domain.errors import MediaGone, PermanentFailure, StoreUnavailable, TemporaryFailure
from domain.identity import Slug
from domain.ports.media import Upload

MEDIA: Final = "media"
UPLOADS: Final = "uploads"
"""Folders in the data folder."""
HANDLE_BYTES: Final = 32
KEPT_S: Final = 24 * 3600
"""How long a file waits for its message to be fetched; then it is swept away."""
LABEL_BYTES: Final = 1024
"""The sealed label that begins each file, padded: what it is, and as what it is sent."""
_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LABEL_NONCE: Final = b"\xff" * 12
"""No chunk has this number."""
_label = msgspec.msgpack.Decoder(tuple[str, str, str])


class FileUploads:
    """domain.ports.media.Uploads in a folder. ``limit_bytes``: of one file."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes

    async def take(self, chunks: AsyncIterator[bytes], name: str) -> tuple[str, Upload]:
        """See Uploads."""
        head, whole = await peeked(chunks, self._limit_bytes)
        type_ = type_of(head)
        kind = kind_shown(type_)
        safe = safe_name(name, type_, kind)
        handle = secrets.token_urlsafe(HANDLE_BYTES)
        path, cipher = self._place(handle)
        packed = msgspec.msgpack.encode((kind.value, type_.value, safe)).ljust(LABEL_BYTES - TAG_BYTES, b"\0")
        label = cipher.encrypt(_LABEL_NONCE, packed, path.name.encode())
        size = await SealedFile(path, cipher, path.name.encode()).write(label, whole)
        return handle, Upload(Slug(kind.value), type_.value, size, safe)

    async def find(self, handle: str) -> Upload | None:
        """See Uploads."""
        if not _HANDLE.fullmatch(handle):
            return None
        return await asyncio.to_thread(self._find, handle)

    def _find(self, handle: str) -> Upload | None:
        path, cipher = self._place(handle)
        try:
            label, _ = read_at(path, 0, LABEL_BYTES)
            sealed_bytes = path.stat().st_size - LABEL_BYTES
            packed = cipher.decrypt(_LABEL_NONCE, label, path.name.encode()).rstrip(b"\0")
        except (MediaGone, FileNotFoundError, InvalidTag, ValueError):
            return None
        kind, content_type, name = _label.decode(packed)
        return Upload(Slug(kind), content_type, _plain_size(sealed_bytes), name)

    async def open(self, handle: str) -> AsyncIterator[bytes]:
        """See Uploads."""
        if not _HANDLE.fullmatch(handle):
            raise PermanentFailure("gone")
        path, cipher = self._place(handle)
        try:
            async for chunk in SealedFile(path, cipher, path.name.encode()).read(LABEL_BYTES):
                yield chunk
        except MediaGone:
            raise PermanentFailure("gone") from None
        except StoreUnavailable:
            raise TemporaryFailure("store-away") from None

    def _place(self, handle: str) -> tuple[Path, AESGCM]:
        """Return where the file lies and its key: two hashes of the handle, of which neither leads to the other."""
        name = hashlib.sha256(b"name:" + handle.encode()).hexdigest()
        return self._folder / name, AESGCM(hashlib.sha256(b"key:" + handle.encode()).digest())


def sweep_media(data: Path) -> None:
    """Remove uploads that nobody sent, and what a kill left half written. Works on the disk: to be called in a thread."""
    _sweep(data / UPLOADS)
    _sweep(data / MEDIA, PART)


def _sweep(folder: Path, ends: str = "") -> None:
    before = time.time() - KEPT_S
    for path in folder.rglob(f"*{ends}"):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            continue  # it got its own name, or was removed


def _plain_size(sealed_bytes: int) -> int:
    chunks = -(-sealed_bytes // (CHUNK_BYTES + TAG_BYTES))
    return sealed_bytes - chunks * TAG_BYTES
