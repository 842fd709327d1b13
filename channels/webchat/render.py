"""Frames to a client, as JSON text. Pure.

``session`` (the visitor's token) · ``ack`` (that message is durable) · ``message`` · ``recalled`` · ``error`` · ``pong``.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import regex

from channels.webchat.limits import SHOP_TEXT_UNITS
from domain.identity import MediaId
from domain.ports.history import Said, SaidFile
from domain.ports.messenger import Outbound, with_card_in_words, with_links_in_words, with_note

Link = Callable[[MediaId], str]
"""Where a file is found for a while."""

_GRAPHEME = regex.compile(r"\X")
_ELLIPSIS: Final = "…"
_LAST_BMP: Final = "\uffff"


def utf16_units(text: str) -> int:
    """Return the length as JavaScript counts it."""
    return len(text) + sum(character > _LAST_BMP for character in text)


def shortened(text: str, units: int) -> str:
    """Return the text, or as many whole graphemes of it as fit into ``units`` with an ellipsis behind them."""
    if utf16_units(text) <= units:
        return text
    end = 0
    left = units - utf16_units(_ELLIPSIS)
    for grapheme in _GRAPHEME.finditer(text):
        left -= utf16_units(grapheme.group())
        if left < 0:
            break
        end = grapheme.end()
    return text[:end].rstrip() + _ELLIPSIS


def session(token: str) -> str:
    """Tell a client its token."""
    return _json({"type": "session", "token": token})


def ack(id_: str, at: datetime) -> str:
    """Tell that the message with this id is durable. ``at``: when we took it."""
    return _json({"type": "ack", "id": id_, "at": _iso(at)})


def pong() -> str:
    """Answer a ping."""
    return _json({"type": "pong"})


def error(reason: str, text: str, id_: str | None = None) -> str:
    """Tell what was wrong. ``reason``: a slug of errors.py. ``text``: the same in the visitor's language."""
    return _json({"type": "error", "id": id_, "reason": reason, "text": text})


def live(outbound: Outbound, at: datetime, link: Link) -> str:
    """Show a new message from the shop. Its id is the delivery's, so that a page drops a repeat.

    A file that is not in the media store has no link: it is named below the text instead. A card and links are lines of the text, as they
    are when the page asks for what was said before.
    """
    outbound = with_links_in_words(with_card_in_words(outbound))
    file, shown = None, outbound.attachment
    if shown is None or shown.media is None:
        outbound = with_note(outbound)
    else:
        file = SaidFile(shown.kind, shown.content_type, shown.name, shown.size, shown.media)
    text, choices = outbound.text, outbound.choices
    return message(Said(outbound.key, at, by_customer=False, text=text, choices=choices, file=file), link)


def recalled(id_: str) -> str:
    """Let a message disappear."""
    return _json({"type": "recalled", "id": id_})


def message(said: Said, link: Link, *, history: bool = False) -> str:
    """Show a message: a new one, or one of the ``history``. Its file has a ``url`` while it is kept, for who sees this frame."""
    frame: dict[str, Any] = {
        "type": "message",
        "id": said.id,
        "text": said.text if said.by_customer else shortened(said.text, SHOP_TEXT_UNITS),
        "from": "me" if said.by_customer else "shop",
        "at": _iso(said.at),
        "choices": [[[label, data] for label, data in row] for row in said.choices],
    }
    if said.file is not None:
        frame["file"] = _file(said.file, link)
    return _json(frame | {"history": True} if history else frame)


def _file(file: SaidFile, link: Link) -> dict[str, Any]:
    return {
        "kind": file.kind,
        "type": file.content_type,
        "name": file.name,
        "size": file.size,
        "url": None if file.media is None else link(file.media),
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(frame: dict[str, Any]) -> str:
    """Encode as ASCII: a lone surrogate in a text of old would break the socket as UTF-8."""
    return json.dumps(frame, separators=(",", ":"))
