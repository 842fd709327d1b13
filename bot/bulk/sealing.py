"""What a job told, sealed: a report may quote what a file says of people, and waits in a database until it is read."""

import hashlib
import hmac
import os
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.bulk.carrying import Ended, Line
from bot.texts import Told

NONCE_BYTES: Final = 12


class Sealing:
    """AES-256-GCM under a key of the installation's secret; a line opens only as one of its job's."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(secret, b"bulk lines", hashlib.sha256))

    def seal(self, job: int, said: Line | Ended) -> bytes:
        """Return a line, or the end of a job, as it is kept."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(_plain(said)), _bound(job))

    def open(self, job: int, sealed: bytes) -> Line | Ended:
        """Return what was sealed. Raises cryptography's InvalidTag for what is not this job's."""
        plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(job))
        read: Line | Ended = _read(msgspec.json.decode(plain))
        return read


def _bound(job: int) -> bytes:
    return f"job {job}".encode()


def _plain(said: object) -> object:
    match said:
        case Ended(code=code, error=error):
            return {"code": code, "error": None if error is None else _plain(error)}
        case Told(text=text, values=values):
            return {"text": text, "values": {name: _plain(value) for name, value in values.items()}}
        case str() | int() | float() | None:
            return said
        case _:
            return str(said)  # as it would be shown


def _read(plain: Any) -> Any:  # noqa: ANN401  # JSON
    if not isinstance(plain, dict):
        return plain
    if "code" in plain:
        return Ended(plain["code"], _read(plain["error"]))
    return Told(plain["text"], {name: _read(value) for name, value in plain["values"].items()})
