"""Handing over to a provider at its limit: how much of what Telegram allows really leaves, over two minutes of one broadcast."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from channels.simulators.telegram import TelegramSimulator
from tests.benchmarks.console import do, said

RATE_PER_S = 30
SPARE_S = 20.0
"""It is measured while there is always something left to send."""
MET_AT_ONCE = 200
WITHIN_S = 300.0
LOOKS_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class HandOver:
    """``share``: of what the limit allows; ``refused``: messages that met a 429."""

    sent: int
    share: float
    refused: int


async def hand_over(simulator: TelegramSimulator, data: Path, measured_s: float) -> HandOver:
    """Let everybody write to a running Siyu on this data folder, then broadcast to all of them at 30 a second."""
    for number in range(int(RATE_PER_S * (measured_s + SPARE_S))):
        simulator.user(2_000_000 + number, f"Customer {number}").starts()
        if number % MET_AT_ONCE == 0:
            await _until(lambda: len(simulator.pending_updates) < MET_AT_ONCE)
    await _until(lambda: not simulator.pending_updates)
    await asyncio.to_thread(do, data, "/broadcast all Summer is here")
    await _until(lambda: bool(simulator.sent))
    begins = simulator.sent[0].at
    await _until(lambda: simulator.sent[-1].at >= begins + measured_s)
    sent = sum(begins <= one.at < begins + measured_s for one in simulator.sent)
    events = await asyncio.to_thread(said, data, "events", json=True)
    refused = sum('"rate-limited"' in line for line in events)
    return HandOver(sent, sent / (RATE_PER_S * measured_s), refused + len(simulator.violations))


def settings() -> Mapping[str, str]:
    """Return what Siyu is to be told besides: polling, Telegram's own rates, and no control that would make an offer wait."""
    return {
        **ANY_TIME,
        "SIYU_TELEGRAM__MODE": "polling",
        "SIYU_TELEGRAM__RATE_PER_S": str(RATE_PER_S),
        "SIYU_TELEGRAM__CHAT_RATE_PER_S": "1",
    }


ANY_TIME = {
    "SIYU_MARKETING__QUIET_FROM": "00:00",
    "SIYU_MARKETING__QUIET_TO": "00:00",
    "SIYU_MARKETING__CAP_PER_DAY": "0",
    "SIYU_MARKETING__CAP_PER_WEEK": "0",
}
"""Marketing that is bounded by nothing but the provider."""


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the hand-over does not come to its end")
        await asyncio.sleep(LOOKS_EVERY_S)
