"""Fan-out: a confirmed broadcast whose time has come becomes one delivery a recipient.

Carried out twice it plans the same deliveries, since their ids are derived: a crash in the middle costs nothing but the work.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.broadcasts.commands import FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import fold
from domain.errors import Overloaded, SiyuError, StoreUnavailable, VersionConflict
from domain.identity import BroadcastId, DeliveryId, GroupId, KeyedHash, Slug, SubjectId, stream
from domain.message import Context, Recorded
from domain.ports.agenda import Agenda
from domain.ports.audience import Audience, Recipient, Whom
from domain.ports.event_log import EventLog
from scheduler.chunks import CHUNK, CHUNKS_A_STEP, plan, say
from scheduler.follower import Dispatch

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
        self._reached: dict[BroadcastId, tuple[int, int]] = {}
        """Of those under way: up to which customer number they are planned, and how many that was. Forgotten by a crash.

        Of both, no more than is listed: each step leaves out what is not due any more."""

    async def step(self) -> int:
        """Fan out what is due, of a large audience a part. Returns how many broadcasts that were. Raises StoreUnavailable, Overloaded."""
        listed = await asyncio.to_thread(self.agenda.broadcasts, self.clock())
        self._finished &= set(listed)
        self._reached = {one: self._reached[one] for one in listed if one in self._reached}
        due = [broadcast for broadcast in listed if broadcast not in self._finished]  # the view may still lag
        for broadcast in due:
            try:
                done = await self._fan_out(broadcast)
            except (StoreUnavailable, Overloaded):
                raise
            except VersionConflict:  # the next step begins again
                continue
            except SiyuError as error:  # its stream is damaged: the others go on
                log_.error("fan_out.failed", broadcast=broadcast, error=type(error).__name__)  # noqa: TRY400
                done = True
            if done:
                self._finished.add(broadcast)
                self._reached.pop(broadcast, None)
        return len(due)

    async def _fan_out(self, broadcast: BroadcastId) -> bool:
        """Plan the next chunks. Returns whether that was all."""
        events, state = await asyncio.to_thread(self._state, broadcast)
        for _ in range(CHUNKS_A_STEP):
            if state.stage is not Stage.CONFIRMED:  # cancelled: what is planned, the gate leaves out
                return True
            after, count = self._reached.get(broadcast, (0, 0))
            plans, reached = await asyncio.to_thread(self._plan, broadcast, state, after)
            count += await plan(self.dispatch, self._context(events[-1]), plans)
            self._reached[broadcast] = reached, count
            _, state = await asyncio.to_thread(self._state, broadcast)
            if len(plans) < CHUNK and state.stage is Stage.CONFIRMED:
                finish = FinishFanOut(broadcast=broadcast, planned=count)
                await say(self.dispatch, self._context(events[-1]), finish)
                return True
        return False

    def _state(self, broadcast: BroadcastId) -> tuple[Sequence[Recorded], BroadcastState]:
        events = self.log.read_stream(stream(broadcasts.category, broadcast))
        return events, fold(broadcasts, events)

    def _context(self, confirmed: Recorded) -> Context:
        now = self.clock()
        return Context(
            actor=Slug("scheduler"),
            occurred_at=now,
            now=now,
            cause=confirmed.id,
            correlation=confirmed.correlation or Slug(confirmed.id),
        )

    def _plan(
        self, broadcast: BroadcastId, state: BroadcastState, after: int
    ) -> tuple[Sequence[PlanDelivery], int]:
        """Return the next deliveries, and up to which customer number they go."""
        if state.audience is AudienceKind.GROUP and state.group is not None:
            return [self._to_group(broadcast, state, state.group)], after
        tags = () if state.tag is None else (state.tag,)
        page = self.audience.page(Whom(tags=tags), after, CHUNK)
        plans = [self._to_customer(broadcast, state, recipient) for recipient in page]
        return plans, page[-1].number if page else after

    def _to_customer(
        self, broadcast: BroadcastId, state: BroadcastState, recipient: Recipient
    ) -> PlanDelivery:
        return PlanDelivery(
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
