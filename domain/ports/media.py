"""Where files lie: those of messages, and those that a visitor of the web chat has handed over but not sent yet."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from domain.errors import MediaGone, PermanentFailure
from domain.identity import MediaId, Slug, SubjectId


class MediaStore(Protocol):
    """Files of messages, each sealed under its subject's key."""

    async def keep(self, media: MediaId, subject: SubjectId, chunks: AsyncIterator[bytes]) -> int:
        """Store a file in place of what was there, whole or not at all; durable when this returns. Returns its size in bytes.

        Raises SubjectForgotten, StoreUnavailable (a full disk), and whatever ``chunks`` raises.
        """
        ...

    def holds(self, media: MediaId, subject: SubjectId) -> bool:
        """Whether there is such a file. Reads the disk: to be called in a thread."""
        ...

    def open(self, media: MediaId, subject: SubjectId) -> AsyncIterator[bytes]:
        """Yield a file's bytes from the beginning. Raises MediaGone, also in the middle of a damaged one; StoreUnavailable."""
        ...

    def destroy(self, subject: SubjectId) -> int:
        """Remove every file of a subject, and return how many; harmless when it was done before. To be called in a thread.

        Raises StoreUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was handed over. Fields as in Attachment; ``name``: as its sender called it, made safe."""

    kind: Slug
    content_type: str
    size: int
    name: str


class Uploads(Protocol):
    """Files that visitors hand over before the message they go with. Whoever knows its handle, which nobody can guess, may send it."""

    async def take(self, chunks: AsyncIterator[bytes], name: str) -> tuple[str, Upload]:
        """Store a file, and return its handle and what it is.

        Raises PermanentFailure: ``too-large``, ``not-allowed``, ``lying-type``, ``empty``; StoreUnavailable.
        """
        ...

    async def find(self, handle: str) -> Upload | None:
        """Return what a handle stands for, None for one that is wrong or too old. Raises StoreUnavailable."""
        ...

    def open(self, handle: str) -> AsyncIterator[bytes]:
        """Yield the bytes. Raises PermanentFailure("gone"), TemporaryFailure where the disk is away."""
        ...


class MemoryMediaStore:
    """Files in memory."""

    def __init__(self) -> None:
        self._files: dict[SubjectId, dict[MediaId, bytes]] = {}

    async def keep(self, media: MediaId, subject: SubjectId, chunks: AsyncIterator[bytes]) -> int:
        """See MediaStore."""
        whole = b"".join([chunk async for chunk in chunks])
        self._files.setdefault(subject, {})[media] = whole
        return len(whole)

    def holds(self, media: MediaId, subject: SubjectId) -> bool:
        """See MediaStore."""
        return media in self._files.get(subject, {})

    async def open(self, media: MediaId, subject: SubjectId) -> AsyncIterator[bytes]:
        """See MediaStore."""
        if not self.holds(media, subject):
            raise MediaGone("there is no such file")
        whole = self._files[subject][media]
        if whole:
            yield whole

    def destroy(self, subject: SubjectId) -> int:
        """See MediaStore."""
        return len(self._files.pop(subject, {}))


class MemoryUploads:
    """Uploads in memory, taken for what ``as_`` says, whatever they are."""

    def __init__(self, as_: tuple[Slug, str] = (Slug("photo"), "image/png")) -> None:  # a NewType of str
        self._as = as_
        self.refuses: PermanentFailure | None = None
        """Raised instead of taking anything."""
        self.under_way = 0
        """How many are being taken."""
        self._files: dict[str, tuple[Upload, bytes]] = {}

    async def take(self, chunks: AsyncIterator[bytes], name: str) -> tuple[str, Upload]:
        """See Uploads. Handles are counted: these can be guessed."""
        self.under_way += 1
        try:
            whole = b"".join([chunk async for chunk in chunks])
        finally:
            self.under_way -= 1
        if self.refuses is not None or not whole:
            raise self.refuses or PermanentFailure("empty")
        handle = f"upload{len(self._files) + 1}"
        upload = Upload(*self._as, len(whole), name)
        self._files[handle] = (upload, whole)
        return handle, upload

    async def find(self, handle: str) -> Upload | None:
        """See Uploads."""
        found = self._files.get(handle)
        return None if found is None else found[0]

    async def open(self, handle: str) -> AsyncIterator[bytes]:
        """See Uploads."""
        if handle not in self._files:
            raise PermanentFailure("gone")
        yield self._files[handle][1]
