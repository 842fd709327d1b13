"""Who a visitor is: somebody who knows a token of 256 random bits. We keep only its hash, so ours cannot leak."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from domain.identity import Locale, ZoneName

COOKIE: Final = "siyu_visitor"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES: Final = 32


def new_token() -> str:
    """Return 256 random bits, urlsafe, 43 characters."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_token(text: str | None) -> bool:
    """Whether this has the shape of a token: a shorter one could be guessed, so it is nobody's."""
    return text is not None and _TOKEN.fullmatch(text) is not None


def external_id(token: str) -> str:
    """Return what this visitor is called everywhere but in their own browser: SHA-256, hex."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the other end of a socket."""

    external_id: str
    language: Locale | None = None
    """What their browser prefers."""
    zone: ZoneName | None = None
    """Where their browser says it is."""


def known_zone(named: str | None) -> ZoneName | None:
    """Return a zone that a browser names, where it is one: it is kept in clear."""
    return ZoneName(named) if named is not None and named in _zones() else None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
