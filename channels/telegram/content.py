"""What a message carries: its kind, and the details that are needed to fetch or show it."""

from collections.abc import Callable
from typing import Any, Final

from aiogram.types import Contact, Location, Message, PhotoSize, TelegramObject, Venue

from domain.conversations.events import ContentKind
from domain.policies.text import normalised

Details = dict[str, Any]
Content = tuple[ContentKind, Details]

_FILE_DETAILS: Final = (
    ("file_id", "file_id"),
    ("file_unique_id", "file_unique_id"),
    ("file_size", "size_bytes"),
    ("mime_type", "mime_type"),
    ("file_name", "file_name"),
    ("duration", "duration_s"),
    ("width", "width"),
    ("height", "height"),
    ("emoji", "emoji"),
    ("set_name", "set_name"),
    ("title", "title"),
)
_LARGEST_NUMBER: Final = 2**63 - 1
"""The log's codec holds no larger ones; no file is that big."""


def content_of(message: Message) -> Content | None:
    """Return kind and details of what a person sent, None for what nobody says (service messages).

    Something a person can send that we do not read (a poll, a dice) is of kind UNKNOWN. Other people in it are left out, down to their
    id at Telegram: whoever shares a contact speaks of somebody who has not asked us for anything.
    """
    if message.text is not None:
        return ContentKind.TEXT, {}
    for field, read in _READ:
        value = getattr(message, field)
        if value:
            kind, details = read(value, message)
            if message.media_group_id is not None:
                details["album"] = normalised(message.media_group_id)
            return kind, details
    if any(getattr(message, field) is not None for field in _UNREAD):
        return ContentKind.UNKNOWN, {}
    return None


def _file(kind: ContentKind) -> Callable[[TelegramObject, Message], Content]:
    return lambda file, _message: (kind, _file_details(file))


def _file_details(file: TelegramObject) -> Details:
    # Declared fields only: whatever else came with it is not checked.
    declared = type(file).model_fields
    given = {name: getattr(file, field) for field, name in _FILE_DETAILS if field in declared}
    return {name: kept for name, value in given.items() if (kept := _kept(value)) is not None}


def _kept(value: object) -> str | int | float | None:
    match value:
        case str():
            return normalised(value)
        case bool():
            return None
        case int():
            return value if abs(value) <= _LARGEST_NUMBER else None
        case float():
            return value
        case _:
            return None


def _photo(sizes: list[PhotoSize], _message: Message) -> Content:
    largest = max(sizes, key=lambda size: size.width * size.height)
    return ContentKind.PHOTO, _file_details(largest)


def _location(location: Location, _message: Message) -> Content:
    return ContentKind.LOCATION, {"latitude": location.latitude, "longitude": location.longitude}


def _venue(venue: Venue, message: Message) -> Content:
    kind, details = _location(venue.location, message)
    return kind, details | {"title": normalised(venue.title), "address": normalised(venue.address)}


def _contact(contact: Contact, message: Message) -> Content:
    own = message.from_user is not None and contact.user_id == message.from_user.id
    if own:
        return ContentKind.CONTACT, {"own": True, "phone": normalised(contact.phone_number)}
    reference = {} if contact.user_id is None else {"external_id": str(contact.user_id)}
    return ContentKind.CONTACT, {"own": False} | reference


# In this order: an animation comes with a document as well, a venue with a location.
_READ: Final[tuple[tuple[str, Callable[[Any, Message], Content]], ...]] = (
    ("photo", _photo),
    ("voice", _file(ContentKind.VOICE)),
    ("video", _file(ContentKind.VIDEO)),
    ("video_note", _file(ContentKind.VIDEO)),
    ("animation", _file(ContentKind.VIDEO)),
    ("audio", _file(ContentKind.DOCUMENT)),
    ("document", _file(ContentKind.DOCUMENT)),
    ("sticker", _file(ContentKind.STICKER)),
    ("venue", _venue),
    ("location", _location),
    ("contact", _contact),
)
_UNREAD: Final = ("poll", "dice", "game", "story", "paid_media", "checklist", "rich_message")
