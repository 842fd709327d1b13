"""The key that wraps all others: a file with mode 0600, the newest key in its first line.

While keys are being re-wrapped the file holds the old one too, so that a crash in between loses nothing. What a key wrapped starts with
a fingerprint of that key, so a file that was swapped is noticed.
"""

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.eventlog.keys import NONCE_BYTES
from domain.errors import BadSettings, StoreUnavailable

KEY_BYTES = 32
FINGERPRINT_BYTES = 4
OTHERS = 0o077
"""Any right of the group or of everybody."""


class MasterKey:
    """Wraps and unwraps. ``keys``: the newest first."""

    def __init__(self, path: Path, keys: list[bytes]) -> None:
        self.path = path
        self._keys = {_fingerprint(key): AESGCM(key) for key in keys}
        self._plain = keys
        self.newest = _fingerprint(keys[0])

    @classmethod
    def load(cls, path: Path) -> "MasterKey | None":
        """Read the file; None where there is none. Raises BadSettings for one that others may read, or that is no key."""
        try:
            mode = path.stat().st_mode
            lines = path.read_text("ascii").split()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(
                "the master key {path} cannot be read: {error}", path=path, error=error
            ) from error
        if mode & OTHERS:
            raise BadSettings("others may read the master key {path}: chmod 600 {path}", path=path)
        try:
            keys = [bytes.fromhex(line) for line in lines]
        except ValueError:
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise BadSettings(
                "{path} holds no master key ({what} hexadecimal digits): restore it from your backup",
                path=path,
                what=2 * KEY_BYTES,
            )
        return cls(path, keys)

    @classmethod
    def make(cls, path: Path) -> "MasterKey":
        """Write a new key; the one that another process wrote at the same moment wins. Raises StoreUnavailable, BadSettings."""
        key = secrets.token_bytes(KEY_BYTES)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            _write(draft, [key])
            try:
                os.link(draft, path)
            except FileExistsError:
                return cls.load(path) or cls.make(path)
            finally:
                draft.unlink()
            _sync(path.parent)
        except OSError as error:
            raise StoreUnavailable(
                "the master key {path} cannot be written: {strerror}", path=path, strerror=error.strerror
            ) from error
        return cls(path, [key])

    def wrap(self, key: bytes, bound_to: str) -> bytes:
        """Encrypt a key under the newest master key."""
        nonce = os.urandom(NONCE_BYTES)
        return self.newest + nonce + self._keys[self.newest].encrypt(nonce, key, bound_to.encode())

    def unwrap(self, wrapped: bytes, bound_to: str) -> bytes:
        """Reverse ``wrap``. Raises BadSettings where this is not the master key that wrapped it."""
        cipher = self._keys.get(wrapped[:FINGERPRINT_BYTES])
        body = FINGERPRINT_BYTES + NONCE_BYTES
        try:
            if cipher is not None:
                return cipher.decrypt(wrapped[FINGERPRINT_BYTES:body], wrapped[body:], bound_to.encode())
        except InvalidTag:
            pass
        raise BadSettings(
            "{path} is not the master key of this vault: restore the one it was made with", path=self.path
        )

    def joined_by(self, newest: bytes) -> "MasterKey":
        """Write the file with one more key, which wraps from now on. Raises StoreUnavailable."""
        return self._rewritten([newest, *(key for key in self._plain if key != newest)])

    def alone(self) -> "MasterKey":
        """Write the file with the newest key only. Raises StoreUnavailable."""
        return self._rewritten(self._plain[:1])

    def _rewritten(self, keys: list[bytes]) -> "MasterKey":
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            _write(draft, keys)
            draft.rename(self.path)
            _sync(self.path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StoreUnavailable(
                "the master key {path} cannot be written: {strerror}", path=self.path, strerror=error.strerror
            ) from error
        return MasterKey(self.path, keys)


def _fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(b"siyu master key\0" + key).digest()[:FINGERPRINT_BYTES]


def _write(path: Path, keys: list[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{key.hex()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
