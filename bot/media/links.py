"""Links to files: short-lived, signed, and served so that a browser saves them and never runs them."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.media.letters import Attachments
from domain.errors import MediaGone, StoreUnavailable
from domain.identity import MediaId
from domain.ports.messenger import Attachment

LINK_LIVES_S: Final = 3600
"""Long enough for a page that is open; a page that is opened again gets new links."""
_ID_BYTES: Final = 16
_TIME_BYTES: Final = 6
_MAC_BYTES: Final = 16
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


class Links:
    """Makes and reads tokens: the file's id, when it ends, and a keyed hash of both."""

    def __init__(self, secret: bytes, clock: Callable[[], datetime]) -> None:
        """``secret``: the installation's."""
        self._key = hmac.digest(secret, b"media links", hashlib.sha256)
        self._clock = clock

    def link(self, media: MediaId) -> str:
        """Return where a file is found for the next LINK_LIVES_S, as a path of our own server."""
        ends = int(self._clock().timestamp()) + LINK_LIVES_S
        said = bytes.fromhex(media) + ends.to_bytes(_TIME_BYTES, "big")
        token = base64.urlsafe_b64encode(said + self._mac(said)).decode().rstrip("=")
        return f"/media/{token}"

    def read(self, token: str) -> MediaId | None:
        """Return whose link this is; None for one that is forged or over."""
        try:
            whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        said, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
        if len(said) != _ID_BYTES + _TIME_BYTES or not hmac.compare_digest(mac, self._mac(said)):
            return None
        if int.from_bytes(said[_ID_BYTES:], "big") < self._clock().timestamp():
            return None
        return MediaId(said[:_ID_BYTES].hex())

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)[:_MAC_BYTES]


def media_route(links: Links, attachments: Attachments) -> Route:
    """Return ``GET /media/{token}``: 404 for whatever cannot be shown, and never why."""

    async def serve(request: Request) -> Response:
        media = links.read(request.path_params["token"])
        try:
            found = None if media is None else await asyncio.to_thread(attachments.find, media)
            if found is None:
                return PlainTextResponse("no such file\n", 404, headers=_HEADERS)
            chunks = found.read()
            first = await anext(chunks, b"")  # a file that cannot be opened is told before the answer begins
        except MediaGone:
            return PlainTextResponse("no such file\n", 404, headers=_HEADERS)
        except StoreUnavailable:
            return PlainTextResponse("come again later\n", 503, headers={**_HEADERS, "Retry-After": "5"})
        return StreamingResponse(_joined(first, chunks), headers=_headers(found))

    return Route("/media/{token}", serve, methods=["GET"])


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _headers(found: Attachment) -> dict[str, str]:
    plain = found.name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        **_HEADERS,
        "Content-Type": found.content_type,
        "Content-Length": str(found.size),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name, safe='')}",
    }
