"""Fan-out: a confirmed broadcast whose time has come becomes one delivery a recipient.

Carried out twice it plans the same deliveries, since their ids are derived: a crash in the middle costs nothing but the work.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.broadcasts.commands import FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, fold
from domain.identity import BroadcastId, DeliveryId, GroupId, KeyedHash, Slug, SubjectId, stream
from domain.message import Command, Context
from domain.ports.agenda import Agenda
from domain.ports.audience import Audience, Recipient
from domain.ports.event_log import EventLog
from scheduler.follower import Dispatch

CHUNK = 500
"""Deliveries planned in one append."""
BROADCAST_LIVES = timedelta(hours=24)
"""What could not go out within a day of its time is left out."""


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
        """Fan out what is due. Returns how many broadcasts that were. Raises StoreUnavailable."""
        due = [
            broadcast
            for broadcast in await asyncio.to_thread(self.agenda.broadcasts, self.clock())
            if broadcast not in self._finished  # the view may still lag behind what was done a moment ago
        ]
        for broadcast in due:
            await self._fan_out(broadcast)
            self._finished.add(broadcast)
        return len(due)

    async def _fan_out(self, broadcast: BroadcastId) -> None:
        events = await asyncio.to_thread(self.log.read_stream, stream(broadcasts.category, broadcast))
        state = fold(broadcasts, events)
        if state.stage is not Stage.CONFIRMED or not events:
            return
        now = self.clock()
        context = Context(actor=Slug("scheduler"), occurred_at=now, now=now, cause=events[-1].id)
        planned = await asyncio.to_thread(self._plan, broadcast, state)
        for start in range(0, len(planned), CHUNK):
            await self._ask(Request(context, tuple(planned[start : start + CHUNK])))
        await self._ask(Request(context, (FinishFanOut(broadcast=broadcast, planned=len(planned)),)))

    async def _ask(self, request: Request) -> None:
        result = await self.dispatch(request)
        if isinstance(result, Failed):
            raise result.error

    def _plan(self, broadcast: BroadcastId, state: BroadcastState) -> Sequence[Command]:
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
