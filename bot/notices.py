"""Notices: an operator is told when what they wrote to somebody did not arrive, or nobody knows whether it did."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeGuard

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
from domain.message import Context, Event, Origin, Personal, Recorded
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
        ended = [(r, r.event) for r in batch if r.origin is Origin.LIVE and _is_news(r.event)]
        by_hand = (
            await asyncio.to_thread(self._by_hand, [event.delivery for _, event in ended]) if ended else {}
        )
        for recorded, event in ended:
            planned = by_hand.get(event.delivery)
            plan = None if planned is None else await asyncio.to_thread(self._notice, event, planned)
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

    def _by_hand(self, wanted: Sequence[DeliveryId]) -> dict[DeliveryId, DeliveryPlanned]:
        """Return those that an operator wrote to one person: in one question, as most are of campaigns, thousands of them together."""
        found = self._house.log.read_streams([stream(deliveries.category, delivery) for delivery in wanted])
        planned = [recorded[0].event for recorded in found.values() if recorded]
        return {
            event.delivery: event
            for event in planned
            if isinstance(event, DeliveryPlanned) and event.occasion in BY_HAND and event.broadcast is None
        }

    def _notice(self, event: Ended, planned: DeliveryPlanned) -> PlanDelivery | None:
        """Return what the one who wrote it is told; None where they cannot be reached."""
        member = None if planned.operator is None else self._staff.team().members.get(planned.operator)
        if member is None:
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


def _is_news(event: Event) -> TypeGuard[Ended]:
    """Whether a delivery came to an end that its writer may want to know of."""
    if isinstance(event, DeliveryUnknown) and event.reason == ANSWERED_IN_REQUEST:
        return False  # its proof follows, or it is sent again
    return isinstance(event, Ended)


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
