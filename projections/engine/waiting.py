"""Readers that wait until views have come to a position: woken by the projector, never polling."""

import asyncio
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.errors import StoreUnavailable


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    views: Collection[str]
    position: int
    loop: asyncio.AbstractEventLoop
    reached: asyncio.Event


class Waiting:
    """Who waits for which position. The projector tells from its thread, readers wait in their event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: set[_Reader] = set()
        self._at: dict[str, int] = {}

    def tell(self, at: Mapping[str, int]) -> None:
        """Wake those whose views have come far enough."""
        with self._lock:
            self._at = dict(at)
            ready = {reader for reader in self._readers if self._reached(reader.views, reader.position)}
            self._readers -= ready
        for reader in ready:
            if not reader.loop.is_closed():
                reader.loop.call_soon_threadsafe(reader.reached.set)

    async def wait(self, views: Collection[str], position: int, timeout_s: float) -> None:
        """Return when these views have come to a position. Raises StoreUnavailable when they have not in time."""
        reader = _Reader(views, position, asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._reached(views, position):
                return
            self._readers.add(reader)
        try:
            async with asyncio.timeout(timeout_s):
                await reader.reached.wait()
        except TimeoutError:
            raise StoreUnavailable(
                "the views are behind and did not catch up within {timeout_s:g} s: try again",
                timeout_s=timeout_s,
            ) from None
        finally:
            with self._lock:
                self._readers.discard(reader)

    def _reached(self, views: Collection[str], position: int) -> bool:
        return all(self._at.get(view, -1) >= position for view in views)
