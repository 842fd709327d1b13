"""Of several Siyu on one log, one works for a hook: else its requests would overtake one another.

The turn is kept as a position of the log's own (who moves it must know where it stood): the Unix time until which it is somebody's.
"""

import asyncio
from typing import Final

from bot.hooks.standing import place
from bot.house import House
from domain.dispatch import Done, Request
from domain.identity import Slug
from domain.ports.event_log import Progress

TURN_S: Final = 30
RENEWED_S: Final = 15
"""A turn that lasts no longer is made longer: a request, and the note of it, end within the rest."""


class Turn:
    """One process's turns with one hook."""

    def __init__(self, hook: Slug, house: House) -> None:
        self._name, self._house = f"{place(hook)}-turn", house
        self._until_s = 0

    async def mine(self) -> bool:
        """Return whether it is this process's turn, taking it where it is nobody's. Raises StoreUnavailable, Overloaded."""
        now_s = int(self._house.clock().timestamp())
        if now_s + RENEWED_S <= self._until_s <= now_s + TURN_S:
            return True
        known = await asyncio.to_thread(self._house.log.progress, self._name) or 0
        # Further ahead than a turn lasts: somebody's clock went wrong.
        if known != self._until_s and now_s < known <= now_s + TURN_S:
            return False
        taken = Progress(self._name, known, now_s + TURN_S)
        result = await self._house.submit(Request(self._house.context("process-hooks"), progress=taken))
        self._until_s = taken.position if isinstance(result, Done) else 0
        return isinstance(result, Done)
