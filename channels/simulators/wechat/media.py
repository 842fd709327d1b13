"""Temporary media: what was uploaded, or sent by a person, for three days."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.limits import MEDIA_BYTES_MAX, MEDIA_LIFE_S

# By their first bytes, whatever the name says; WeChat looks at both.
_MAGIC: Final = (
    ("image", "jpg", "image/jpeg", b"\xff\xd8\xff", 0),
    ("image", "png", "image/png", b"\x89PNG\r\n\x1a\n", 0),
    ("image", "gif", "image/gif", b"GIF8", 0),
    ("image", "bmp", "image/bmp", b"BM", 0),
    ("voice", "amr", "audio/amr", b"#!AMR", 0),
    ("voice", "mp3", "audio/mp3", b"ID3", 0),
    ("voice", "mp3", "audio/mp3", b"\xff\xfb", 0),
    ("video", "mp4", "video/mp4", b"ftyp", 4),
)
_THUMB: Final = frozenset({"jpg"})

SAMPLE_IMAGE: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF simulated \xff\xd9"
SAMPLE_VOICE: Final = b"#!AMR\nsimulated"
SAMPLE_VIDEO: Final = b"\x00\x00\x00\x18ftypmp42simulated"


@dataclass(frozen=True, slots=True)
class Medium:
    id: str
    kind: str
    extension: str
    content_type: str
    content: bytes
    expires_at: float


class MediaStore:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._media: dict[str, Medium] = {}

    def upload(self, kind: str, name: str, content: bytes) -> Medium:
        """Raises ApiError 40004, 40005, 40006 or 41005."""
        if kind not in MEDIA_BYTES_MAX:
            raise ApiError(40004)
        if not content:
            raise ApiError(41005)
        if len(content) > MEDIA_BYTES_MAX[kind]:
            raise ApiError(40006)
        extension, content_type = _recognised(kind, content)
        named = name.rpartition(".")[2].lower().replace("jpeg", "jpg")
        if named != extension:
            raise ApiError(40005, f"hint: a file named {named!r} that is {extension!r}")
        return self._keep(kind, extension, content_type, content)

    def sent_by_person(self, kind: str, content: bytes) -> Medium:
        """What a person sent from their phone: of any content, so that a lying type can be tried out."""
        extension, content_type = {
            "image": ("jpg", "image/jpeg"),
            "voice": ("amr", "audio/amr"),
            "video": ("mp4", "video/mp4"),
            "thumb": ("jpg", "image/jpeg"),
        }[kind]
        return self._keep(kind, extension, content_type, content)

    def find(self, media_id: str) -> Medium:
        """Raises ApiError 40007 where it is unknown or expired."""
        medium = self._media.get(media_id)
        if medium is None or medium.expires_at <= self._clock():
            raise ApiError(40007)
        return medium

    def has(self, media_id: str) -> bool:
        medium = self._media.get(media_id)
        return medium is not None and medium.expires_at > self._clock()

    def _keep(self, kind: str, extension: str, content_type: str, content: bytes) -> Medium:
        expires_at = self._clock() + MEDIA_LIFE_S
        medium = Medium(secrets.token_urlsafe(48), kind, extension, content_type, content, expires_at)
        self._media[medium.id] = medium
        return medium


def _recognised(kind: str, content: bytes) -> tuple[str, str]:
    """The extension and the content type. Raises ApiError 40005 for what `kind` may not be."""
    for of_kind, extension, content_type, magic, offset in _MAGIC:
        fits = of_kind == kind or (kind == "thumb" and extension in _THUMB)
        if fits and content[offset : offset + len(magic)] == magic:
            return extension, content_type
    raise ApiError(40005)
