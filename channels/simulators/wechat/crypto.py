"""WeChat's side of the encrypted mode: signatures, and envelopes sealed with the account's EncodingAESKey.

An envelope is AES-256-CBC over 16 random bytes, the length in 4 bytes, the XML and the app id, padded to blocks
of 32 bytes; the first half of the key is the IV (developers.weixin.qq.com, "消息加解密说明", read 2026-11).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK: Final = 32
_RANDOM: Final = 16
_LENGTH: Final = 4


class Unreadable(Exception):
    """No envelope of this account's."""


def signed(*parts: str) -> str:
    """SHA-1 over the sorted parts, in hex: of token, time stamp and nonce, and for an envelope of its text too."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the protocol's


class Envelopes:
    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        self._token = token
        self._key = base64.b64decode(f"{aes_key}=")
        self._app_id = app_id

    def seal(self, xml: bytes, app_id: str | None = None) -> str:
        """The envelope in base64; another `app_id` inside is what an impostor would write."""
        inside = secrets.token_hex(_RANDOM // 2).encode() + len(xml).to_bytes(_LENGTH, "big") + xml
        inside += (self._app_id if app_id is None else app_id).encode()
        padding = _BLOCK - len(inside) % _BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(inside + bytes([padding]) * padding) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, envelope: str, signature: str, timestamp: str, nonce: str) -> bytes:
        """The XML. Raises Unreadable for a wrong signature, a wrong key and another account's app id."""
        if not hmac.compare_digest(signature, signed(self._token, timestamp, nonce, envelope)):
            raise Unreadable("wrong signature")
        try:
            decryptor = self._cipher().decryptor()
            sealed = base64.b64decode(envelope, validate=True)
            inside = decryptor.update(sealed) + decryptor.finalize()
        except (binascii.Error, ValueError) as error:
            raise Unreadable("no ciphertext") from error
        if not inside or not 1 <= inside[-1] <= _BLOCK:
            raise Unreadable("wrong padding")
        inside = inside[: -inside[-1]]
        start = _RANDOM + _LENGTH
        length = int.from_bytes(inside[_RANDOM:start], "big")
        if inside[start + length :] != self._app_id.encode():
            raise Unreadable("another app id, or no app id")
        return inside[start : start + length]

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
