"""The ways out: one for each account, with its limits, and the clocks by which they are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from domain.ports.messenger import Messenger, Route
from scheduler.pacing import Pacer


@dataclass(frozen=True, slots=True)
class Clocks:
    """``now``: the wall clock, UTC. ``boottime``: seconds that go on while the machine sleeps (CLOCK_BOOTTIME). ``rest``: waits seconds."""

    now: Callable[[], datetime]
    boottime: Callable[[], float]
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Post:
    """One account's way out, and how fast it may be used. ``routes``: where there are several."""

    messenger: Messenger
    pacer: Pacer
    routes: tuple[Route, ...] = ()
    door: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)
    """Through it messages leave one after the other: hold it for ``turn`` and until the pacer was told."""

    async def turn(self, place: str, clocks: Clocks) -> float:
        """Wait until the provider's limits let a message to this chat out. Returns when that is."""
        while (leaves_at := self.pacer.leaves_at(place, at := clocks.boottime())) > at:
            await clocks.rest(leaves_at - at)
        return at
