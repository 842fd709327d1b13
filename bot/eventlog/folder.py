"""One process a data folder: a lock that the kernel gives back whatever becomes of the process."""

import contextlib
import fcntl
import os
from pathlib import Path

from domain.errors import StoreInUse, StoreUnavailable

LOCK_NAME = "siyu.lock"


class FolderLock:
    """Holds a data folder until ``release``."""

    def __init__(self, descriptor: int) -> None:
        """``descriptor``: of the lock file, already locked."""
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let the next one in. Harmless when it was done before."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_folder(folder: Path) -> FolderLock:
    """Make the folder (mode 0700) where it is missing, and lock it.

    Raises StoreInUse while another process (or another part of this one) holds it, StoreUnavailable where it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            "the data folder {folder} cannot be used: {strerror}", folder=folder, strerror=error.strerror
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreInUse(
            "another Siyu (process {holder}) is using {folder}: stop it, or set SIYU_DATA to another folder",
            holder=holder,
            folder=folder,
        ) from None
    with contextlib.suppress(OSError):  # a full disk: the number is a courtesy, the lock holds without it
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return FolderLock(descriptor)
