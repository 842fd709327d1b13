"""Arguments of a command: what a phone's keyboard makes of ``:``, ``#`` and ``--`` counts the same. Pure.

Only arguments are read this tolerantly. TEXT, the rest of the line with its newlines, stays as it was typed.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from domain.errors import Rejected

T = TypeVar("T")

MOST_WORDS = 4
"""The longest value without quotes, such as ``day after tomorrow 10:00``; the longest name of a customer."""
QUOTES = {'"': '"', "“": "”", "”": "”", "„": "”", "'": "'", "‘": "’", "「": "」"}

_WIDE = str.maketrans({"：": ":", "﹕": ":", "＃": "#", "﹟": "#", "＠": "@", "﹫": "@"})
_DASHES = re.compile(r"(?:--|[—–―]{1,2}|－－)(?=[A-Za-z])")
_OPTION = re.compile(r"--([a-z][a-z-]*)(?:=.*)?", re.DOTALL | re.IGNORECASE)


class NoSuchValue(Rejected):
    """What follows an option does not read as its value."""


def argument(word: str) -> str:
    """Return a word that is an argument, with its full-width signs and long dashes as plain ones."""
    return _DASHES.sub("--", word.translate(_WIDE))


def first_word(text: str) -> tuple[str, str]:
    """Return the first word as an argument, and the rest."""
    parts = text.split(maxsplit=1)
    return argument(parts[0]) if parts else "", parts[1] if len(parts) > 1 else ""


def words_of(text: str, most: int = MOST_WORDS) -> list[tuple[str, str]]:
    """Return (first n words, the rest) for n from 1 to ``most``, as far as there are words; words joined by one blank."""
    found: list[tuple[str, str]] = []
    taken: list[str] = []
    rest = text
    while rest.strip() and len(taken) < most:
        word, rest = first_word(rest)
        taken.append(word)
        found.append((" ".join(taken), rest))
    return found


def option(text: str) -> tuple[str, str] | None:
    """Return (name, rest) of an option at the start of a text, None where there is none. ``--at=10:00`` is ``--at 10:00``."""
    word, rest = first_word(text)
    found = _OPTION.fullmatch(word)
    if found is None:
        return None
    return found[1].lower(), text.split("=", 1)[1] if "=" in word else rest


def quoted(text: str) -> tuple[str, str] | None:
    """Return (inside, rest) of a quotation at the start of a text, None where there is none or it does not end."""
    closing = QUOTES.get(text[:1])
    end = text.find(closing, 1) if closing else -1
    return (text[1:end].strip(), text[end + 1 :].lstrip()) if end > 0 else None


def value(text: str, read: Callable[[str], T | None], complaint: str) -> tuple[T, str]:
    """Return an option's value and the rest: what is quoted, or the most words that read as one. Raises NoSuchValue.

    ``read`` returns None for what is no such value; ``complaint`` says so, with ``{value}`` for the word that was there.
    """
    inside = quoted(text)
    for candidate, rest in [inside] if inside else reversed(words_of(text)):
        found = read(candidate)
        if found is not None:
            return found, rest
    raise NoSuchValue(complaint.format(value=inside[0] if inside else first_word(text)[0]))
