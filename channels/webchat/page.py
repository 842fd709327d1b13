"""The page: one HTML template, its scripts and its style, and the cookie that says who comes back.

No inline script and no inline style, so that the Content-Security-Policy can forbid both; the script never parses
HTML, and Trusted Types make a browser refuse if it ever did.
"""

import hashlib
import html
import json
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from channels.channel import Desk
from channels.webchat import texts
from channels.webchat.limits import COOKIE_AGE_S, VISITOR_TEXT_UNITS
from channels.webchat.visitor import COOKIE, is_token, new_token

STATIC: Final = Path(__file__).with_name("static")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_NOSNIFF: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of static/, as it is served."""

    content: bytes
    media_type: str
    etag: str


def _assets() -> dict[str, Asset]:
    """Read what is served: the template is not."""
    return {
        path.name: Asset(content, _TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
        for path in sorted(STATIC.iterdir())
        if path.suffix in _TYPES
        for content in (path.read_bytes(),)
    }


class Page:
    """``path``: where the page is, ``/chat`` or ``/chat/<account>``."""

    def __init__(self, path: str, desk: Desk, frame_ancestors: str) -> None:
        self._path, self._desk = path, desk
        self._assets = _assets()
        self._template = Template((STATIC / "chat.html").read_text(encoding="utf-8"))
        self._headers = {
            **_NOSNIFF,
            "Content-Security-Policy": _content_security_policy(frame_ancestors),
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
            "Vary": "Accept-Language, Cookie",
        }

    def routes(self) -> list[Route]:
        """Return the page's addresses."""
        return [
            Route(self._path, self._chat, methods=["GET"]),
            Route(f"{self._path}/static/{{name}}", self._static, methods=["GET"]),
        ]

    async def _chat(self, request: Request) -> Response:
        """Show the page, and let the browser remember its visitor for another year.

        Somebody who follows a link from another site comes without a SameSite=Strict cookie even if they have one: a
        new one would overwrite it and lose their conversation. They get none here; the page asks again by itself,
        and then the browser sends what it has.
        """
        language = texts.language(request.headers.get("accept-language"), self._desk.locale)
        token = request.cookies.get(COOKIE)
        known = token if token is not None and is_token(token) else None
        from_elsewhere = known is None and request.headers.get("sec-fetch-site") == "cross-site"
        response = HTMLResponse(self._render(language, ask_again=from_elsewhere), headers=self._headers)
        if not from_elsewhere:
            response.set_cookie(
                COOKIE,
                known or new_token(),
                max_age=COOKIE_AGE_S,
                path="/chat",
                secure=self._is_https(request),
                httponly=True,
                samesite="strict",
            )
        return response

    async def _static(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("no such file\n", 404, headers=_NOSNIFF)
        headers = {**_NOSNIFF, "Cache-Control": "no-cache", "ETag": asset.etag}
        if asset.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)

    def _render(self, language: str, *, ask_again: bool) -> str:
        brand = self._desk.brand
        said = texts.translated(texts.PAGE, self._desk.say, language)
        words = {key: text.replace("{brand}", brand) for key, text in said.items()}
        fields = {
            **words,
            "brand": brand,
            "initial": brand.strip()[:1].upper() or "·",
            "lang": {"zh": "zh-CN"}.get(language, language),
            "here": self._path.rpartition("/")[2],
            "units": str(VISITOR_TEXT_UNITS),
            "ask_again": "yes" if ask_again else "no",
            "texts": json.dumps(words, ensure_ascii=False),
        }
        return self._template.substitute({key: html.escape(text, quote=True) for key, text in fields.items()})

    def _is_https(self, request: Request) -> bool:
        """Whether the browser came by https: to us, or to the proxy at our public address."""
        public = urlsplit(self._desk.public_url or "")
        through_proxy = public.scheme == "https" and request.headers.get("host") == public.netloc
        return request.url.scheme == "https" or through_proxy


def _content_security_policy(frame_ancestors: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frame_ancestors}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
