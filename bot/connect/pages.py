"""``/connect``, for whoever holds the link that works once, and then for their browser."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.connect.admission import SESSION_LIVES_S, form_token, is_form_token
from bot.connect.connecting import GUIDED, Connecting
from bot.connect.document import HEADERS, document, is_https, is_our_host, is_private, language, static
from bot.settings import MAIN
from bot.texts import Texts
from channels.webchat.origin import is_ours
from domain.errors import BadInput, NotAllowed, SiyuError
from domain.identity import Locale

COOKIE: Final = "siyu_connect"
FORM_TOKEN: Final = "X-Siyu-Form"  # noqa: S105  # a header's name
LONGEST_BODY_BYTES: Final = 16 * 1024

Handler = Callable[[Request], Awaitable[Response]]


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends to be saved."""

    channel: str
    account: str
    values: dict[str, str]
    renew: bool = False


def pages(connecting: Connecting) -> list[Route]:
    """Return the addresses of the page."""
    page = _Page(connecting)
    return [
        Route("/connect", page.guarded(page.page), methods=["GET"]),
        Route("/connect/state", page.guarded(page.state), methods=["GET"]),
        Route("/connect/save", page.guarded(page.save), methods=["POST"]),
        Route("/connect/static/{name}", static, methods=["GET"]),
    ]


class _Page:
    def __init__(self, connecting: Connecting) -> None:
        self._connecting, self._known = connecting, connecting.known

    def guarded(self, handler: Handler) -> Handler:
        """Answer 403 where host, session or origin is not ours, 400 where something else is wrong; each says what to do."""

        async def guarded(request: Request) -> Response:
            try:
                if not is_our_host(request.headers.get("host"), self._known.settings.public_url):
                    raise NotAllowed("this address is not Siyu's: open the link as it was printed")
                return await handler(request)
            except NotAllowed as error:
                return self._refused(request, error, 403)
            except SiyuError as error:
                return self._refused(request, error, 400)

        return guarded

    async def page(self, request: Request) -> Response:
        """Show the page, and let a browser that brings a key come back without it."""
        session, entered = request.cookies.get(COOKIE, ""), None
        if not self._connecting.admission.knows(session):
            entered = self._connecting.admission.enter(request.query_params.get("key", ""))
            if entered is None:
                raise NotAllowed(
                    "this page needs a link that works once: on the server run siyu connect --link, and open what it prints"
                )
            session = entered
        spoken = language(request, self._known.settings.locale)
        words = labels(self._known.texts, spoken)
        fields = {
            **words,
            "form": form_token(session),
            "texts": json.dumps(words, ensure_ascii=False),
            "channels": " ".join(kind.name for kind in GUIDED),
            "private": "yes" if is_private(request, self._known.settings.public_url) else "no",
        }
        response = document("connect.html", fields, spoken)
        if entered is not None:
            response.set_cookie(
                COOKIE,
                entered,
                max_age=int(SESSION_LIVES_S),
                path="/connect",
                secure=is_https(request, self._known.settings.public_url),
                httponly=True,
                samesite="strict",
            )
        return response

    async def state(self, request: Request) -> Response:
        """Tell how far an account is."""
        self._session(request)
        asked, spoken = request.query_params, language(request, self._known.settings.locale)
        state = await self._connecting.look(asked.get("channel", ""), asked.get("account", MAIN), spoken)
        return JSONResponse(state, headers=HEADERS)

    async def save(self, request: Request) -> Response:
        """Keep what was typed; what was made meanwhile is shown this once."""
        session = self._session(request)
        origins = request.headers.getlist("origin")
        ours = bool(origins) and is_ours(
            origins, request.headers.get("host"), self._known.settings.public_url
        )
        if not ours or not is_form_token(session, request.headers.get(FORM_TOKEN, "")):
            raise NotAllowed("this was not sent from Siyu's own page: reload it and try again")
        wanted = await _wanted(request)
        state = await self._connecting.look(wanted.channel, wanted.account)
        asked = {ask["key"] for ask in state["asks"]}
        values = {key: value for key, value in wanted.values.items() if key in asked}
        made = await self._connecting.save(wanted.channel, wanted.account, values, renew=wanted.renew)
        return JSONResponse({"made": made}, headers=HEADERS)

    def _session(self, request: Request) -> str:
        session = request.cookies.get(COOKIE, "")
        if not self._connecting.admission.knows(session):
            raise NotAllowed(
                "this session is over: on the server run siyu connect --link, and open what it prints"
            )
        return session

    def _refused(self, request: Request, error: SiyuError, status: int) -> Response:
        spoken, texts = language(request, self._known.settings.locale), self._known.texts
        why = texts.told(error, spoken)
        if request.url.path != "/connect":
            return JSONResponse({"error": why}, status, headers=HEADERS)
        title, back = texts.say("Connect a channel", spoken), texts.say("Back to the start", spoken)
        return document("refused.html", {"title": title, "why": why, "back": back}, spoken, status)


async def _wanted(request: Request) -> _Wanted:
    """Read a form. Raises BadInput."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadInput("this is no form of Siyu's page: reload it and try again")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY_BYTES:
            raise BadInput("this is no form of Siyu's page: reload it and try again")
    try:
        return msgspec.json.decode(body, type=_Wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadInput("this is no form of Siyu's page: reload it and try again") from None


def labels(texts: Texts, locale: Locale) -> Mapping[str, str]:
    """Return the words of the page in a language."""

    def say(text: str) -> str:
        return texts.say(text, locale)

    return {
        "title": say("Connect a channel"),
        "intro": say("Fill in what is missing; each step is ticked off as soon as it holds."),
        "save": say("Save and connect"),
        "saving": say("Saving…"),
        "is_set": say("set; leave it empty to keep it"),
        "copy_now": say("Copy this to the provider now: it is not shown again."),
        "copy": say("Copy"),
        "copied": say("Copied"),
        "renew": say("Make new ones"),
        "done": say("Connected. You may close this page."),
        "optional": say("optional"),
        "later": say("once Siyu runs"),
        "blocked": say("after the steps above"),
        "passed": say("done"),
        "failed": say("needs you"),
        "waiting": say("waiting"),
        "steps": say("Steps"),
        "away": say("Siyu does not answer: trying again."),
        "not_private": say(
            "This connection is not encrypted: others on the way can read what you type. Use https, or open the page on the server itself."
        ),
        "no_script": say("This page needs JavaScript. Please switch it on and reload the page."),
        "back": say("Back to the start"),
        "channel_telegram": "Telegram",
        "channel_wechat": say("WeChat"),
    }
