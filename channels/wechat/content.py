"""What a message carries: its kind, its words, and the details that are needed to fetch or show it."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from channels.wechat.xml import Fields, text_in
from domain.conversations.events import ContentKind
from domain.policies.text import normalised

_DEGREES: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")
_SCALE: Final = re.compile(r"[0-9]{1,3}")
_FILES: Final = {
    "image": ContentKind.PHOTO,
    "voice": ContentKind.VOICE,
    "video": ContentKind.VIDEO,
    "shortvideo": ContentKind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Carried:
    """``text``: what the person said, or what WeChat understood of a voice message. ``forwarded``: somebody else's words."""

    kind: ContentKind
    text: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    forwarded: bool = False


def content_of(kind: str, fields: Fields) -> Carried:
    """Return what a message of WeChat's type ``kind`` carries. Something a person can send that we do not read is UNKNOWN.

    What a shared card, file or mini program says of others is left out; it stays in the raw payload for its month.
    """
    match kind:
        case "text":
            # Not stripped: this is what somebody wrote.
            said = fields.get("Content")
            return Carried(ContentKind.TEXT, said if isinstance(said, str) else "")
        case "location":
            return Carried(ContentKind.LOCATION, details=_place(fields))
        case "link":
            details = _told(fields, ("Title", "title"), ("Description", "description"), ("Url", "url"))
            shown = "\n".join(details[name] for name in ("title", "url") if name in details)
            return Carried(ContentKind.TEXT, shown, details, forwarded=True)
        case _ if kind in _FILES:
            details = _told(fields, ("MediaId", "file_id"), ("Format", "format"), ("ThumbMediaId", "thumb"))
            return Carried(_FILES[kind], text_in(fields, "Recognition"), details)
        case _:
            return Carried(ContentKind.UNKNOWN, details={"type": normalised(kind[:64])})


def _told(fields: Fields, *names: tuple[str, str]) -> dict[str, Any]:
    return {ours: normalised(value) for theirs, ours in names if (value := text_in(fields, theirs))}


def _place(fields: Fields) -> dict[str, Any]:
    degrees = (("latitude", "Location_X"), ("longitude", "Location_Y"))
    place: dict[str, Any] = {
        name: float(told) for name, field in degrees if _DEGREES.fullmatch(told := text_in(fields, field))
    }
    if _SCALE.fullmatch(scale := text_in(fields, "Scale")):
        place["scale"] = int(scale)
    return place | _told(fields, ("Label", "address"))
