"""Files of visitors: handed over by ``POST /chat/media`` first, and then named by the message they go with."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.channel import Desk
from channels.webchat import origin, texts
from channels.webchat.errors import NO_FILE, TOO_FAST, UNAVAILABLE
from channels.webchat.limits import (
    UPLOAD_TIMEOUT_S,
    UPLOADS_AT_ONCE,
    UPLOADS_BURST,
    UPLOADS_PER_S,
    VISITORS_REMEMBERED,
    Buckets,
)
from channels.webchat.visitor import COOKIE, external_id, is_token
from domain.errors import PermanentFailure, StoreUnavailable
from domain.identity import Locale
from domain.ports.media import Uploads

VISITOR_HEADER: Final = "x-siyu-visitor"
"""The token, where a browser keeps our cookie back: in a frame on somebody else's site."""
NAME_HEADER: Final = "x-file-name"
"""What the file is called, percent-encoded: a URL is no place for what a person wrote."""
_STATUS: Final = {
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "other-session": HTTPStatus.UNAUTHORIZED,
    "refused": HTTPStatus.FORBIDDEN,
    TOO_FAST: HTTPStatus.TOO_MANY_REQUESTS,
    UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    NO_FILE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class VisitorsFiles:
    """A MediaSource: what visitors handed over."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def fetch(self, details: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """See MediaSource."""
        async for chunk in self._uploads.open(str(details.get("file_id"))):
            yield chunk


class UploadPoint:
    """The endpoint. Who may open a socket may hand over a file."""

    def __init__(self, path: str, desk: Desk) -> None:
        self._path, self._desk = path, desk
        self._pace = Buckets(UPLOADS_BURST, UPLOADS_PER_S, VISITORS_REMEMBERED)
        self._under_way = 0
        self.open = False

    def route(self) -> Route:
        """Return its address."""
        return Route(f"{self._path}/media", self._take, methods=["POST"])

    async def _take(self, request: Request) -> Response:
        reason = self._refusal(request)
        if reason is not None:
            return self._refused(request, reason)
        self._under_way += 1
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_S):
                name = unquote(request.headers.get(NAME_HEADER, ""))
                handle, upload = await self._desk.uploads.take(request.stream(), name)
        except PermanentFailure as failure:
            return self._refused(request, "too-large" if failure.reason == "too-large" else NO_FILE)
        except (StoreUnavailable, TimeoutError):
            return self._refused(request, UNAVAILABLE)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        finally:
            self._under_way -= 1
        taken = {"file": handle, "kind": upload.kind, "name": upload.name, "size": upload.size}
        return JSONResponse(taken, headers=_HEADERS)

    def _refusal(self, request: Request) -> str | None:
        headers = request.headers
        if not origin.is_ours(headers.getlist("origin"), headers.get("host"), self._desk.public_url):
            return "refused"
        token = request.cookies.get(COOKIE) or headers.get(VISITOR_HEADER)
        if token is None or not is_token(token):
            return "other-session"
        if not self._pace.take(external_id(token), self._desk.clock()):
            return TOO_FAST
        if headers.get("content-encoding", "identity").lower() != "identity":
            return NO_FILE
        return None if self.open and self._under_way < UPLOADS_AT_ONCE else UNAVAILABLE

    def _refused(self, request: Request, reason: str) -> Response:
        language = texts.language(request.headers.get("accept-language"), self._desk.locale)
        told = {"reason": reason, "text": self._desk.say(texts.ERRORS[reason], Locale(language))}
        return JSONResponse(told, _STATUS[reason], headers=_HEADERS)
