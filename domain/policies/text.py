"""What intake does to a text, once: nothing a database or a reader would stumble over is left."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

REPLACEMENT = "\ufffd"
_SURROGATES = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\u2066-\u2069\u202a-\u202e\ufeff\u00ad]")


def normalised(text: str) -> str:
    """Return the text in NFC, with NUL and lone surrogates replaced (PostgreSQL refuses the one, both databases the other)."""
    if text.isascii() and "\0" not in text:
        return text
    return unicodedata.normalize("NFC", _SURROGATES.sub(REPLACEMENT, text.replace("\0", REPLACEMENT)))


def normalised_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain JSON with every text inside it normalised, keys too."""
    return {normalised(key): _within(value) for key, value in details.items()}


def _within(value: object) -> object:
    match value:
        case str():
            return normalised(value)
        case dict():
            return normalised_details(value)
        case list() | tuple():
            return [_within(item) for item in value]
        case _:
            return value


@lru_cache(1)
def unwidened(text: str) -> str:
    """Return the text in NFKC. The last one is remembered: several processes look at the same message, one after the other."""
    return unicodedata.normalize("NFKC", text)


@lru_cache(1)
def folded(text: str) -> str:
    """Return what a text comes down to when words are compared: width, case, invisible characters and outer blanks do not count.

    The last one is remembered, as above.
    """
    return _INVISIBLE.sub("", unwidened(text)).casefold().strip()


_MENTIONS = re.compile(r"^(?:\s*[@＠]\w+)+\s*|\s*(?:[@＠]\w+\s*)+$")


def without_mentions(text: str) -> str:
    """Return what is said in a group beside calling somebody: ``@shop_bot help`` is ``help``."""
    return _MENTIONS.sub("", text)
