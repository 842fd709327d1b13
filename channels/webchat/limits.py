"""The web chat's limits. They are our own: nobody else's servers are between the visitor and us."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

DATED: Final = date(2026, 11, 21)
SOURCE: Final = "our own choice, channels/webchat/limits.py"

VISITOR_TEXT_UNITS: Final = 4_096
"""UTF-16 code units of a visitor's message. Not graphemes: a browser counts these natively, so page and server agree
to the unit; and 4,096 is Telegram's limit, so that no channel takes a text that another could not quote."""

SHOP_TEXT_UNITS: Final = 16_384
"""UTF-16 code units of a message to a visitor; a longer one is cut at a grapheme."""

CHOICE_UNITS: Final = 256
"""UTF-16 code units of what a button sends back; Telegram has 64 bytes."""

HANDLE_CHARACTERS: Final = 128
"""What names a file that was handed over has 43."""

FRAME_BYTES: Final = 64 * 1024
"""A frame from a client. 4,096 units are at most 24 KiB, even as JSON escapes."""

SOCKETS: Final = 2_000
"""Open sockets altogether, where no setting says otherwise. Beyond: 503, and the page comes again."""

SOCKETS_PER_VISITOR: Final = 10

MESSAGES_BURST: Final = 10
MESSAGES_PER_S: Final = 1.0
"""Messages and pressed buttons of one visitor, over all their sockets."""

UPLOADS_BURST: Final = 10
UPLOADS_PER_S: Final = 0.1
"""Files that one visitor hands over."""

UPLOADS_AT_ONCE: Final = 8
"""Of all visitors together; beyond that the page tries again."""

UPLOAD_TIMEOUT_S: Final = 120.0
"""From the first byte of a file to its last."""

FRAMES_BURST: Final = 400
FRAMES_PER_S: Final = 20.0
"""Frames of any kind on one socket. The burst covers confirming a whole history at once."""

VISITORS_REMEMBERED: Final = 10_000
"""Whose rate is remembered; the one who was silent longest is forgotten first."""

HISTORY_MESSAGES: Final = 100
"""What a page shows after a reload."""

FRAMES_WAITING: Final = HISTORY_MESSAGES + 100
"""Frames that wait for a slow reader; then the socket is dropped, and the history has them when it comes back."""

SHOWN_REMEMBERED: Final = 1_000
"""Messages on one socket that may still be confirmed."""

SEND_TIMEOUT_S: Final = 10.0
"""How long one frame may take to leave; a socket slower than that is closed."""

HELLO_GRACE_S: Final = 1.0
"""How long a socket without a cookie may take to say hello before it is given a new visitor's session."""

STOP_TIMEOUT_S: Final = 5.0
"""How long sockets may take to close when the channel stops."""

COOKIE_AGE_S: Final = 365 * 24 * 3600
"""How long a browser remembers its visitor after the last visit. Chromium cuts what is over 400 days."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: ``burst`` at once, ``per_s`` in the long run."""

    burst: int
    per_s: float
    taken: float = 0.0
    at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Take one; False where it is empty. A clock that goes back refills nothing."""
        passed_s = 0.0 if self.at is None else max(0.0, (now - self.at).total_seconds())
        self.taken = max(0.0, self.taken - passed_s * self.per_s)
        self.at = now
        if self.taken + 1 > self.burst:
            return False
        self.taken += 1
        return True


class Buckets:
    """One bucket a visitor. It outlives the socket: coming back does not fill it."""

    def __init__(self, burst: int, per_s: float, remembered: int) -> None:
        self._burst, self._per_s, self._remembered = burst, per_s, remembered
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, external_id: str, now: datetime) -> bool:
        """Take one from this visitor's bucket; False where it is empty."""
        bucket = self._of.setdefault(external_id, Bucket(self._burst, self._per_s))
        self._of.move_to_end(external_id)
        if len(self._of) > self._remembered:
            self._of.popitem(last=False)
        return bucket.take(now)
