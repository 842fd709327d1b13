"""Waiting longer after each failure, and not in step with others."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

FIRST_S: Final = 1.0
CAP_S: Final = 60.0
REST_S: Final = 0.05
_DOUBLINGS_MAX: Final = 16


@dataclass(slots=True)
class Backoff:
    """Doubles from 1 s up to 60 s. ``jitter`` gives 0 to 1: half of each wait is certain, half is chance."""

    pause: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    _failures: int = 0

    async def wait(self, at_least_s: float = 0.0) -> None:
        """Wait after one more failure, at least as long as the provider asked for."""
        ceiling = min(CAP_S, FIRST_S * 2 ** min(self._failures, _DOUBLINGS_MAX))
        self._failures += 1
        await self.pause(max(at_least_s, ceiling * (1 + self.jitter()) / 2))

    async def rest(self) -> None:
        """Wait a moment after an answer without news, in case the server does not hold a long poll."""
        await self.pause(REST_S)

    def reset(self) -> None:
        """Begin anew: something went well."""
        self._failures = 0
