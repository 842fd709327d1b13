"""Fresh ids: UUIDv7 (RFC 9562, section 5.7), so that ids made later sort later and new rows lie together in an index."""

import os
import threading
import time
from collections.abc import Callable

_TICKS_PER_MS = 4096
"""The 12 bits behind the milliseconds hold their fraction (RFC 9562, section 6.2, method 3)."""


class IdMaker:
    """Makes UUIDv7 that strictly increase within this object, whatever the clock does. Thread-safe."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        """``clock_ns``: nanoseconds since 1970."""
        self._clock_ns = clock_ns
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Return a new id: 32 lower-case hexadecimal digits."""
        now = self._clock_ns() * _TICKS_PER_MS // 1_000_000
        with self._lock:
            self._last = ticks = max(now, self._last + 1)
        ms, fraction = divmod(ticks, _TICKS_PER_MS)
        chance = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
        return f"{ms << 80 | 7 << 76 | fraction << 64 | 2 << 62 | chance:032x}"


fresh_id = IdMaker()
"""Return a new id, later than every one before it in this process."""
