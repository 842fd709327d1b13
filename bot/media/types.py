"""What a file is, by its own bytes: nobody's word for it counts. Only the head is looked at, and nothing is unpacked."""

import codecs
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Final

import puremagic

from domain.conversations.events import ContentKind
from domain.errors import PermanentFailure
from domain.media.events import FileKind, MediaType

HEAD_BYTES: Final = 4_096
NAME_CHARS: Final = 80
LYING: Final = "lying-type"
NOT_ALLOWED: Final = "not-allowed"
EMPTY: Final = "empty"
TOO_LARGE: Final = "too-large"

_TYPES: Final = {
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".png": MediaType.PNG,
    ".gif": MediaType.GIF,
    ".webp": MediaType.WEBP,
    ".ogg": MediaType.OGG,
    ".mp3": MediaType.MP3,
    ".mpga": MediaType.MP3,
    ".amr": MediaType.AMR,
    ".m4a": MediaType.M4A,
    ".wav": MediaType.WAV,
    ".mp4": MediaType.MP4,
    ".m4v": MediaType.MP4,
    ".webm": MediaType.WEBM,
    ".mov": MediaType.MOV,
    ".pdf": MediaType.PDF,
    ".docx": MediaType.ZIP,  # how puremagic calls whatever begins as a zip does
    ".zip": MediaType.ZIP,
}
"""By what puremagic calls them."""
_SUFFIXES: Final = {
    MediaType.JPEG: ".jpg",
    MediaType.PNG: ".png",
    MediaType.GIF: ".gif",
    MediaType.WEBP: ".webp",
    MediaType.OGG: ".ogg",
    MediaType.MP3: ".mp3",
    MediaType.AMR: ".amr",
    MediaType.M4A: ".m4a",
    MediaType.WAV: ".wav",
    MediaType.MP4: ".mp4",
    MediaType.WEBM: ".webm",
    MediaType.MOV: ".mov",
    MediaType.PDF: ".pdf",
    MediaType.ZIP: ".zip",
    MediaType.TEXT: ".txt",
}
_ALSO: Final = {
    MediaType.JPEG: (".jpeg",),
    MediaType.ZIP: (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"),
    MediaType.TEXT: (".csv", ".md", ".log"),
}
"""Other ends that a name of this type may keep."""

_IMAGES: Final = frozenset({MediaType.JPEG, MediaType.PNG, MediaType.GIF, MediaType.WEBP})
_VIDEOS: Final = frozenset({MediaType.MP4, MediaType.WEBM, MediaType.MOV})
_AUDIO: Final = frozenset({MediaType.OGG, MediaType.MP3, MediaType.AMR, MediaType.M4A, MediaType.WAV})
_SAID: Final = {
    ContentKind.PHOTO: _IMAGES,
    ContentKind.VOICE: _AUDIO,
    ContentKind.VIDEO: _VIDEOS | {MediaType.GIF},
    ContentKind.STICKER: _IMAGES | _VIDEOS,
}
"""What a message of this kind may hold; any other kind may hold whatever we keep."""

_MARKUP: Final = re.compile(rb"<\s*(!doctype|\?xml|html|body|svg|script|iframe)", re.IGNORECASE)
_SCRIPT: Final = re.compile(rb"\s*(#!|<\?php|<%)", re.IGNORECASE)
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LETTERS: Final = frozenset("LMN")
"""Unicode's letters, marks and numbers: what a name may hold beside _SIGNS. Controls, also those that turn the direction, are left out."""
_SIGNS: Final = frozenset(" .-_()+")


def type_of(head: bytes) -> MediaType:
    """Return what a file is, by its first HEAD_BYTES. Raises PermanentFailure: ``lying-type`` for what a browser would run."""
    if not head:
        raise PermanentFailure(EMPTY)
    try:
        found = [match.extension for match in puremagic.magic_string(head)]
    except (puremagic.PureError, ValueError):
        found = []
    known = next((_TYPES[extension] for extension in found if extension in _TYPES), None)
    if known is not None:
        return known
    if _is_mp3_frame(head):
        return MediaType.MP3
    plain = head.replace(b"\0", b"")  # as UTF-16 too
    if _MARKUP.search(plain) or _SCRIPT.match(plain):
        raise PermanentFailure(LYING)
    if _is_text(head):
        return MediaType.TEXT
    raise PermanentFailure(NOT_ALLOWED)


def kind_of(type_: MediaType, said: ContentKind) -> FileKind:
    """Return as what the file of a message is kept. Raises PermanentFailure("lying-type") where it is not what the message said."""
    if type_ not in _SAID.get(said, MediaType):
        raise PermanentFailure(LYING)
    match said:
        case ContentKind.VOICE:
            return FileKind.VOICE
        case ContentKind.PHOTO | ContentKind.VIDEO | ContentKind.STICKER:
            return FileKind.PHOTO if type_ in _IMAGES else FileKind.VIDEO
        case _:
            return FileKind.DOCUMENT


def kind_shown(type_: MediaType) -> FileKind:
    """Return as what a file is sent on that nobody said anything of."""
    if type_ in _IMAGES:
        return FileKind.PHOTO
    return FileKind.VIDEO if type_ in _VIDEOS else FileKind.DOCUMENT


def safe_name(given: str | None, type_: MediaType, kind: FileKind) -> str:
    """Return a name without folders, signs that mean something to a system, or an end that lies; of NAME_CHARS at most, and the end."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(c if c in _SIGNS or unicodedata.category(c)[0] in _LETTERS else "_" for c in last)
    suffix = _SUFFIXES[type_]
    for end in (suffix, *_ALSO.get(type_, ())):
        if kept.lower().endswith(end):
            kept, suffix = kept[: -len(end)], end
            break
    return (kept.strip(" ._")[:NAME_CHARS].rstrip(" .") or kind.value) + suffix


async def peeked(chunks: AsyncIterator[bytes], limit_bytes: int) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first HEAD_BYTES and all of the bytes, which raise PermanentFailure("too-large") beyond the limit."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break

    async def whole() -> AsyncIterator[bytes]:
        size = len(head)
        if head:
            yield bytes(head)
        async for chunk in chunks:
            size += len(chunk)
            if size > limit_bytes:
                raise PermanentFailure(TOO_LARGE)
            yield chunk

    if len(head) > limit_bytes:
        raise PermanentFailure(TOO_LARGE)
    return bytes(head[:HEAD_BYTES]), whole()


def _is_mp3_frame(head: bytes) -> bool:
    """Whether it begins as an MPEG audio frame of layer III does: ISO/IEC 11172-3, 2.4.1.3; puremagic knows one of its kinds only."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2  # noqa: PLR2004  # the bits of the standard


def _is_text(head: bytes) -> bool:
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(
            head
        )  # what the head's end cuts off waits for more
    except UnicodeDecodeError:
        return False
    return all(c in "\t\n\r\f" or unicodedata.category(c) != "Cc" for c in text)
