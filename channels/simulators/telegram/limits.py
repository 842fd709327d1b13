"""Telegram's pacing, held strictly: a 429 blocks the whole bot, and calls made meanwhile are violations.

Sources: core.telegram.org/bots/faq, "My bot is hitting limits": 30 messages a second for a bot, one a second
for a chat, 20 a minute for a group; tdlib/td issue 1331: a 429 stops all calls.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from channels.simulators.telegram.errors import too_many_requests


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages in any window of that length; the network may move two messages `tolerance_s` together."""

    bot_per_s: int = 30
    chat_per_s: float = 1.0
    chat_burst: int = 3
    group_per_min: int = 20
    tolerance_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Violation:
    """A call made while the bot was blocked; times are seconds of the simulator's clock."""

    method: str
    chat_id: int | None
    at: float
    blocked_until: float


class _Window:
    """At most `count` calls in any `window_s` seconds."""

    def __init__(self, count: int, window_s: float) -> None:
        self._count = count
        self._window_s = window_s
        self._times: deque[float] = deque()

    def wait_s(self, now: float) -> float:
        while self._times and self._times[0] + self._window_s <= now:
            self._times.popleft()
        return self._times[0] + self._window_s - now if len(self._times) >= self._count else 0.0

    def count(self, now: float) -> None:
        self._times.append(now)


class _Rate:
    """One call every `interval_s`, and up to `burst` at once after a pause (generic cell rate algorithm)."""

    def __init__(self, interval_s: float, burst: int, tolerance_s: float) -> None:
        self._interval_s = interval_s
        self._ahead_s = interval_s * (burst - 1) + tolerance_s
        self._next_at = 0.0

    def wait_s(self, now: float) -> float:
        return max(self._next_at - self._ahead_s - now, 0.0)

    def count(self, now: float) -> None:
        self._next_at = max(self._next_at, now) + self._interval_s


@dataclass(slots=True)
class Pacing:
    """Judges each call. `enforce` switches the rates; a 429 from a fault blocks the bot either way."""

    clock: Callable[[], float]
    enforce: bool = False
    rates: Rates = field(default_factory=Rates)
    violations: list[Violation] = field(default_factory=list)
    blocked_until: float = 0.0
    _bot: _Window | None = None
    _chats: dict[int, _Rate] = field(default_factory=dict)
    _groups: dict[int, _Window] = field(default_factory=dict)

    def check_blocked(self, method: str, chat_id: int | None) -> None:
        """Raise 429 and record a violation while the bot is blocked."""
        now = self.clock()
        if now < self.blocked_until:
            self.violations.append(Violation(method, chat_id, now, self.blocked_until))
            raise too_many_requests(math.ceil(self.blocked_until - now))

    def check_rate(self, chat_id: int) -> None:
        """Count one message to a chat; raise 429 and block the bot when it is one too many."""
        if not self.enforce:
            return
        now = self.clock()
        limits = self._limits_of(chat_id)
        wait_s = max(limit.wait_s(now) for limit in limits)
        if wait_s > 0:
            self.block(math.ceil(wait_s))
        for limit in limits:
            limit.count(now)

    def block(self, retry_after_s: int) -> None:
        """Block the bot for `retry_after_s` seconds. Always raises the 429 that says so."""
        self.blocked_until = self.clock() + retry_after_s
        raise too_many_requests(retry_after_s)

    def _limits_of(self, chat_id: int) -> list[_Window | _Rate]:
        rates = self.rates
        if self._bot is None:
            self._bot = _Window(rates.bot_per_s, 1.0 - rates.tolerance_s)
        chat = self._chats.setdefault(
            chat_id, _Rate(1 / rates.chat_per_s, rates.chat_burst, rates.tolerance_s)
        )
        if chat_id > 0:
            return [self._bot, chat]
        return [
            self._bot,
            chat,
            self._groups.setdefault(chat_id, _Window(rates.group_per_min, 60.0 - rates.tolerance_s)),
        ]
