"""The encrypted mode: who signed, and what is inside. Cipher and signature are wechatpy's; what it does not check is checked here."""

import hmac
import secrets
import struct
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.utils import WeChatSigner

from channels.wechat.limits import TIMESTAMP_S
from channels.wechat.settings import Settings
from channels.wechat.xml import cdata
from domain.errors import BadInput, BadSignature

Query = Mapping[str, str]

QUERIES_KEPT: Final = 256
_PARAMETERS_MAX: Final = 20
# What wechatpy lets through for text that it cannot decrypt: base64, blocks, padding, length, UTF-8.
_NOT_OURS: Final = (InvalidAppIdException, ValueError, IndexError, struct.error, OverflowError, TypeError)


@lru_cache(maxsize=QUERIES_KEPT)
def read_query(query: bytes) -> Query:
    """Return the parameters of a query string; of a repeated one the last. Raises BadInput.

    Kept a moment: who admits, who judges and who answers a request each ask for it.
    """
    try:
        found = dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=_PARAMETERS_MAX))
        return MappingProxyType(found)
    except ValueError:  # UnicodeDecodeError is one
        raise BadInput("the query cannot be read") from None


class Envelopes:
    """One account's seal. What is signed with its token but says another app id inside is somebody else's."""

    def __init__(self, settings: Settings) -> None:
        self._app_id = settings.app_id
        self._token = settings.token.get_secret_value()
        key: bytes = WeChatCrypto(self._token, settings.aes_key.get_secret_value(), settings.app_id).key
        self._cipher = PrpCrypto(key)

    def check(self, query: Query, now: datetime) -> None:
        """Raises BadSignature unless time stamp and nonce are signed, and recently."""
        timestamp = query.get("timestamp", "")
        self._compare(query.get("signature", ""), timestamp, query.get("nonce", ""))
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise BadSignature("the time stamp is missing")
        if abs(now.timestamp() - float(timestamp)) > TIMESTAMP_S:
            raise BadSignature("the time stamp is more than 5 minutes from our clock")

    def open(self, sealed: str, query: Query) -> bytes:
        """Return the XML inside. Raises BadSignature."""
        self._compare(
            query.get("msg_signature", ""), query.get("timestamp", ""), query.get("nonce", ""), sealed
        )
        try:
            opened: str = self._cipher.decrypt(sealed, self._app_id)
        except _NOT_OURS:
            raise BadSignature("the envelope cannot be opened, or is another account's") from None
        return opened.encode()

    def seal(self, xml: str, now: datetime) -> bytes:
        """Return an encrypted passive reply."""
        sealed: str = self._cipher.encrypt(xml, self._app_id).decode()
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
        signature = self._signature(timestamp, nonce, sealed)
        return (
            f"<xml><Encrypt>{cdata(sealed)}</Encrypt><MsgSignature>{cdata(signature)}</MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
        ).encode()

    def _compare(self, given: str, *signed: str) -> None:
        # wechatpy compares by !=, whose time tells how much is right.
        expected = self._signature(*signed)
        if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
            raise BadSignature("the signature is missing or wrong")

    def _signature(self, *parts: str) -> str:
        signer = WeChatSigner()
        signer.add_data(self._token, *parts)
        signature: str = signer.signature
        return signature
