"""What became of the file of a message. The bytes lie in the media store, under the key of whoever sent them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from domain.identity import ContactId, EventId, MediaId, Slug
from domain.message import Personal


class FileKind(StrEnum):
    """As what a file is shown and sent on."""

    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"


class MediaType(StrEnum):
    """What the bytes of a file are: the types we keep."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"
    WEBP = "image/webp"
    OGG = "audio/ogg"
    MP3 = "audio/mpeg"
    AMR = "audio/amr"
    M4A = "audio/mp4"
    WAV = "audio/wav"
    MP4 = "video/mp4"
    WEBM = "video/webm"
    MOV = "video/quicktime"
    PDF = "application/pdf"
    ZIP = "application/zip"
    """Office documents too: they are zips with other names."""
    TEXT = "application/octet-stream"
    """Plain text, as nothing that a browser would show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaKept:
    """The file of ``message`` is in the media store. ``size`` in bytes; ``name``: what the sender called it, made safe.

    No hash of its bytes is kept: it would still tell their picture from others when they are forgotten.
    """

    SUBJECT: ClassVar[str] = "contact"
    media: MediaId
    contact: ContactId
    message: EventId
    kind: FileKind
    content_type: MediaType
    size: int
    name: Personal[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRefused:
    """The file of ``message`` is not kept: ``too-large``, ``lying-type``, ``not-allowed``, ``gone`` ... The message is."""

    SUBJECT: ClassVar[str] = ""
    media: MediaId
    contact: ContactId
    message: EventId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandMediaKept:
    """A file that the brand sends is in the media store, under the brand's key. ``size`` in bytes; ``name``: the file's."""

    SUBJECT: ClassVar[str] = "brand"
    media: MediaId
    kind: FileKind
    content_type: MediaType
    size: int
    name: Personal[str]


EVENTS = (
    ("media-kept/1", MediaKept),
    ("brand-media-kept/1", BrandMediaKept),
    ("media-refused/1", MediaRefused),
)
