"""The pages: ``/connect`` for whoever holds the link, and ``/``, where everybody may begin.

No inline script and no inline style; scripts and styles carry a nonce, and the script never parses HTML.
"""

import html
import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.connect.admission import SESSION_LIVES_S, form_token, is_form_token
from bot.connect.connecting import GUIDED, Connecting, Known, is_secret, kinds_of
from bot.settings import MAIN
from bot.texts import Texts
from channels.webchat.origin import is_ours
from channels.webchat.texts import preferred
from domain.errors import SiyuError
from domain.identity import Locale

STATIC: Final = Path(__file__).with_name("static")
COOKIE: Final = "siyu_connect"
FORM_TOKEN: Final = "X-Siyu-Form"  # noqa: S105  # a header's name
LONGEST_BODY_BYTES: Final = 16 * 1024
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

Handler = Callable[[Request], Awaitable[Response]]


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends to be saved."""

    channel: str
    account: str
    values: dict[str, str]
    renew: bool = False


class _ForbiddenError(Exception):
    """Who asks may not; the text says what to do."""


class _Pages:
    def __init__(self, connecting: Connecting) -> None:
        self._connecting, self._known = connecting, connecting.known
        self._template = Template((STATIC / "connect.html").read_text("utf8"))

    def routes(self) -> list[Route]:
        return [
            Route("/connect", self._guarded(self._page), methods=["GET"]),
            Route("/connect/state", self._guarded(self._state), methods=["GET"]),
            Route("/connect/save", self._guarded(self._save), methods=["POST"]),
            Route("/connect/static/{name}", _static, methods=["GET"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Answer 403 where the host, the session or the origin is not ours, before anything else is looked at."""

        async def guarded(request: Request) -> Response:
            try:
                if not is_our_host(request.headers.get("host"), self._known.settings.public_url):
                    raise _ForbiddenError(self._say(request, "This address is not Siyu's: open the link as it was printed."))
                return await handler(request)
            except _ForbiddenError as why:
                return self._forbidden(request, str(why))

        return guarded

    async def _page(self, request: Request) -> Response:
        session, key = request.cookies.get(COOKIE), request.query_params.get("key")
        entered: str | None = None
        if not self._connecting.admission.knows(session):
            entered = session = self._connecting.admission.enter(key) if key else None
        if session is None:
            raise _ForbiddenError(
                self._say(
                    request,
                    "This page needs a link that works once. On the server run: siyu connect --link, and open what it prints.",
                )
            )
        response = self._shown(request, session)
        if entered is not None:
            response.set_cookie(
                COOKIE,
                entered,
                max_age=int(SESSION_LIVES_S),
                path="/connect",
                secure=_is_https(request, self._known.settings.public_url),
                httponly=True,
                samesite="strict",
            )
        return response

    async def _state(self, request: Request) -> Response:
        self._session(request)
        asked = request.query_params
        try:
            state = await self._connecting.look(
                asked.get("channel", ""), asked.get("account", MAIN), Locale(language(request, self._known))
            )
        except SiyuError as error:
            return self._told(request, error)
        return JSONResponse(state, headers=_HEADERS)

    async def _save(self, request: Request) -> Response:
        session = self._session(request)
        origins = request.headers.getlist("origin")
        if not origins or not is_ours(origins, request.headers.get("host"), self._known.settings.public_url):
            raise _ForbiddenError(self._say(request, "This was not sent from Siyu's own page."))
        if not is_form_token(session, request.headers.get(FORM_TOKEN, "")):
            raise _ForbiddenError(self._say(request, "This was not sent from Siyu's own page."))
        try:
            wanted = msgspec.json.decode(await _body(request), type=_Wanted)
        except (msgspec.MsgspecError, ValueError):
            return PlainTextResponse("this is no form of ours\n", 400, headers=_HEADERS)
        try:
            asked = await self._asked(wanted.channel)
            values = {key: value for key, value in wanted.values.items() if key in asked}
            made = await self._connecting.save(wanted.channel, wanted.account, values, renew=wanted.renew)
        except SiyuError as error:
            return self._told(request, error)
        return JSONResponse({"made": made}, headers=_HEADERS)

    async def _asked(self, channel: str) -> set[str]:
        state = await self._connecting.look(channel)
        return {ask["key"] for ask in state["asks"]}

    def _session(self, request: Request) -> str:
        session = request.cookies.get(COOKIE)
        if session is None or not self._connecting.admission.knows(session):
            raise _ForbiddenError(
                self._say(request, "This session is over. On the server run: siyu connect --link, and open what it prints.")
            )
        return session

    def _told(self, request: Request, error: SiyuError) -> Response:
        said = self._known.texts.told(error, Locale(language(request, self._known)))
        return JSONResponse({"error": said}, 400, headers=_HEADERS)

    def _say(self, request: Request, text: str) -> str:
        return self._known.texts.say(text, Locale(language(request, self._known)))

    def _forbidden(self, request: Request, why: str) -> Response:
        if request.url.path != "/connect":
            return JSONResponse({"error": why}, 403, headers=_HEADERS)
        spoken = language(request, self._known)
        words = {"title": self._say(request, "Connect a channel"), "why": why, "back": self._say(request, "Back to the start")}
        return _html(_template("refused.html"), {**words, "lang": _tag(spoken)}, status=403)

    def _shown(self, request: Request, session: str) -> Response:
        spoken = language(request, self._known)
        words = labels(self._known.texts, Locale(spoken))
        channels = [{"id": kind.name, "title": kind.guide().title if False else kind.name} for kind in GUIDED]
        fields = {
            **words,
            "lang": _tag(spoken),
            "form": form_token(session),
            "texts": json.dumps(words, ensure_ascii=False),
            "channels": json.dumps(channels, ensure_ascii=False),
            "secure": "yes" if _is_private(request, self._known.settings.public_url) else "no",
        }
        return _html(self._template, fields)
