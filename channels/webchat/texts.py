"""What a visitor reads: English, as the catalogues have it, and which of our languages they get."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from domain.identity import Locale

_LANGUAGE_RANGE = re.compile(
    r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_LONGEST_HEADER: Final = 512
_FALLBACK: Final = "en"
LANGUAGES: Final = ("en", "zh")

ERRORS: Final[Mapping[str, str]] = {
    "bad-frame": "This could not be understood. Please reload the page.",
    "bad-id": "A message needs a UUID as its id.",
    "bad-token": "This session is not valid. Please reload the page.",
    "empty": "There is nothing in this message.",
    "no-file": "This file cannot be sent here. Photos, videos, sound, PDF and office files can.",
    "other-session": "This connection already belongs to a session.",
    "refused": "This could not be accepted.",
    "too-fast": "That was a little fast. It will be sent in a moment.",
    "too-large": "This file is too large.",
    "too-long": "This message is too long.",
    "too-many-sockets": "This chat is open in too many windows. Please close one.",
    "unknown-kind": "This cannot be read here yet. We kept it.",
    "unavailable": "We cannot take messages right now. It will be sent as soon as we can.",
}
"""By the reason of a refusal."""
PAGE: Final[Mapping[str, str]] = {
    "attach": "Send a photo or a file",
    "connected": "Connected",
    "connecting": "Connecting…",
    "counter": "{left} characters left",
    "failed": "Not sent",
    "file": "File",
    "from_me": "You",
    "latest": "New messages",
    "log": "Conversation",
    "no_script": "This chat needs JavaScript. Please switch it on and reload the page.",
    "offline": "No connection. Your messages are kept and sent later.",
    "over": "{over} characters too many",
    "photo": "Photo",
    "placeholder": "Write a message",
    "quote": "Reply",
    "quoting": "Reply to: {text}",
    "unquote": "Do not quote",
    "send": "Send",
    "sending": "Sending…",
    "sent": "Sent",
    "title": "Chat with {brand}",
    "today": "Today",
    "unanswered": "{brand} does not answer yet. We keep trying.",
    "unread": "({count}) {title}",
    "uploading": "The file is being sent…",
    "video": "Video",
    "voice": "Voice message",
    "welcome": "Hello! How can we help?",
    "welcome_more": "Write to us here. You will find the answer in this window, also when you come back later.",
    "yesterday": "Yesterday",
}
"""By the name that the page calls it."""

Say = Callable[[str, Locale | None], str]
"""See channels.channel.Desk."""


def translated(words: Mapping[str, str], say: Say, language: str) -> dict[str, str]:
    """Return texts in a language."""
    return {name: say(text, Locale(language)) for name, text in words.items()}


def preferred(accept_language: str | None) -> list[Locale]:
    """Return the languages of an Accept-Language header, the most wanted first, as ``zh`` or ``yue``."""
    wanted: list[tuple[float, Locale]] = []
    for part in (accept_language or "")[:_LONGEST_HEADER].split(","):
        match = _LANGUAGE_RANGE.fullmatch(part)
        if match and (weight := float(match[2] or 1)) > 0:
            wanted.append((weight, Locale(match[1].lower())))
    return [language for _, language in sorted(wanted, key=lambda item: -item[0])]


def language(accept_language: str | None, house: str) -> str:
    """Return which of our languages to show: the first that the browser wants, else the house's, else English."""
    for wanted in (*preferred(accept_language), house.partition("-")[0].partition("_")[0].lower()):
        if wanted in LANGUAGES:
            return wanted
    return _FALLBACK
