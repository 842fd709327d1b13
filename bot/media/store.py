"""The media store on disk: ``media/<keyed hash of the subject>/<media id>``, so that all files of a subject are found without a list.

Each file has a key of its own, sealed under its subject's key in the file's header: with the subject's key its files are gone, wherever
copies of them lie.
"""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.eventlog.keys import KEY_ID_BYTES, KeyRing, key_id, seal, unseal
from bot.media.sealed import NONCE_BYTES, TAG_BYTES, SealedFile, read_at
from domain.errors import MediaGone, StoreUnavailable
from domain.identity import KeyedHash, MediaId, SubjectId

FILE_KEY_BYTES: Final = 32
HEADER_BYTES: Final = KEY_ID_BYTES + NONCE_BYTES + FILE_KEY_BYTES + TAG_BYTES
_MEDIA_ID: Final = re.compile(r"[0-9a-f]{32}")


class FileMedia:
    """domain.ports.media.MediaStore in a folder."""

    def __init__(self, folder: Path, keys: KeyRing, digest: KeyedHash) -> None:
        self._folder, self._keys, self._digest = folder, keys, digest

    async def keep(self, media: MediaId, subject: SubjectId, chunks: AsyncIterator[bytes]) -> int:
        """See MediaStore."""
        path = self._path(media, subject)
        key = (await asyncio.to_thread(self._keys.keys_for, (subject,)))[subject]
        file_key = secrets.token_bytes(FILE_KEY_BYTES)
        header = seal(key, file_key, media.encode())
        size = await SealedFile(path, AESGCM(file_key), media.encode()).write(header, chunks)
        # Whose key was destroyed meanwhile (then this raises) would have a file that destroying did not find.
        try:
            await asyncio.to_thread(self._keys.keys_for, (subject,))
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        return size

    def holds(self, media: MediaId, subject: SubjectId) -> bool:
        """See MediaStore."""
        return self._path(media, subject).is_file()

    async def open(self, media: MediaId, subject: SubjectId) -> AsyncIterator[bytes]:
        """See MediaStore."""
        path = self._path(media, subject)
        cipher = await asyncio.to_thread(self._cipher, path, media)
        async for chunk in SealedFile(path, cipher, media.encode()).read(HEADER_BYTES):
            yield chunk

    def destroy(self, subject: SubjectId) -> int:
        """See MediaStore."""
        folder = self.folder_of(subject)
        try:
            files = sum(path.is_file() for path in folder.iterdir())
            shutil.rmtree(folder)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreUnavailable("the media folder cannot be written: {why}", why=error.strerror) from None
        return files

    def folder_of(self, subject: SubjectId) -> Path:
        """Return where the files of a subject lie; it may not exist."""
        return self._folder / self._digest("media-of", subject)

    def _path(self, media: MediaId, subject: SubjectId) -> Path:
        if not _MEDIA_ID.fullmatch(media):
            raise MediaGone("this is no file's name")
        return self.folder_of(subject) / media

    def _cipher(self, path: Path, media: MediaId) -> AESGCM:
        header, _ = read_at(path, 0, HEADER_BYTES)
        key = self._keys.keys_named((key_id(header),)).get(key_id(header))
        if key is None or key.cipher is None:
            raise MediaGone("the key of this file is gone")
        try:
            return AESGCM(unseal(key.cipher, header, media.encode()))
        except (InvalidTag, ValueError):
            raise MediaGone("this file is damaged") from None
