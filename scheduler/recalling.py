"""Recalls: what an operator wants back is taken from the recipients' screens, one after the other, and the log says how that ended."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from domain.broadcasts.events import BroadcastCancelled
from domain.campaigns.events import CampaignRecalled
from domain.deliveries.commands import AskRecall, EndRecall
from domain.deliveries.delivery import DeliveryState, Recall, deliveries
from domain.deliveries.events import DeliveryRecallAsked
from domain.dispatch import Failed, Request, fold
from domain.errors import (
    OutcomeUnknown,
    PermanentFailure,
    StoreUnavailable,
    TemporaryFailure,
    VersionConflict,
)
from domain.identity import (
    Account,
    Address,
    BroadcastId,
    CampaignId,
    Channel,
    DeliveryId,
    Party,
    Slug,
    stream,
)
from domain.message import Command, Context, Origin, Recorded
from domain.ports.event_log import EventLog
from domain.ports.identities import Identities
from domain.ports.recalls import Recalls
from scheduler.follower import Follower

BATCH = 200
CHUNK = 100
"""Deliveries of a campaign that are read at once."""
PAUSE_S = 0.05
"""Between two calls of a provider: 20 a second, beside what is sent."""
TRIES = 5
FIRST_RETRY_S = 1.0
CANNOT = Slug("channel-cannot")
NO_MESSAGE = Slug("nobody-knows-the-message")

log_ = structlog.get_logger(__name__)

Recalling = Mapping[tuple[Channel, Account], Recalls]
LeftOf = Callable[[CampaignId | BroadcastId, DeliveryId | None, int], Sequence[DeliveryId]]
"""Deliveries of a campaign or broadcast that left, or wait to leave: in the order of their ids, after one of them."""


class Recaller:
    """Follows the log."""

    def __init__(
        self,
        recalling: Callable[[], Recalling],
        left_of: LeftOf,
        log: EventLog,
        identities: Identities,
        follower: Follower,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``recalling``: the open accounts that can; ``rest``: waits seconds."""
        self._recalling, self._left_of, self._log = recalling, left_of, log
        self._identities, self._follower, self._rest = identities, follower, rest

    async def step(self) -> float | None:
        """Take back what was asked for. Returns 0 while there is more to read. Raises StoreUnavailable, Overloaded."""
        batch = await self._follower.next(BATCH)
        for recorded in batch:
            if recorded.origin is not Origin.LIVE:
                continue
            match recorded.event:
                case CampaignRecalled(campaign=campaign):
                    await self._whole(recorded, campaign)
                case BroadcastCancelled(broadcast=broadcast, recall=True):
                    await self._whole(recorded, broadcast)
                case DeliveryRecallAsked(delivery=delivery):
                    await self._one(recorded, delivery)
                case _:
                    continue
        if batch:
            await self._follower.passed(batch[-1].position)
        return 0.0 if batch else None

    async def _whole(self, asked: Recorded, of: CampaignId | BroadcastId) -> None:
        """Ask for each of its messages; asked again after a crash, that changes nothing."""
        after: DeliveryId | None = None
        while found := await asyncio.to_thread(self._left_of, of, after, CHUNK):
            for delivery in found:  # one by one: what is over meanwhile is refused, and concerns no other
                await self._append(asked, AskRecall(delivery=delivery))
            after = found[-1]
        await self._follower.move_to(asked.position)

    async def _one(self, asked: Recorded, delivery: DeliveryId) -> None:
        events = await asyncio.to_thread(self._log.read_stream, stream(deliveries.category, delivery))
        state = fold(deliveries, events)
        if state.recall is Recall.ASKED:
            refused = await self._taken_back(state)
            await self._append(asked, EndRecall(delivery=delivery, refused=refused))
        await self._follower.move_to(asked.position)

    async def _taken_back(self, state: DeliveryState) -> Slug | None:
        """Return why it stays where it is, None where it is gone."""
        party = Party.GROUP if state.group is not None else Party.CONTACT
        to = self._identities.address_of(party, state.group or state.contact or "")
        if to is None:
            return Slug("forgotten")
        recalls = self._recalling().get((to.channel, to.account))
        if recalls is None:
            return CANNOT
        return await self._ask(recalls, to, state)

    async def _ask(self, recalls: Recalls, to: Address, state: DeliveryState) -> Slug | None:
        if state.message is None:
            return NO_MESSAGE
        reason = ""
        for tried in range(TRIES):
            await self._rest(PAUSE_S if tried == 0 else FIRST_RETRY_S * 2.0**tried)
            try:
                await recalls.take_back(to, state.message)
            except PermanentFailure as failure:
                return Slug(failure.reason)
            except TemporaryFailure as failure:
                reason = failure.reason
                await self._rest(failure.retry_after_s)
            except OutcomeUnknown as failure:  # asking again does no harm
                reason = failure.reason
            else:
                return None
        return Slug(reason)

    async def _append(self, asked: Recorded, command: Command) -> None:
        now = self._follower.clock()
        context = Context(Slug("process-recalls"), now, now, asked.id, asked.correlation or Slug(asked.id))
        result = await self._follower.dispatch(Request(context, (command,)))
        if isinstance(result, Failed):
            if isinstance(result.error, StoreUnavailable | VersionConflict):
                raise result.error
            log_.info("recalls.left_out", error=type(result.error).__name__)
