"""Pacing: how fast messages may leave, for an account, for one chat and for one group; frozen when the provider says so.

Times are seconds of a clock that is given. A bucket never lets more than the limit through in any window: a tenth of it at once, the
rest evenly (a plain bucket of N a second lets 2N through in its first second).
"""

import json
from collections import OrderedDict
from dataclasses import dataclass, field

BURST_SHARE = 0.1
SPACING = 1.05
"""A limit of one a window is kept with a little more than the window, for the jitter of the network."""
CHATS_REMEMBERED = 20_000
"""A chat that was quiet for long has a full bucket anyway."""
MINUTE_S = 60.0


@dataclass(slots=True)
class Bucket:
    """Lets ``limit`` through in any ``window_s``; 0 lets everything through."""

    limit: float
    window_s: float
    tokens: float = -1.0
    at: float = 0.0

    @property
    def burst(self) -> float:
        """How many may go at once."""
        return max(1.0, float(int(self.limit * BURST_SHARE)))

    @property
    def per_s(self) -> float:
        """How fast tokens come back."""
        rest = self.limit - self.burst
        return rest / self.window_s if rest >= 1 else self.limit / (self.window_s * SPACING)

    def _refill(self, now: float) -> None:
        if self.tokens < 0:
            self.tokens, self.at = self.burst, now
        elif now > self.at:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_s)
            self.at = now

    def ready_at(self, now: float) -> float:
        """Return when the next one may go."""
        if not self.limit:
            return now
        self._refill(now)
        return now if self.tokens >= 1 else now + (1 - self.tokens) / self.per_s

    def take(self, now: float) -> None:
        """Spend one."""
        if self.limit:
            self._refill(now)
            self.tokens -= 1

    def give_back(self) -> None:
        """Return one that was not used."""
        if self.limit:
            self.tokens = min(self.burst, self.tokens + 1)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second for the account and for one chat, a minute for one group; 0: no limit."""

    rate_per_s: float
    chat_rate_per_s: float
    group_rate_per_min: float


@dataclass(slots=True)
class Pacer:
    """Paces one account."""

    rates: Rates
    frozen_until: float = 0.0
    _account: Bucket = field(init=False)
    _chats: "OrderedDict[str, Bucket]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Begin with full buckets."""
        self._account = Bucket(self.rates.rate_per_s, 1.0)

    def ready_at(self, chat: str, now: float, *, group: bool) -> float:
        """Return when a message to this chat may go: ``now`` where it may at once."""
        moment = max(
            self.frozen_until, self._account.ready_at(now), self._chat(chat, group=group).ready_at(now)
        )
        return max(now, moment)

    def account_ready_at(self, now: float) -> float:
        """Return when a message to any chat may go at the earliest."""
        return max(now, self.frozen_until, self._account.ready_at(now))

    def take(self, chat: str, now: float, *, group: bool) -> None:
        """Spend a token of the account and one of the chat."""
        self._account.take(now)
        self._chat(chat, group=group).take(now)

    def give_back(self, chat: str, *, group: bool) -> None:
        """Return both: the gate said no, nothing left."""
        self._account.give_back()
        self._chat(chat, group=group).give_back()

    def freeze(self, until: float) -> None:
        """Let nothing of this account go before ``until``."""
        self.frozen_until = max(self.frozen_until, until)

    def _chat(self, chat: str, *, group: bool) -> Bucket:
        bucket = self._chats.get(chat)
        if bucket is None:
            bucket = (
                Bucket(self.rates.group_rate_per_min, MINUTE_S)
                if group
                else Bucket(self.rates.chat_rate_per_s, 1.0)
            )
            self._chats[chat] = bucket
            if len(self._chats) > CHATS_REMEMBERED:
                self._chats.popitem(last=False)
        return bucket

    def spent(self, now: float) -> bool:
        """Whether there is anything that a restart must remember."""
        return self.frozen_until > now or any(bucket.ready_at(now) > now for bucket in self._chats.values())

    def dump(self, now: float, wall: float) -> str:
        """Return what must survive a restart, as JSON: the freeze, and buckets that are empty. ``wall``: seconds since 1970."""
        chats = {chat: bucket.tokens for chat, bucket in self._chats.items() if bucket.ready_at(now) > now}
        self._account.ready_at(now)
        left = {
            "wall": wall,
            "frozen_s": max(0.0, self.frozen_until - now),
            "account": self._account.tokens,
            "chats": chats,
        }
        return json.dumps(left)

    def load(self, dumped: str, now: float, wall: float) -> None:
        """Take over what an earlier run left. Chats are named as subjects are: those of groups begin with ``group-``."""
        left = json.loads(dumped)
        since = max(0.0, wall - left["wall"])
        self.frozen_until = now + left["frozen_s"] - since
        self._account.tokens, self._account.at = left["account"], now - since
        for chat, tokens in left["chats"].items():
            bucket = self._chat(chat, group=chat.startswith("group-"))
            bucket.tokens, bucket.at = tokens, now - since
