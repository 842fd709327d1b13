"""Frames of a client: JSON text to what it asks for, and from there to the domain's command. Pure.

``{"type": "hello", "token": T}`` · ``{"type": "message", "id": UUID, "text": ..., "reply_to": ID, "file": HANDLE}`` (the last two or not) ·
``{"type": "press", "id": UUID, "message": ID, "data": ...}`` · ``{"type": "received", "id": DELIVERY}`` ·
``{"type": "ping"}``. Fields beyond these are ignored, so that an older server understands a newer page.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from channels.webchat.errors import NO_FILE, UNKNOWN_KIND, BadFrame
from channels.webchat.limits import CHOICE_UNITS, FRAME_BYTES, HANDLE_CHARACTERS, VISITOR_TEXT_UNITS
from channels.webchat.render import utf16_units
from channels.webchat.visitor import Visitor, is_token
from domain.conversations.commands import Content, Message, NotUnderstood, Press, Receive, Sender
from domain.conversations.events import ContentKind
from domain.identity import Account, Channel, ProviderMessageId, Slug
from domain.message import Raw
from domain.ports.media import Upload

CHANNEL = Channel("webchat")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DELIVERY_ID = re.compile(r"[0-9A-Za-z_.:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Hello:
    """A visitor who was here before."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Say:
    """A message. ``reply_to``: the id of the message that it quotes. ``file``: the handle of a file that was handed over before."""

    id: str
    text: str
    reply_to: str | None = None
    file: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Choose:
    """A pressed button below our message ``message``."""

    id: str
    message: str
    data: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Our message with this id is on the visitor's screen."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks whether we are still there."""


@dataclass(frozen=True, slots=True)
class Strange:
    """Something with an id that a newer page may send and this Siyu cannot read: recorded, then refused."""

    id: str


Frame = Hello | Say | Choose | Seen | Ping | Strange

_KINDS = ("hello", "message", "press", "received", "ping")


def parse(frame: str) -> Frame:
    """Read a frame. Raises BadFrame, with the frame's id where it has a good one."""
    if len(frame) > FRAME_BYTES or len(frame.encode("utf8", "surrogatepass")) > FRAME_BYTES:
        raise BadFrame("too-long")
    decoded = _decoded(frame)
    quoted, file = (
        (decoded.get("reply_to"), decoded.get("file")) if isinstance(decoded, dict) else (None, None)
    )
    match decoded:
        case {"type": "ping"}:
            return Ping()
        case {"type": "hello", "token": str(token)}:
            if not is_token(token):
                raise BadFrame("bad-token")
            return Hello(token)
        case {"type": "received", "id": str(id_)} if _DELIVERY_ID.fullmatch(id_):
            return Seen(id_)
        case {"type": "message", "id": id_, "text": str(text)}:
            return _say(_uuid(id_), text, quoted, file)
        case {"type": "press", "id": id_, "message": str(message), "data": str(data)}:
            return _choose(_uuid(id_), message, data)
        case {"type": str(kind), "id": str(id_)} if kind not in _KINDS and _UUID.fullmatch(id_):
            return Strange(id_)
        case {"id": str(id_)} if _UUID.fullmatch(id_):
            raise BadFrame("bad-frame", id_)
        case _:
            raise BadFrame("bad-frame")


def receive(
    frame: Say | Choose | Strange,
    raw: str,
    visitor: Visitor,
    account: Account,
    at: datetime,
    upload: Upload | None = None,
) -> Receive:
    """Return the command. ``upload``: what the file of a message is.

    The key holds the visitor: one visitor's UUIDs cannot collide with another's.
    """
    id_ = ProviderMessageId(frame.id.lower())
    content: Content
    match frame:
        case Say(text=text, reply_to=quoted):
            reply_to = None if quoted is None else ProviderMessageId(quoted)
            content = Message(
                text=text,
                kind=ContentKind.TEXT if upload is None else ContentKind(upload.kind),
                details={} if upload is None else _details(frame, upload),
                provider_message=id_,
                reply_to=reply_to,
            )
        case Choose(message=message, data=data):
            content = Press(data=data, query=id_, provider_message=ProviderMessageId(message))
        case Strange():
            content = NotUnderstood(reason=Slug(UNKNOWN_KIND))
    return Receive(
        channel=CHANNEL,
        account=account,
        key=f"{visitor.external_id}:{id_}",
        occurred_at=at,
        content=content,
        sender=Sender(external_id=visitor.external_id, language=visitor.language, zone=visitor.zone),
        raw=Raw(raw.encode("utf8", "surrogatepass")),
    )


def _details(frame: Say, upload: Upload) -> dict[str, Any]:
    """Named as the details of Telegram's files are."""
    return {
        "file_id": frame.file,
        "file_name": upload.name,
        "mime_type": upload.content_type,
        "size_bytes": upload.size,
    }


def _decoded(frame: str) -> Any:  # noqa: ANN401  # JSON
    """Decode by the standard library: unlike msgspec it takes the lone surrogates that a browser may send."""
    try:
        return json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, or a number of thousands of digits
        raise BadFrame("bad-frame") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _uuid(id_: object) -> str:
    if isinstance(id_, str) and _UUID.fullmatch(id_):
        return id_
    raise BadFrame("bad-id")


def _say(id_: str, text: str, reply_to: object, file: object) -> Say:
    if reply_to is not None and not (isinstance(reply_to, str) and _DELIVERY_ID.fullmatch(reply_to)):
        raise BadFrame("bad-frame", id_)
    if file is not None and not (isinstance(file, str) and 1 <= len(file) <= HANDLE_CHARACTERS):
        raise BadFrame(NO_FILE, id_)
    if file is None and not text.strip():
        raise BadFrame("empty", id_)
    if utf16_units(text) > VISITOR_TEXT_UNITS:
        raise BadFrame("too-long", id_)
    return Say(id_, text, reply_to, file)


def _choose(id_: str, message: str, data: str) -> Choose:
    if not _DELIVERY_ID.fullmatch(message):
        raise BadFrame("bad-frame", id_)
    if not data:
        raise BadFrame("empty", id_)
    if utf16_units(data) > CHOICE_UNITS:
        raise BadFrame("too-long", id_)
    return Choose(id_, message, data)
