"""Pacing: how fast messages may leave, for an account, for one chat and for one group; frozen when the provider says so.

Times are seconds of a clock that is given. A bucket never lets more than the limit through in any window: a tenth of it at once, the
rest evenly (a plain bucket of N a second lets 2N through in its first second). What counts is when a message leaves, not when its token was
taken: the claim lies in between, and a store that stands still for a while must not pile up a burst.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

BURST_SHARE = 0.1
SPACING = 1.05
"""A limit of one a window is kept with a little more than the window, for the jitter of the network."""
NEARLY_ONE = 1 - 1e-9
"""Tokens are sums of fractions: this much is a whole one."""
CHATS_REMEMBERED = 20_000
"""A chat that was quiet for long has a full bucket anyway."""
MINUTE_S = 60.0


@dataclass(slots=True)
class Bucket:
    """Lets ``limit`` through in any ``window_s``; 0 lets everything through.

    A token is taken, and then either sent or given back; while it is ``held`` the bucket fills up to one less.
    """

    limit: float
    window_s: float
    tokens: float = field(init=False)
    at: float = -math.inf
    held: int = 0

    def __post_init__(self) -> None:
        """Begin full."""
        self.tokens = self.burst

    @property
    def burst(self) -> float:
        """How many may go at once."""
        return max(1.0, float(int(self.limit * BURST_SHARE)))

    @property
    def per_s(self) -> float:
        """How fast tokens come back."""
        rest = self.limit - self.burst
        return rest / self.window_s if rest >= 1 else min(self.limit, 1.0) / (self.window_s * SPACING)

    def level(self, now: float) -> float:
        """Return how many tokens there are; changes nothing."""
        return min(self.burst - self.held, self.tokens + max(0.0, now - self.at) * self.per_s)

    def full(self, now: float) -> bool:
        """Whether it is as if it had never been used."""
        return not self.limit or self.level(now) >= self.burst

    def ready_at(self, now: float) -> float:
        """Return when the next one may go, at the earliest."""
        level = self.level(now) if self.limit else 1.0
        return now if level >= NEARLY_ONE else now + (1 - level) / self.per_s

    def take(self, now: float) -> None:
        """Take one into the hand."""
        self._set(now, self.level(now) - 1, self.held + 1)

    def sent(self, now: float) -> None:
        """Spend the one in the hand: from now on it comes back."""
        self._set(now, self.level(now), self.held - 1)

    def give_back(self, now: float) -> None:
        """Put the one in the hand back."""
        self._set(now, self.level(now) + 1, self.held - 1)

    def _set(self, now: float, tokens: float, held: int) -> None:
        self.tokens, self.at, self.held = tokens, max(now, self.at), max(held, 0)


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
    _account: Bucket = field(init=False)
    _chats: "OrderedDict[str, Bucket]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Begin with full buckets."""
        self._account = Bucket(self.rates.rate_per_s, 1.0)

    def ready_at(self, chat: str, now: float) -> float:
        """Return when a message to this chat may go at the earliest: ``now`` where it may at once."""
        known = self._chats.get(chat)  # many are asked about that nothing was sent to lately: those are ready
        return max(self.account_ready_at(now), now if known is None else known.ready_at(now))

    def account_ready_at(self, now: float) -> float:
        """Return when a message to any chat may go at the earliest."""
        return max(now, self.frozen_until, self._account.ready_at(now))

    def take(self, chat: str, now: float, *, group: bool) -> None:
        """Take a token of the account and one of the chat."""
        for bucket in self._both(chat, group=group):
            bucket.take(now)

    def sent(self, chat: str, now: float, *, group: bool) -> None:
        """Say that the message leaves now."""
        for bucket in self._both(chat, group=group):
            bucket.sent(now)

    def give_back(self, chat: str, now: float, *, group: bool) -> None:
        """Return both: nothing left."""
        for bucket in self._both(chat, group=group):
            bucket.give_back(now)

    def freeze(self, until: float) -> None:
        """Let nothing of this account go before ``until``."""
        self.frozen_until = max(self.frozen_until, until)

    def _both(self, chat: str, *, group: bool) -> Iterator[Bucket]:
        yield self._account
        yield self._chat(chat, group=group)

    def _chat(self, chat: str, *, group: bool) -> Bucket:
        bucket = self._chats.get(chat)
        if bucket is None:
            rates = self.rates
            bucket = (
                Bucket(rates.group_rate_per_min, MINUTE_S) if group else Bucket(rates.chat_rate_per_s, 1.0)
            )
            self._chats[chat] = bucket
            if len(self._chats) > CHATS_REMEMBERED:
                self._chats.popitem(last=False)
        else:
            self._chats.move_to_end(chat)
        return bucket

    def spent(self, now: float) -> bool:
        """Whether there is anything that a restart must remember."""
        return self.frozen_until > now or not all(bucket.full(now) for bucket in self._buckets().values())

    def _buckets(self) -> dict[str, Bucket]:
        return dict(self._chats)  # a copy made at once: whoever saves the pacing may do so in a thread

    def dump(self, now: float, wall: float) -> str:
        """Return what must survive a restart, as JSON: the freeze, and buckets that are not full. ``wall``: seconds since 1970."""
        left = {
            "wall": wall,
            "frozen_s": max(0.0, self.frozen_until - now),
            "account": self._account.level(now),
            "chats": {chat: b.level(now) for chat, b in self._buckets().items() if not b.full(now)},
        }
        return json.dumps(left)

    def load(self, dumped: str, now: float, wall: float) -> None:
        """Take over what an earlier run left. Chats are named as subjects are: those of groups begin with ``group-``."""
        left = json.loads(dumped)
        then = now - max(0.0, wall - left["wall"])
        self.frozen_until = then + left["frozen_s"]
        self._account.tokens, self._account.at = left["account"], then
        for chat, tokens in left["chats"].items():
            bucket = self._chat(chat, group=chat.startswith("group-"))
            bucket.tokens, bucket.at = tokens, then
