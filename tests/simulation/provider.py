"""A provider in the same process: takes messages, loses answers, refuses, hangs; and keeps what was really taken.

A request goes its way apart from the process that sent it: killed or timed out, it may still arrive. The provider also holds against its
own limits whatever leaves for it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure
from domain.identity import Account, Channel, ProviderMessageId
from domain.message import Opening
from domain.ports.messenger import Outbound
from scheduler.pacing import Rates
from tests.simulation.loop import outside
from tests.simulation.weather import Weather

TRAVELS_S = (0.01, 0.4)
SLOW_S = (1.0, 29.0)
HANGS_S = (31.0, 55.0)
RETRY_AFTER_S = (1.0, 90.0)
OUTAGE_S = 600.0
A_SECOND = 1.0
NOTED_WITHIN_S = 0.5
TOLERANCE_S = 1e-6
"""Simulated clocks add fractions."""
AFTER_MESSAGE = Opening(messages=5, seconds=48 * 3_600)


class Sky(Protocol):
    """What a provider sees of the world."""

    weather: Weather
    alone: bool
    """Whether one process sends at a time: two pace themselves apart, until lanes and roles come."""

    jumped: bool
    """Whether Siyu's clock was ever another one than the provider's: then the two may differ on what a reply window holds."""

    def wall(self) -> datetime: ...
    def tell(self, what: str) -> None: ...
    def blame(self, what: str) -> None: ...
    def receipt(self, provider: "Provider", outbound: Outbound) -> None: ...


@dataclass(slots=True)
class Taken:
    """A message that a customer has. Times: seconds of the simulated clock."""

    delivery: str
    to: str
    text: str
    left_at: float
    at: float


@dataclass(slots=True)
class Person:
    """Somebody's account there. ``left``: messages that the reply window still allows; ``until``: on the provider's own clock."""

    external_id: str
    blocks: bool = False
    left: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Provider:
    """``opens``: the reply window that a customer's message opens; None on a channel that has none."""

    sky: Sky
    chance: random.Random
    channel: Channel
    account: Account
    rates: Rates
    opens: Opening | None = None
    taken: list[Taken] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    away_until: float = 0.0
    limited_until: float = 0.0
    told_until: float = 0.0
    """Until when we were told not to send: that is noted, and holds for the next process too."""
    told_at: float = 0.0

    def way_out(self) -> "WayOut":
        """Return the messenger of one process. It paces itself: what the one before it sent lately may come on top of that."""
        return WayOut(self)

    def heard(self, external_id: str) -> None:
        """Somebody wrote, as the provider sees it: their reply window begins anew."""
        person = self.people[external_id]
        if self.opens is not None:
            person.left, person.until = self.opens.messages, self._now() + self.opens.seconds

    def told(self, until: float) -> None:
        """We were told to wait."""
        self.told_until, self.told_at = max(until, self.told_until), self._now()

    def killed(self) -> None:
        """The process that sends was killed: what it was told a moment ago, it had not noted yet."""
        if self._now() - self.told_at < NOTED_WITHIN_S:
            self.told_until = 0.0

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def arrives(self, outbound: Outbound, left_at: float) -> ProviderMessageId:
        """Take a message, or say why not. Raises PermanentFailure."""
        person = self.people[outbound.to.external_id]
        if person.blocks:
            raise PermanentFailure("blocked", unreachable=True)
        if self.opens is not None:
            if person.left <= 0 or self._now() >= person.until:
                if not self.sky.jumped:
                    self.sky.blame(
                        f"{self.channel}: {person.external_id}'s reply window does not hold {outbound.key}"
                    )
                raise PermanentFailure("window-used-up")
            person.left -= 1
        self.taken.append(Taken(outbound.key, person.external_id, outbound.text, left_at, self._now()))
        self.sky.tell(f"{self.channel} shows {person.external_id} {outbound.text!r} ({outbound.key[:8]})")
        self.sky.receipt(self, outbound)
        return ProviderMessageId(f"{self.channel}-{len(self.taken)}")


class WayOut:
    """domain.ports.messenger.Messenger of one process, over a network that loses things."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._told_until = 0.0
        self._left: deque[float] = deque()
        self._left_to: dict[str, float] = {}

    def _watch_rate(self, outbound: Outbound) -> None:
        """Hold what leaves now against the limits: so many in any second, one a second for a chat."""
        now = asyncio.get_running_loop().time()
        self._left.append(now)
        while self._left[0] <= now - A_SECOND + TOLERANCE_S:
            self._left.popleft()
        if self._provider.rates.rate_per_s and len(self._left) > self._provider.rates.rate_per_s:
            self._provider.sky.blame(f"{self._provider.channel}: {len(self._left)} messages in a second")
        since = now - self._left_to.get(outbound.to.external_id, -A_SECOND)
        self._left_to[outbound.to.external_id] = now
        if (
            self._provider.rates.chat_rate_per_s
            and since < A_SECOND / self._provider.rates.chat_rate_per_s - TOLERANCE_S
        ):
            self._provider.sky.blame(
                f"{self._provider.channel}: {since:.3f} s between two messages to {outbound.to.external_id}"
            )

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """See Messenger."""
        provider, loop = self._provider, asyncio.get_running_loop()
        chance, weather = provider.chance, provider.sky.weather
        told_until = provider.told_until if provider.sky.alone else self._told_until
        if loop.time() < told_until - TOLERANCE_S:
            provider.sky.blame(f"{provider.channel}: sent before retry_after")
        self._watch_rate(outbound)
        if loop.time() < provider.away_until or chance.random() < weather.refused:
            raise TemporaryFailure("unreachable", retry_after_s=5.0, whole_account=True)
        trip = _Trip(provider, outbound, loop.time(), loop.create_future())
        there_s, back_s = chance.uniform(*TRAVELS_S), chance.uniform(*TRAVELS_S)
        if chance.random() < weather.slow:
            back_s = chance.uniform(*SLOW_S)
        outcome = _drawn(chance, trip, weather)
        loop.call_later(there_s, outcome, back_s, context=outside())
        try:
            return await trip.answer
        except TemporaryFailure as failure:
            if failure.reason == "rate-limited":
                self._told_until = loop.time() + failure.retry_after_s
                provider.told(self._told_until)
            raise


@dataclass(slots=True)
class _Trip:
    """A request under way: what is called here, the provider or the network does."""

    provider: Provider
    outbound: Outbound
    left_at: float
    answer: "asyncio.Future[ProviderMessageId]"

    def plain(self, back_s: float) -> None:
        now = asyncio.get_running_loop().time()
        if now < self.provider.limited_until:
            self._says(back_s, self._too_many())
            return
        self._says(back_s, self._arrives())

    def lost(self, back_s: float) -> None:
        self._says(back_s, OutcomeUnknown("reset"))

    def unheard(self, back_s: float) -> None:
        self._arrives()
        self._says(back_s, OutcomeUnknown("reset"))

    def limited(self, back_s: float) -> None:
        now = asyncio.get_running_loop().time()
        until = now + self.provider.chance.uniform(*RETRY_AFTER_S)
        self.provider.limited_until = max(self.provider.limited_until, until)
        self._says(back_s, self._too_many())

    def broken(self, back_s: float) -> None:
        if self.provider.chance.random() < 0.5:
            self._arrives()
        self._says(back_s, OutcomeUnknown("server-error"))

    def hangs(self, _back_s: float) -> None:
        late_s = self.provider.chance.uniform(*HANGS_S)
        if self.provider.chance.random() < 0.5:
            late_s = 0.0
        asyncio.get_running_loop().call_later(late_s, self._arrives)

    def _too_many(self) -> Exception:
        wait_s = self.provider.limited_until - asyncio.get_running_loop().time()
        return TemporaryFailure("rate-limited", retry_after_s=wait_s, whole_account=True)

    def _arrives(self) -> ProviderMessageId | Exception:
        try:
            return self.provider.arrives(self.outbound, self.left_at)
        except PermanentFailure as refusal:
            return refusal

    def _says(self, back_s: float, what: ProviderMessageId | Exception) -> None:
        asyncio.get_running_loop().call_later(back_s, _hear, self.answer, what)


def _drawn(chance: random.Random, trip: _Trip, weather: Weather) -> Callable[[float], None]:
    """Return what becomes of a request."""
    fate = chance.random()
    for outcome, share in (
        (trip.lost, weather.lost),
        (trip.unheard, weather.unheard),
        (trip.limited, weather.limited),
        (trip.broken, weather.broken),
        (trip.hangs, weather.hangs),
    ):
        fate -= share
        if fate < 0:
            return outcome
    return trip.plain


def _hear(answer: "asyncio.Future[ProviderMessageId]", what: ProviderMessageId | Exception) -> None:
    if answer.done():
        return
    if isinstance(what, Exception):
        answer.set_exception(what)
    else:
        answer.set_result(what)
