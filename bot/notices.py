"""Notices: an operator is told when what they wrote to somebody did not arrive, or nobody knows whether it did."""

import asyncio
from datetime import timedelta

import structlog

from bot.commands.customers import called
from bot.commands.messages import OPERATOR_SEND, SHORT_ID
from bot.commands.preview import reason_said
from bot.commands.times import Clock
from bot.house import House
from bot.staff import Staff, phone
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import (
    ANSWERED_IN_REQUEST,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.dispatch import Failed, Request
from domain.errors import Overloaded, StoreUnavailable, VersionConflict
from domain.identity import DeliveryId, Slug, stream
from domain.message import Context, Origin, Personal, Recorded
from domain.processes.handover import OPERATOR_REPLY
from projections.people.contacts import contact
from projections.people.customers import customer
from scheduler.follower import Follower

BATCH = 500
NOTICE_LIVES = timedelta(hours=24)
ONLY_IF_THEY_WRITE = frozenset({"window-closed", "window-used-up"})
UNREACHABLE = frozenset(
    {"blocked", "deactivated", "never-wrote", "not-following", "unknown-openid", "refuses-messages"}
)
OF_THE_FILE = frozenset({"media-gone", "media-refused", "kind-refused", "too-large"})
OF_THE_TEXT = frozenset({"missing_variable", "broken_template", "text-too-long", "text-empty"})
BY_HAND = frozenset({OPERATOR_REPLY, OPERATOR_SEND})

log_ = structlog.get_logger(__name__)

Ended = DeliveryRejected | DeliverySuppressed | DeliveryExpired | DeliveryUnknown


class Notices:
    """Follows the log."""

    def __init__(self, house: House, follower: Follower) -> None:
        self._house, self._follower = house, follower
        self._staff = Staff(house.log)

    async def step(self) -> float | None:
        """Tell what is new. Returns 0 while there is more to read. Raises StoreUnavailable, Overloaded."""
        batch = await self._follower.next(BATCH)
        for recorded in batch:
            event = recorded.event
            if recorded.origin is not Origin.LIVE or not isinstance(event, Ended):
                continue
            if isinstance(event, DeliveryUnknown) and event.reason == ANSWERED_IN_REQUEST:
                continue  # its proof follows, or it is sent again
            plan = await asyncio.to_thread(self._notice, event)
            if plan is not None:
                await self._hand_in(recorded, plan)
        if batch:
            await self._follower.passed(batch[-1].position)
        return 0.0 if batch else None

    async def _hand_in(self, recorded: Recorded, plan: PlanDelivery) -> None:
        now = self._house.clock()
        context = Context(
            Slug("process-notices"), now, now, recorded.id, recorded.correlation or Slug(recorded.id)
        )
        request = Request(context, (plan,), progress=self._follower.progress(recorded.position))
        result = await self._follower.dispatch(request)
        if isinstance(result, Failed):
            if isinstance(result.error, StoreUnavailable | Overloaded):
                raise result.error
            if isinstance(result.error, VersionConflict):
                await self._follower.resume()
                raise result.error
            log_.warning("notices.left_out", delivery=plan.delivery, error=type(result.error).__name__)
            await self._follower.move_to(recorded.position)
            return
        self._follower.noted = recorded.position

    def _notice(self, event: Ended) -> PlanDelivery | None:
        """Return what the one who wrote it is told; None where no operator did, or they cannot be reached."""
        first = next(iter(self._house.log.read_stream(stream(deliveries.category, event.delivery))), None)
        planned = first.event if first is not None else None
        if not isinstance(planned, DeliveryPlanned) or planned.operator is None:
            return None
        member = self._staff.team().members.get(planned.operator)
        if member is None or planned.occasion not in BY_HAND or planned.broadcast is not None:
            return None
        self._house.catch_up()
        now = self._house.clock()
        with self._house.views.read() as connection:
            to = phone(connection, member.contacts, now)
            known = contact(connection, planned.contact) if planned.contact is not None else None
            owner = customer(connection, known.customer) if known is not None else None
        if to is None:
            return None
        language = to.contact.language
        clock = Clock(
            now, self._house.office.controls.zone, lambda text: self._house.texts.say(text, language)
        )
        whom = called(owner) if owner is not None else clock.say("a group")
        digest = self._house.digest("delivery", f"notice:{event.delivery}", type(event).__name__, "", "")
        return PlanDelivery(
            delivery=DeliveryId(digest),
            subject=planned.subject,
            kind=DeliveryClass.REPLY,
            occasion=Slug("notice"),
            contact=to.contact.id,
            customer=to.contact.customer,
            text=Personal(_text(event, whom, clock)),
            not_before=now,
            expires_at=now + NOTICE_LIVES,
            verbatim=True,
            even_at_night=True,
        )


def _text(event: Ended, whom: str, clock: Clock) -> str:
    match event:
        case DeliveryExpired():
            said = clock.say(
                "✗ {whom}: your message did not arrive: it waited too long. If it still matters, write it again."
            )
            return said.format(whom=whom)
        case DeliveryUnknown(delivery=delivery):
            said = clock.say(
                "? {whom}: nobody knows whether your message arrived. It may be sent again by itself: "
                "look at /timeline before you repeat it. delivery:{id}"
            )
            return said.format(whom=whom, id=delivery[:SHORT_ID])
        case DeliveryRejected(reason=reason) | DeliverySuppressed(reason=reason):
            said = clock.say("✗ {whom}: your message did not arrive: {reason}.")
            told = said.format(whom=whom, reason=reason_said(clock, reason))
            return f"{told} {_advice(reason, clock)}"


def _advice(reason: str, clock: Clock) -> str:
    if reason in ONLY_IF_THEY_WRITE:
        return clock.say("Answer again as soon as they write.")
    if reason in UNREACHABLE:
        return clock.say("Reach them on another channel, or wait until they write.")
    if reason in OF_THE_FILE:
        return clock.say("Write it again, without the file.")
    if reason in OF_THE_TEXT:
        return clock.say("Write it again, in plain words.")
    return clock.say("Write it again, or tell whoever looks after this bot.")
