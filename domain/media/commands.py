"""What may be asked of the file of a message."""

from dataclasses import dataclass

from domain.identity import ContactId, EventId, MediaId, Slug
from domain.media.events import FileKind, MediaType
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMedia:
    """The file is in the media store, durable. Fields as in MediaKept."""

    media: MediaId
    contact: ContactId
    message: EventId
    kind: FileKind
    content_type: MediaType
    size: int
    name: Personal[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepBrandMedia:
    """A picture of the brand's own is in the media store, durable. Fields as in BrandMediaKept."""

    media: MediaId
    kind: FileKind
    content_type: MediaType
    size: int
    name: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseMedia:
    """The file will never be in the media store."""

    media: MediaId
    contact: ContactId
    message: EventId
    reason: Slug
