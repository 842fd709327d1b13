"""What a short link is made of: the delivery, which address of its campaign, and a keyed hash of both. Nothing has to be kept for it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from bot.settings import accounts_of
from domain.identity import Account, Channel, DeliveryId

PATH: Final = "/l/"
WECHAT: Final = Channel("wechat")
"""Where links go out only with a domain that the brand had filed (shared/design/platform-rules.md)."""
DELIVERY_BYTES: Final = 16
INDEX_BYTES: Final = 1
MAC_BYTES: Final = 7
"""2^56 guesses over the network for one link that leads where its campaign leads anyway; a longer token is no short link."""
TOKEN_CHARS: Final = (DELIVERY_BYTES + INDEX_BYTES + MAC_BYTES) * 4 // 3


class ShortLinks:
    """Makes and reads them."""

    def __init__(self, secret: bytes, public_url: str | None, variables: Mapping[str, str]) -> None:
        """``secret``: the installation's. ``variables``: settings; WeChat's link domain is looked up whenever it is needed."""
        self._key = hmac.digest(secret, b"short links", hashlib.sha256)
        self._public_url, self._variables = public_url, variables

    def token(self, delivery: DeliveryId, index: int) -> str | None:
        """Return 32 letters, digits, ``-`` and ``_``; None where the delivery's id is no keyed hash, or there are too many addresses."""
        try:
            said = bytes.fromhex(delivery) + index.to_bytes(INDEX_BYTES, "big")
        except (ValueError, OverflowError):
            return None
        if len(said) != DELIVERY_BYTES + INDEX_BYTES:
            return None
        return base64.urlsafe_b64encode(said + self._mac(said)).decode()

    def read(self, token: str) -> tuple[DeliveryId, int] | None:
        """Return the delivery and the place of the address; None for a token that we did not make."""
        if len(token) != TOKEN_CHARS:
            return None
        try:
            whole = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return None
        said, mac = whole[:-MAC_BYTES], whole[-MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said)):
            return None
        return DeliveryId(said[:DELIVERY_BYTES].hex()), said[-1]

    def links(
        self, delivery: DeliveryId, channel: Channel, account: Account, addresses: Sequence[str]
    ) -> dict[str, str]:
        """Return the short link of each of a campaign's addresses, for one delivery; none where none may go out on this channel."""
        root = self._root(channel, account)
        if root is None:
            return {}
        made = ((address, self.token(delivery, index)) for index, address in enumerate(addresses))
        return {address: f"{root}{PATH}{token}" for address, token in made if token is not None}

    def _root(self, channel: Channel, account: Account) -> str | None:
        if channel != WECHAT:
            return self._public_url
        theirs = accounts_of(WECHAT, self._variables).values()
        domain = next((one.get("link_domain") for one in theirs if one.get("app_id") == account), None)
        return f"https://{domain}" if domain else None

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)[:MAC_BYTES]
