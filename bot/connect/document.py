"""A page of ours as it is served: a template, a nonce, and headers that let nothing else in and nobody frame it."""

import html
import ipaddress
import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from channels.webchat.texts import preferred
from domain.identity import Locale

STATIC: Final = Path(__file__).with_name("static")
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}


def document(template: str, fields: Mapping[str, str], language: Locale, status: int = 200) -> Response:
    """Return a page; ``fields`` are escaped. ``template``: a file of static/."""
    nonce = secrets.token_urlsafe(16)
    escaped = {key: html.escape(text, quote=True) for key, text in fields.items()}
    lang = {"zh": "zh-CN"}.get(language, language)
    text = Template((STATIC / template).read_text("utf8")).substitute(escaped, nonce=nonce, lang=lang)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    return HTMLResponse(text, status, headers={**HEADERS, "Content-Security-Policy": policy})


async def static(request: Request) -> Response:
    """Serve a script or a style."""
    path = STATIC / Path(request.path_params["name"]).name
    if path.suffix not in _TYPES or not path.is_file():
        return PlainTextResponse("no such file\n", 404, headers=HEADERS)
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers=HEADERS)


def language(request: Request, house: str) -> Locale:
    """Return which of our languages to show: the first that the browser wants, else the house's."""
    wanted = preferred(request.headers.get("accept-language"))
    return next((known for known in wanted if known in {"en", "zh"}), Locale(house))


def is_our_host(host: str | None, public_url: str | None) -> bool:
    """Return whether a Host header names us.

    A page of another site can have its own name lead to our address (DNS rebinding), and then its browser takes us for that site. So a
    name must be localhost or our public one; an address is nobody's name.
    """
    try:
        named = urlsplit(f"//{host}").hostname if host else None
        ours = urlsplit(public_url or "").hostname
    except ValueError:
        return False
    if named is None:
        return False
    if named in {"localhost", ours}:
        return True
    try:
        ipaddress.ip_address(named)
    except ValueError:
        return False
    return True


def is_https(request: Request, public_url: str | None) -> bool:
    """Return whether the browser came by https: to us, or to the proxy at our public address."""
    public = urlsplit(public_url or "")
    through_proxy = public.scheme == "https" and request.headers.get("host") == public.netloc
    return request.url.scheme == "https" or through_proxy


def is_private(request: Request, public_url: str | None) -> bool:
    """Return whether nobody on the way can read what is typed: by https, or without leaving the machine."""
    host = request.url.hostname or ""
    here = host in {"localhost", "::1"} or host.startswith("127.")
    return here or is_https(request, public_url)
