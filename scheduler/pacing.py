"""Pacing: how fast messages may leave, for an account, for one chat and for one group; frozen when the provider says so.

Times are seconds of a clock that is given. No window ever holds more than the limit, whatever it begins with, and a backlog drains as fast
as that allows: a tenth of the limit at once, the rest evenly (a bucket of tokens that does the one does not do the other). What counts is
when a message leaves. A token is taken earlier, since the claim lies in between: whoever holds one knows that its turn is near, and waits
for it at the door, so that a store that stands still for a while piles up no burst.
"""

import json
import math
from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

BURST_SHARE = 0.1
MARGIN = 1.001
"""A limit is kept in windows that are a little longer, for what clocks do not show."""
SPACING = 1.05
"""The same where it is one a window: then two messages are all that jitter has to move together."""
TRIPS = 50
"""Of so many requests the quickest shows what the way takes at least; what another one took longer, it may have come later."""
CATCH_UP_S = 0.02
"""What is late by so much at most delays nothing behind it: each timer is a little late, and ten small delays a second are two per cent."""
LEAD_S = 0.2
"""So long before its turn at the account's door a message may be claimed: it hides what a claim takes, and a reply waits no longer for
what is in front of it."""
CHATS_REMEMBERED = 20_000
"""A chat that was quiet for long has all its tokens anyway."""
MINUTE_S = 60.0
ACCOUNT = ""
"""How the account itself is called among its chats, where what is spent is kept."""


@dataclass(slots=True)
class Turnstile:
    """Lets ``limit`` through in any ``window_s``; 0 lets everything through.

    ``held``: tokens that were taken and neither spent nor given back. ``left``: when the last ones left, the newest last, as many as count.
    ``even``: when those of the last burst should have left.
    """

    limit: float
    window_s: float
    held: int = 0
    left: list[float] = field(default_factory=list)
    even: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many may leave within one span."""
        return max(1, int(self.limit))

    @property
    def span_s(self) -> float:
        """The window that is kept."""
        return self.window_s / min(self.limit, 1.0) * (MARGIN if self.count > 1 else SPACING)

    @property
    def burst(self) -> int:
        """How many may leave at once."""
        return max(1, int(self.count * BURST_SHARE))

    def leaves_at(self, now: float, ahead: int = 0) -> float:
        """Return when the next may leave, or one that has others ``ahead`` of it, if each of those leaves as soon as it may."""
        at = now
        if self.limit:
            past, even = self.left[-self.count :], self.even[-self.burst :]
            for _ in range(ahead + 1):
                evenly = self._evenly(even)
                at = max(now, _nth_last(past, self.count) + self.span_s, evenly)
                past.append(at)
                even.append(max(evenly, at - CATCH_UP_S))
        return at

    def _evenly(self, even: Sequence[float]) -> float:
        return _nth_last(even, self.burst) + self.burst * self.span_s / self.count

    def ages(self, now: float) -> list[float]:
        """Return how long ago what still counts left, the oldest first."""
        return [now - at for at in list(self.left) if at + self.span_s > now]

    def sent(self, now: float) -> None:
        """Spend a token: something leaves."""
        self.held = max(0, self.held - 1)
        if self.limit:
            insort(self.left, now)
            del self.left[: -self.count]
            self.even.append(max(self._evenly(self.even), now - CATCH_UP_S))
            del self.even[: -self.burst]

    def came_late(self, left_at: float, by_s: float) -> None:
        """Count what left then as if it had left so much later: so late it may have come."""
        if left_at in self.left:
            self.left.remove(left_at)
            insort(self.left, left_at + by_s)


def _nth_last(times: Sequence[float], n: int) -> float:
    return times[-n] if n <= len(times) else -math.inf


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second for the account and for one chat, a minute for one group; 0: no limit."""

    rate_per_s: float
    chat_rate_per_s: float
    group_rate_per_min: float


@dataclass(slots=True)
class Pacer:
    """Paces one account. Every ``take`` is followed by one ``sent`` or one ``give_back``."""

    rates: Rates
    frozen_until: float = 0.0
    _account: Turnstile = field(init=False)
    _chats: "OrderedDict[str, Turnstile]" = field(default_factory=OrderedDict)
    _trips: "deque[float]" = field(default_factory=lambda: deque(maxlen=TRIPS))

    def __post_init__(self) -> None:
        """Begin as if nothing had ever left."""
        self._account = Turnstile(self.rates.rate_per_s, 1.0)

    def account_ready_at(self, now: float) -> float:
        """Return when a token for any message may be taken at the earliest, as far as the account goes: ``now`` where it may at once."""
        return max(now, self.frozen_until, self._account.leaves_at(now, ahead=self._account.held) - LEAD_S)

    def chat_ready_at(self, chat: str, now: float) -> float:
        """Return the same as far as this chat goes."""
        known = self._chats.get(chat)  # many are asked about that nothing was sent to lately: those are ready
        return now if known is None else known.leaves_at(now, ahead=known.held)

    def leaves_at(self, chat: str, now: float) -> float:
        """Return when a message whose token was taken may leave at the earliest: ``now`` where it may at once."""
        known = self._chats.get(chat)
        return max(self._account.leaves_at(now), now if known is None else known.leaves_at(now))

    def take(self, chat: str, *, group: bool) -> None:
        """Take a token of the account and one of the chat."""
        for turnstile in (self._account, self._chat(chat, group=group)):
            turnstile.held += 1

    def sent(self, chat: str, now: float, *, group: bool) -> None:
        """Say that the message leaves now."""
        for turnstile in (self._account, self._chat(chat, group=group)):
            turnstile.sent(now)

    def answered(self, left_at: float, now: float) -> None:
        """Say that the provider answered what left then: it had it by now, and what counts is when it had it."""
        trip = now - left_at
        self._trips.append(trip)
        self._account.came_late(left_at, trip - min(self._trips))

    def give_back(self, chat: str, *, group: bool) -> None:
        """Return both: nothing left."""
        for turnstile in (self._account, self._chat(chat, group=group)):
            turnstile.held = max(0, turnstile.held - 1)

    def freeze(self, until: float) -> None:
        """Let nothing of this account go before ``until``."""
        self.frozen_until = max(self.frozen_until, until)

    def _chat(self, chat: str, *, group: bool) -> Turnstile:
        turnstile = self._chats.get(chat)
        if turnstile is None:
            rates = self.rates
            turnstile = (
                Turnstile(rates.group_rate_per_min, MINUTE_S)
                if group
                else Turnstile(rates.chat_rate_per_s, 1.0)
            )
            self._chats[chat] = turnstile
            if len(self._chats) > CHATS_REMEMBERED:
                self._chats.popitem(last=False)
        else:
            self._chats.move_to_end(chat)
        return turnstile

    def spent(self, now: float) -> bool:
        """Whether there is anything that a restart must remember."""
        return self.frozen_until > now or any(chat.ages(now) for chat in self._known().values())

    def _known(self) -> dict[str, Turnstile]:
        return dict(self._chats)  # a copy made at once: whoever saves the pacing may do so in a thread

    def dump(self, now: float, wall: float) -> str:
        """Return what must survive a restart, as JSON: the freeze, and what left a moment ago. ``wall``: seconds since 1970."""
        known = {ACCOUNT: self._account, **self._known()}
        left = {
            "wall": wall,
            "frozen_s": max(0.0, self.frozen_until - now),
            "left": {name: ages for name, one in known.items() if (ages := one.ages(now))},
        }
        return json.dumps(left)

    def load(self, dumped: str, now: float, wall: float) -> None:
        """Take over what an earlier run left. Chats are named as subjects are: those of groups begin with ``group-``."""
        left = json.loads(dumped)
        then = now - max(0.0, wall - left["wall"])
        self.frozen_until = then + left["frozen_s"]
        for name, ages in left.get("left", {}).items():  # an older Siyu kept levels of buckets
            one = self._account if name == ACCOUNT else self._chat(name, group=name.startswith("group-"))
            one.left = [then - age for age in ages]
            one.even = one.left[-one.burst :]
