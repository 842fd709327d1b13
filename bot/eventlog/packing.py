"""Codes and ids in few bytes: what the log says again and again takes three bytes, an id sixteen instead of thirty-two.

A packed value is bytes, which no field of an event is otherwise; what cannot be packed stays the text it is. ``own`` is the key of the
stream that the event lies in: most events name it again.

    nothing                          the own key
    one byte below 128               a category and the own key, as a stream id
    one byte from 128 on             a word
    such a byte, and up to 7 more    the stream's category, own key and a version, as the id of an event
    16 bytes                         an id of 32 hexadecimal digits
    17 bytes                         a category and an id, as a stream id
    more, up to 24                   the same and a version, as the id of an event

A type that comes often is stored by its number, any other by its slug.

Beside these, the byte SAME stands for the id that came just before, whatever its category: a delivery names its contact twice.

WORDS, CATEGORIES and TYPES are stored by their places: they only ever grow, at the end.
"""

from functools import lru_cache

ID_DIGITS, ID_BYTES = 32, 16
WORD = 0x80
SAME = b"\x7f"
VERSION_DIGITS = 16
"""Fit into seven bytes."""
KEPT = 4_096
"""Texts whose packed form is remembered: an id comes in several events of one moment, and then for a while no more."""

CATEGORIES = (
    *("contact", "customer", "inbound", "delivery", "conversation", "group", "broadcast", "campaign", "run"),
    *("order", "purchase", "operator", "schedule", "slot", "media", "receipt", "claim", "identifier"),
    *("suppression", "linkcode", "command", "digest", "mirror", "goal", "coupon", "pool", "taking"),
    *("holding", "export", "desk", "mutes"),
)
WORDS = (
    *("customer", "scheduler", "system", "process-new-customers", "process-auto-reply", "process-welcome"),
    *("process-stop-words", "process-settling", "process-attribution", "process-handover", "process-binding"),
    *("telegram", "wechat", "webchat", "memory", "marketing", "service", "reply", "broadcast", "campaign"),
    *("auto-reply", "welcome", "send", "command", "schedule", "contact-started", "zh-hans", "zh-CN", "zh"),
    *("en", "brand", "blocked", "quiet-hours", "lease-ended", "delivered", "read", "text", "photo", "1"),
)
TYPES = (
    *("message-received/1", "message-edited/1", "button-pressed/1", "receipt-reported/1"),
    *("action-reported/1", "contact-seen/1", "contact-reached/1", "contact-profile-changed/1"),
    *("contact-blocked/1", "customer-created/1", "customer-tagged/1", "customer-untagged/1"),
    *("consent-granted/1", "consent-withdrawn/1", "send-reserved/1", "reservation-released/1"),
    *("reply-spent/1", "reply-given-back/1", "delivery-planned/1", "delivery-started/1"),
    *("delivery-postponed/1", "delivery-accepted/1", "delivery-confirmed/1", "delivery-rejected/1"),
    *("delivery-unknown/1", "delivery-suppressed/1", "delivery-expired/1", "group-seen/1"),
    *("group-answered/1", "group-send-reserved/1", "group-reservation-released/1", "run-advanced/1"),
    *("order-placed/1", "order-matched/1", "order-awaited/1", "goal-reached/1", "receipt-expected/1"),
    *("receipt-came/1", "media-kept/1", "media-refused/1", "tag-mirrored/1", "code-taken/1"),
    *("code-assigned/1", "coupon-redeemed/1"),
)

_TEXT = {bytes([WORD + place]): name for place, name in enumerate(WORDS)}
_CATEGORY = {name: bytes([place]) for place, name in enumerate(CATEGORIES)}
_WORD = {name: bytes([WORD + place]) for place, name in enumerate(WORDS)}
_NUMBER = {slug: str(place) for place, slug in enumerate(TYPES)}
_SLUG = {number: slug for slug, number in _NUMBER.items()}


def stored_as(slug: str) -> str:
    """Return what the store keeps for a type."""
    return _NUMBER.get(slug, slug)


def slug_of(topic: str) -> str:
    """Reverse ``stored_as``, also for what was stored before there were numbers."""
    return _SLUG.get(topic, topic)


def pack(text: str, own: str) -> bytes | str:
    """Return the packed form of a text, the text itself where it has none."""
    if own in text and own:
        packed = _pack_own(text, own)
        if packed is not None:
            return packed
    return _pack(text)


def unpack(packed: bytes, own: str) -> str:
    """Reverse ``pack``. Raises IndexError for words and categories that this Siyu does not know."""
    if not packed:
        return own
    word = _TEXT.get(packed)
    if word is not None:
        return word
    size = len(packed)
    if size == ID_BYTES:
        return packed.hex()
    if size < ID_BYTES:
        stream, version = f"{CATEGORIES[packed[0]]}-{own}", packed[1:]
    else:
        stream, version = f"{CATEGORIES[packed[0]]}-{packed[1 : 1 + ID_BYTES].hex()}", packed[1 + ID_BYTES :]
    return f"{stream}@{int.from_bytes(version)}" if version else stream


def id_in(packed: bytes | str) -> bytes:
    """Return the id that a packed value holds, nothing where it holds none of 16 bytes."""
    size = len(packed)
    if size < ID_BYTES or isinstance(packed, str):
        return b""
    return packed if size == ID_BYTES else packed[1 : 1 + ID_BYTES]


def _pack_own(text: str, own: str) -> bytes | None:
    """Return the packed form of the own key, or of what it stands in; None where that is not all there is."""
    if text == own:
        return b""
    category, found, rest = text.partition(f"-{own}")
    first = _CATEGORY.get(category)
    if first is None or not found:
        return None
    version = _version(rest)
    return None if version is None else first + version


@lru_cache(KEPT)
def _pack(text: str) -> bytes | str:
    word = _WORD.get(text)
    if word is not None:
        return word
    if len(text) < ID_DIGITS:
        return text
    if len(text) == ID_DIGITS:
        return _id(text) or text
    category, _, rest = text.partition("-")
    first, key = _CATEGORY.get(category), _id(rest[:ID_DIGITS])
    version = _version(rest[ID_DIGITS:])
    return text if first is None or key is None or version is None else first + key + version


def _id(text: str) -> bytes | None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return None
    return key if len(key) == ID_BYTES and key.hex() == text else None


def _version(text: str) -> bytes | None:
    """Return the bytes of ``@version``, none for no version; None for anything else."""
    if not text:
        return b""
    digits = text[1:]
    if text[0] != "@" or len(digits) > VERSION_DIGITS or not (digits.isdecimal() and digits.isascii()):
        return None
    version = int(digits)
    return None if digits[0] == "0" else version.to_bytes((version.bit_length() + 7) // 8)
