"""One outbound message as WeChat shows it: text within the limit, links for the choices, a file where WeChat takes it.

A delivery is one message, and no message of WeChat's carries a picture and words: a photo or a voice goes out as itself only where it has
no caption and no choices. Otherwise the words go, with a note that there is a file. A video takes its words along. The same is said in
a passive reply and in a customer-service message, so that whichever is free can be used.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import regex

from channels.wechat.limits import CHOICE_BYTES, MEDIA_BYTES, MEDIA_TYPES, TEXT_BYTES
from channels.wechat.xml import cdata
from domain.errors import PermanentFailure
from domain.identity import Locale
from domain.policies.text import normalised
from domain.ports.messenger import Attachment, Outbound, with_card_in_words

ELLIPSIS: Final = "…"
BETWEEN_CHOICES: Final = "  "
NOTES: Final = {"photo": "[picture]", "voice": "[voice message]", "video": "[video]", "document": "[file]"}
"""What stands for a file that WeChat does not take, in English, as the catalogues have it."""

_KINDS: Final = {"photo": "image", "voice": "voice", "video": "video"}
_GRAPHEME: Final = regex.compile(r"\X")
_TAG: Final = re.compile(r"<(?=[\s/\\]*a(?![a-z0-9]))", re.IGNORECASE)
"""WeChat makes a link of <a ...> in a text and knows no escape: what begins like a tag begins with a full-width sign instead."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""XML cannot hold them, and WeChat shows them as JSON spells them."""
_NO_OPENID: Final = re.compile(r"[^!-~]")
_IN_HREF: Final = {ord(sign): f"%{ord(sign):02X}" for sign in "\"'<> \r\n\t"}
# What would end the address, or a parameter in it; Chinese stays as it is.
_IN_ADDRESS: Final = {ord(sign): f"%{ord(sign):02X}" for sign in "\"'<>&#%+?=\\ \r\n\t"}

Rows = Iterable[Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Words:
    """A text, whole."""

    text: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that WeChat takes, to be uploaded as ``kind``; ``text``: a video's description."""

    kind: str
    attachment: Attachment
    text: str = ""


def openid_of(outbound: Outbound) -> str:
    """Return whom to write to. Raises PermanentFailure where that is no openid."""
    openid = outbound.to.external_id
    if not openid or _NO_OPENID.search(openid):
        raise PermanentFailure("no-openid")
    return openid


def rendered(outbound: Outbound, say: Callable[[str, Locale | None], str]) -> Words | File:
    """Return what is shown; ``say`` translates.

    Raises PermanentFailure for choices that no link can carry: a coded answer that is cut would be another.
    """
    outbound = with_card_in_words(_without_picture(outbound))
    text, attachment = normalised(outbound.text), outbound.attachment
    if attachment is not None:
        kind = _KINDS.get(attachment.kind)
        fits = (
            kind is not None
            and attachment.content_type in MEDIA_TYPES
            and 0 < attachment.size <= MEDIA_BYTES[kind]
        )
        plain = not (outbound.choices or outbound.links)
        if kind is not None and fits and plain and (kind == "video" or not text):
            return File(kind, attachment, text)
        note = say(NOTES.get(attachment.kind, NOTES["document"]), None)
        text = f"{note} {text}".rstrip()
    return Words(_with_choices(text, outbound.choices, outbound.links))


def shortened(text: str, size: int) -> str:
    """Return a text of at most ``size`` bytes of UTF-8: whole, or its first graphemes and an ellipsis."""
    if len(text.encode()) <= size:
        return text
    left, end = size - len(ELLIPSIS.encode()), 0
    for grapheme in _GRAPHEME.finditer(text):
        left -= len(grapheme[0].encode())
        if left < 0:
            break
        end = grapheme.end()
    return text[:end].rstrip() + ELLIPSIS


def service_message(shown: Words | File, media_id: str = "") -> dict[str, Any]:
    """Return a customer-service message, but for whom it is."""
    match shown:
        case Words(text=text):
            return {"msgtype": "text", "text": {"content": text}}
        case File(kind="video", text=text):
            return {"msgtype": "video", "video": {"media_id": media_id, "title": "", "description": text}}
        case File(kind=kind):
            return {"msgtype": kind, kind: {"media_id": media_id}}


def passive_reply(shown: Words | File, media_id: str, *, to: str, by: str, now: datetime) -> str:
    """Return the XML of a passive reply. ``by``: what WeChat calls the account."""
    kind, content = _in_xml(shown, media_id)
    return (
        f"<xml><ToUserName>{cdata(to)}</ToUserName><FromUserName>{cdata(by)}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime><MsgType>{cdata(kind)}</MsgType>{content}</xml>"
    )


def _in_xml(shown: Words | File, media_id: str) -> tuple[str, str]:
    if isinstance(shown, Words):
        return "text", f"<Content>{cdata(shown.text)}</Content>"
    name = shown.kind.title()
    described = f"<Description>{cdata(shown.text)}</Description>" if shown.text else ""
    return shown.kind, f"<{name}><MediaId>{cdata(media_id)}</MediaId>{described}</{name}>"


def _without_picture(outbound: Outbound) -> Outbound:
    """A card is words here: its picture would only be a note that there is one."""
    return (
        replace(outbound, card=replace(outbound.card, picture=None))
        if outbound.card is not None
        else outbound
    )


def _with_choices(text: str, choices: Rows, links: Rows = ()) -> str:
    rows = [BETWEEN_CHOICES.join(_link(label, answer) for label, answer in row) for row in choices]
    rows += [BETWEEN_CHOICES.join(_anchor(label, address) for label, address in row) for row in links]
    below = "".join(f"\n{row}" for row in rows if row)
    left = TEXT_BYTES - len(below.encode())
    if left < len(ELLIPSIS.encode()):
        raise PermanentFailure("too-many-choices")
    return shortened(_plain(text), left) + below


def _link(label: str, answer: str) -> str:
    data, shown = normalised(answer), normalised(label)
    if not 1 <= len(data.encode()) <= CHOICE_BYTES:
        raise PermanentFailure("choice-too-long")
    address = (
        f"weixin://bizmsgmenu?msgmenucontent={shown.translate(_IN_ADDRESS)}"
        f"&msgmenuid={data.translate(_IN_ADDRESS)}"
    )
    return f'<a href="{address}">{_plain(shown)}</a>'


def _anchor(label: str, address: str) -> str:
    href = normalised(address).translate(_IN_HREF)
    return f'<a href="{href}">{_plain(normalised(label))}</a>'


def _plain(text: str) -> str:
    return _TAG.sub("＜", _CONTROL.sub("", text))
