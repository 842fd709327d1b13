"""Sealed files: chunks under one key, of which none can be changed, moved, left out or cut off without being noticed.

A file is its header (what leads to its key, the business of whoever writes it), then chunks of CHUNK_BYTES, the last one shorter. Each is
AES-GCM under a key that no other file has, so its number is the nonce; what is authenticated beside it is the file's name, its number and
whether it is the last.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import MediaGone, StoreUnavailable

CHUNK_BYTES: Final = 256 * 1024
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
PART: Final = ".part"
"""The end of the name of a file that is being written."""


class SealedFile:
    """One file that is written or read. ``name`` is what its chunks are bound to."""

    def __init__(self, path: Path, cipher: AESGCM, name: bytes) -> None:
        self._path, self._cipher, self._name = path, cipher, name

    async def write(self, header: bytes, chunks: AsyncIterator[bytes]) -> int:
        """Write it under another name, make it durable, and only then give it its own. Returns the size of what came, in bytes.

        Raises StoreUnavailable, and what ``chunks`` raises; then nothing is left of it.
        """
        part = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}{PART}")
        try:
            size = await self._write(part, header, chunks)
            await asyncio.to_thread(_settle, part, self._path)
        except OSError as error:
            raise StoreUnavailable("the media folder cannot be written: {why}", why=error.strerror) from None
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return size

    async def _write(self, part: Path, header: bytes, chunks: AsyncIterator[bytes]) -> int:
        await asyncio.to_thread(_begin, part, header)
        size, number, held = 0, 0, bytearray()
        async for chunk in chunks:
            size += len(chunk)
            held += chunk
            while len(held) > CHUNK_BYTES:  # one is always kept back: it may be the last
                await asyncio.to_thread(_add, part, self._seal(number, bytes(held[:CHUNK_BYTES]), last=False))
                del held[:CHUNK_BYTES]
                number += 1
        await asyncio.to_thread(_add, part, self._seal(number, bytes(held), last=True))
        return size

    async def read(self, begin: int) -> AsyncIterator[bytes]:
        """Yield what was written behind a header of ``begin`` bytes. Raises MediaGone, StoreUnavailable.

        The file is opened anew for each chunk: nobody who stops in the middle leaves it open.
        """
        number, last = 0, False
        while not last:
            at = begin + number * (CHUNK_BYTES + TAG_BYTES)
            sealed, last = await asyncio.to_thread(read_at, self._path, at, CHUNK_BYTES + TAG_BYTES)
            try:
                plain = self._cipher.decrypt(_nonce(number), sealed, self._bound_to(number, last=last))
            except (InvalidTag, ValueError):
                raise MediaGone("this file is damaged") from None
            if plain:
                yield plain
            number += 1

    def _seal(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number), plain, self._bound_to(number, last=last))

    def _bound_to(self, number: int, *, last: bool) -> bytes:
        return b"%b:%d:%d" % (self._name, number, last)


def read_at(path: Path, begin: int, size: int) -> tuple[bytes, bool]:
    """Return up to ``size`` bytes of a file, and whether they are its last. Raises MediaGone where it is not there, StoreUnavailable."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(size), begin + size >= os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise MediaGone("there is no such file") from None
    except OSError as error:
        raise StoreUnavailable("the media folder cannot be read: {why}", why=error.strerror) from None


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES, "big")


def _begin(part: Path, header: bytes) -> None:
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part.touch(mode=0o600, exist_ok=False)
    _add(part, header)


def _add(part: Path, data: bytes) -> None:
    with part.open("ab", buffering=0) as file:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]


def _settle(part: Path, path: Path) -> None:
    """Make a file durable under its own name: its bytes, then its name."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)
    for folder in (path.parent, path.parent.parent):  # the folder itself may be new
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
