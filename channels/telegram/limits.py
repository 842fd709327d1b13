"""What Telegram allows. Where it answers otherwise (``retry_after``), the answer is obeyed.

What core.telegram.org/bots/api says is quoted as aiogram 3.31 repeats it (2026-11-21); the rates and the deep link are in its FAQ and its
list of features alone, and come from the platform rules of our design (2026-11).
"""

from datetime import date
from typing import Final

from channels.channel import Limits

LIMITS: Final = Limits(
    source=(
        "core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this (rates), "
        "core.telegram.org/bots/api#sendmessage (length of a text, counted in UTF-16 code units as entities are)"
    ),
    dated=date(2026, 11, 21),
    text_units=4_096,
    rate_per_s=30.0,
    chat_rate_per_s=1.0,
    group_rate_per_min=20.0,
)

CAPTION_UNITS: Final = 1_024
"""core.telegram.org/bots/api#sendphoto, "after entities parsing"; for the other kinds of files as well."""
UPLOAD_BYTES: Final = 50 * 1024 * 1024
PHOTO_BYTES: Final = 10 * 1024 * 1024
"""core.telegram.org/bots/api#sending-files: larger photos may go as documents."""
VOICE_TYPES: Final = frozenset({"audio/ogg", "audio/mpeg", "audio/mp4"})
VIDEO_TYPES: Final = frozenset({"video/mp4"})
PHOTO_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
"""What Telegram shows as such (core.telegram.org/bots/api#sendvoice, #sendvideo); others go as documents."""

CALLBACK_DATA_BYTES: Final = 64
"""core.telegram.org/bots/api#inlinekeyboardbutton."""
BUTTONS_PER_ROW: Final = 8
BUTTONS_PER_MESSAGE: Final = 100
"""Not documented; what people met: github.com/tginfo/Telegram-Limits/issues/228 (2022-07-08)."""

START_PAYLOAD_CHARACTERS: Final = 64
"""core.telegram.org/bots/features#deep-linking."""

UPDATES_PER_POLL: Final = 100
POLL_TIMEOUT_S: Final = 30
"""How long Telegram may hold a getUpdates without news; it allows up to 50 s (core.telegram.org/bots/api#getupdates)."""

ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member", "chat_member")
"""``chat_member`` comes only when it is asked for (core.telegram.org/bots/api#setwebhook)."""
