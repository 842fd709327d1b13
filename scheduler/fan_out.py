"""Fan-out: a confirmed broadcast whose time has come becomes one delivery a recipient.

Carried out twice it plans the same deliveries, since their ids are derived: a crash in the middle costs nothing but the work.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.broadcasts.commands import FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, fold
from domain.errors import Overloaded, SiyuError, StoreUnavailable, VersionConflict
from domain.identity import BroadcastId, DeliveryId, GroupId, KeyedHash, Slug, SubjectId, stream
from domain.message import Context, Recorded
from domain.ports.agenda import Agenda
from domain.ports.audience import Audience, Recipient
from domain.ports.event_log import EventLog
from scheduler.follower import Dispatch

CHUNK = 200
"""Deliveries planned in one append: what comes in meanwhile waits no longer than for one of them."""
BROADCAST_LIVES = timedelta(hours=24)
"""What could not go out within a day of its time is left out."""

log_ = structlog.get_logger(__name__)


class FanOut:
    """Plans the deliveries of broadcasts that are due."""

    def __init__(
        self,
        agenda: Agenda,
        audience: Audience,
        log: EventLog,
        dispatch: Dispatch,
        digest: KeyedHash,
        clock: Callable[[], datetime],
    ) -> None:
        self.agenda, self.audience, self.log = agenda, audience, log
        self.dispatch, self.digest, self.clock = dispatch, digest, clock
        self._finished: set[BroadcastId] = set()

    async def step(self) -> int:
        """Fan out what is due. Returns how many broadcasts that were. Raises StoreUnavailable, Overloaded."""
        listed = await asyncio.to_thread(self.agenda.broadcasts, self.clock())
        self._finished &= set(listed)
        due = [broadcast for broadcast in listed if broadcast not in self._finished]  # the view may still lag
        for broadcast in due:
            try:
                await self._fan_out(broadcast)
            except (StoreUnavailable, Overloaded):
                raise
            except VersionConflict:  # the next step begins again
                continue
            except SiyuError as error:  # its stream is damaged: the others go on
                log_.error("fan_out.failed", broadcast=broadcast, error=type(error).__name__)  # noqa: TRY400
            self._finished.add(broadcast)
        return len(due)

    async def _fan_out(self, broadcast: BroadcastId) -> None:
        events, state = await asyncio.to_thread(self._state, broadcast)
        if state.stage is not Stage.CONFIRMED:
            return
        planned = await asyncio.to_thread(self._plan, broadcast, state)
        count = 0
        for start in range(0, len(planned), CHUNK):
            count += await self._append(planned[start : start + CHUNK], events[-1])
            _, state = await asyncio.to_thread(self._state, broadcast)
            if state.stage is not Stage.CONFIRMED:  # cancelled: what is planned, the gate leaves out
                return
        finish = Request(self._context(events[-1]), (FinishFanOut(broadcast=broadcast, planned=count),))
        result = await self.dispatch(finish)
        if isinstance(result, Failed):
            raise result.error

    def _state(self, broadcast: BroadcastId) -> tuple[Sequence[Recorded], BroadcastState]:
        events = self.log.read_stream(stream(broadcasts.category, broadcast))
        return events, fold(broadcasts, events)

    async def _append(self, plans: Sequence[PlanDelivery], confirmed: Recorded) -> int:
        """Plan them in one append; where it is refused one by one, so that one recipient costs nobody else their message."""
        result = await self.dispatch(Request(self._context(confirmed), tuple(plans)))
        if not isinstance(result, Failed):
            return len(plans)
        if isinstance(result.error, StoreUnavailable | VersionConflict):
            raise result.error
        if len(plans) > 1:
            return sum([await self._append([plan], confirmed) for plan in plans])
        log_.error("fan_out.left_out", delivery=plans[0].delivery, error=type(result.error).__name__)
        return 0

    def _context(self, confirmed: Recorded) -> Context:
        now = self.clock()
        return Context(
            actor=Slug("scheduler"),
            occurred_at=now,
            now=now,
            cause=confirmed.id,
            correlation=confirmed.correlation or Slug(confirmed.id),
        )

    def _plan(self, broadcast: BroadcastId, state: BroadcastState) -> Sequence[PlanDelivery]:
        if state.audience is AudienceKind.GROUP and state.group is not None:
            return [self._to_group(broadcast, state, state.group)]
        return list(self._to_everyone(broadcast, state, self.audience.recipients(state.tag)))

    def _to_everyone(
        self, broadcast: BroadcastId, state: BroadcastState, recipients: Sequence[Recipient]
    ) -> Iterator[PlanDelivery]:
        for recipient in recipients:
            yield PlanDelivery(
                delivery=self._id(broadcast, f"customer-{recipient.customer}"),
                subject=SubjectId(f"contact-{recipient.contact}"),
                kind=DeliveryClass.MARKETING,
                occasion=Slug("broadcast"),
                contact=recipient.contact,
                customer=recipient.customer,
                broadcast=broadcast,
                not_before=state.not_before or self.clock(),
                expires_at=(state.not_before or self.clock()) + BROADCAST_LIVES,
                automatic=True,
            )

    def _to_group(self, broadcast: BroadcastId, state: BroadcastState, group: GroupId) -> PlanDelivery:
        return PlanDelivery(
            delivery=self._id(broadcast, f"group-{group}"),
            subject=SubjectId(f"group-{group}"),
            kind=DeliveryClass.MARKETING,
            occasion=Slug("broadcast"),
            group=group,
            broadcast=broadcast,
            not_before=state.not_before or self.clock(),
            expires_at=(state.not_before or self.clock()) + BROADCAST_LIVES,
            automatic=True,
        )

    def _id(self, broadcast: BroadcastId, recipient: str) -> DeliveryId:
        return DeliveryId(self.digest("delivery", f"broadcast:{broadcast}", recipient, "", ""))
