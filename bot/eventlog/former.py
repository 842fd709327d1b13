"""The form that events were stored in at first: a map by names, ids as text, each sealed field a ciphertext of its own.

It is only read: what was stored is never rewritten, and a log may hold both forms.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bot.eventlog.sealed import Box, Sealed, single
from domain.message import Origin

_MAPS = range(0x80, 0x90)
"""The first bytes of msgpack's small maps: today's form is an array."""


class Former(msgspec.Struct):
    """An event as it was stored. ``data``: plain fields by name; ``sealed``: ciphertexts by name."""

    at: datetime
    by: str
    data: msgspec.Raw
    why: str | None = None
    of: str | None = None
    origin: Origin = Origin.LIVE
    sealed: dict[str, bytes] = {}  # msgspec copies it

    def ciphertexts(self) -> Iterable[bytes]:
        """Return what is encrypted."""
        return self.sealed.values()

    def boxes(self, stream: str, version: int) -> dict[str, Sealed]:
        """Return the sealed fields of the event at this place."""
        return {
            field: Sealed(field, Box(data, stream, version, field, single), 0)
            for field, data in self.sealed.items()
        }


read_former = msgspec.msgpack.Decoder(Former).decode


def is_former(payload: bytes) -> bool:
    """Return whether a payload has this form."""
    return bool(payload) and payload[0] in _MAPS
