"""The relay at work: follows the log, and hands it to a broker, batch by batch, until each is accepted.

At least once: its position moves when a batch was accepted, so what a crash leaves in between is told again under the same ids.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from bot.eventlog.log import StoredEventLog
from bot.eventlog.vault import Vault
from bot.relay.broker import Accepted, Broker
from bot.relay.parcel import Parcel, parcel
from bot.relay.settings import RelaySettings
from domain.dispatch import Done, Failed, Request, Result
from domain.errors import Rejected, VersionConflict
from domain.message import Recorded
from domain.ports.event_log import Append, Appended, LogIdentity, Progress
from scheduler.follower import Follower

PLACE: Final = "relay"
"""The name under which the log keeps how far it was relayed."""
BATCH: Final = 500
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0

log_ = structlog.get_logger(__name__)


def pause_s(attempts: int) -> float:
    """Return how long to wait after so many failures in a row."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 16))


class Relay:
    """Tells one broker. It shares nothing with the Siyu that writes the log but the stores."""

    def __init__(
        self,
        settings: RelaySettings,
        log: StoredEventLog,
        vault: Vault,
        broker: Broker,
        clock: Callable[[], datetime],
        timer: Callable[[], float],
    ) -> None:
        """``timer``: seconds that only grow."""
        self.settings, self.log, self._vault = settings, log, vault
        self._broker, self._timer = broker, timer
        self._follower = Follower(PLACE, log, self._note, clock)
        self._identity: LogIdentity | None = None
        self._attempts = 0
        self._not_before = 0.0

    @property
    def passed(self) -> int:
        """Up to which position nothing is left to tell."""
        return max(self._follower.read_to, self._follower.noted)

    async def step(self) -> float | None:
        """Tell the next batch. Returns 0 while there may be more, or the seconds to wait. Raises StoreUnavailable, VersionConflict."""
        rest_s = self._not_before - self._timer()
        if rest_s > 0:
            return rest_s
        # Another process forgets people: their keys are looked up anew for each batch, also where the broker was away meanwhile.
        self._vault.look_again()
        batch = await self._follower.next(BATCH)
        if not batch:
            return None
        wanted = [recorded for recorded in batch if self.settings.wants(recorded.type)]
        if not wanted:
            await self._follower.passed(batch[-1].position)
            return 0.0
        parcels = await asyncio.to_thread(self._packed, wanted)
        accepted = await self._broker.take(parcels)
        if accepted.count:
            last = batch if accepted.count == len(wanted) else wanted[: accepted.count]
            await self._follower.move_to(last[-1].position)
        return self._judged(accepted)

    def _packed(self, wanted: Sequence[Recorded]) -> list[Parcel]:
        known = self._identity = self._identity or self.log.identity()
        return [parcel(known, recorded, personal=self.settings.shows(recorded.type)) for recorded in wanted]

    def _judged(self, accepted: Accepted) -> float:
        """Tell trouble and its end once each, and return when to go on."""
        if not accepted.failure:
            if self._attempts:
                log_.info("relay.recovered", broker=self.settings.address, attempts=self._attempts)
            self._attempts, self._not_before = 0, 0.0
            return 0.0
        self._attempts = 1 if accepted.count else self._attempts + 1
        if self._attempts == 1:
            log_.warning(
                "relay.failing", broker=self.settings.address, error=accepted.failure, told_to=self.passed
            )
        wait_s = pause_s(self._attempts)
        self._not_before = self._timer() + wait_s
        return wait_s

    async def _note(self, request: Request) -> Result:
        unit = Append(progress=request.progress)
        (outcome,) = await asyncio.to_thread(self.log.append, [unit])
        if isinstance(outcome, Appended):
            return Done()
        log_.warning("relay.moved_by_another", broker=self.settings.address)
        return Failed(VersionConflict("the relay's position was moved by another: is there a second one?"))

    def begin_after(self, position: int) -> None:
        """Begin behind a position: what is above it is told, once more where it was. Raises Rejected, StoreUnavailable."""
        known = self.log.progress(PLACE)
        last = self.log.head() if known is None else known
        if position > last:
            raise Rejected("the log was relayed only up to {last}: nothing is left out", last=last)
        (outcome,) = self.log.append([Append(progress=Progress(PLACE, known or 0, position))])
        if not isinstance(outcome, Appended):
            raise Rejected("another relay works on this log: stop it first")

    async def hang_up(self) -> None:
        """Give the broker's connection back."""
        await self._broker.close()

    def close(self) -> None:
        """Close the stores, once nothing is under way any more."""
        self.log.close()
        self._vault.close()
