"""The driver of cards: reads on for each operator, and plans what is due."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.cards.gathering import MOST_GATHERED, Inbox, Said, is_for_us
from bot.cards.writing import CARD, IN_A_DIGEST, News, Writing
from bot.house import House
from bot.staff import KEPT_BACK, Staff, phone
from domain.conversations.events import MessageReceived
from domain.dispatch import Done, Request, fold
from domain.errors import Overloaded, SiyuError, StoreUnavailable, VersionConflict
from domain.identity import ContactId, CustomerId, OperatorId, Slug, StreamId, stream
from domain.media.events import MediaKept
from domain.message import Command, Context, Origin, Recorded
from domain.operators.desk import MuteState, mutes
from domain.operators.events import Role
from domain.operators.roster import Member, RosterState
from projections.deliveries.cards import Answer, answers, planned_since
from projections.people import customers
from projections.people.contacts import contacts_by_id
from scheduler.follower import Follower

BATCH = 500
CARDS_A_MINUTE = 10
"""More than these are read by nobody: then comes a digest when the minute is over."""
MINUTE = timedelta(minutes=1)
LOOK_AGAIN = timedelta(seconds=2)
FRESHLY_BOUND = timedelta(minutes=10)
"""Who was bound so lately gets what was said since; others, whose first cards these are, begin now."""

log_ = structlog.get_logger(__name__)


class Cards:
    """Follows the log for every operator who answers customers.

    One follower an operator: what is not planned for them yet keeps only their own place in the log, so nothing is lost by a restart and
    nobody waits for a colleague. What was gathered becomes cards, or digests where they would be too many, in one append with the position.
    """

    def __init__(self, house: House, follower: Callable[[str], Follower], room: int = MOST_GATHERED) -> None:
        """``room``: messages and files that are gathered for an operator before any more is read."""
        self._house, self._follower, self._room = house, follower, room
        self._staff, self._writing = Staff(house.log), Writing(house)
        self._inboxes: dict[OperatorId, Inbox] = {}

    async def step(self) -> float | None:
        """Read on and plan what is due. Returns after how many seconds to go on, 0 while there is more to read, None: when woken."""
        team = await asyncio.to_thread(self._staff.team)
        answering = {o: m for o, m in team.members.items() if m.contacts and m.role.includes(Role.AGENT)}
        self._inboxes = {o: inbox for o, inbox in self._inboxes.items() if o in answering}
        pauses = [await self._serve(await self._inbox(o), member, team) for o, member in answering.items()]
        return min((pause for pause in pauses if pause is not None), default=None)

    async def _inbox(self, operator: OperatorId) -> Inbox:
        inbox = self._inboxes.get(operator)
        if inbox is None:
            inbox = Inbox(operator, self._follower(f"cards-{operator}"), self._room)
            bound = self._staff.bound.get(operator)
            known = await asyncio.to_thread(self._house.log.progress, inbox.follower.name)
            if known is None and bound is not None and self._house.clock() - bound.at < FRESHLY_BOUND:
                await inbox.follower.move_to(bound.position)
            self._inboxes[operator] = inbox
        return inbox

    async def _serve(self, inbox: Inbox, member: Member, team: RosterState) -> float | None:
        batch = [] if inbox.full else await inbox.follower.next(BATCH)
        staff = {contact for one in team.members.values() for contact in one.contacts}
        for recorded in batch:
            if recorded.origin is Origin.LIVE:
                await self._gather(inbox, recorded, staff)
        if batch and not inbox.said:
            await inbox.follower.passed(batch[-1].position)
        elif batch:  # the durable place stays before what is not planned yet
            inbox.follower.read_to = batch[-1].position
            if inbox.full:  # what is read next must not wait for the minute of these
                inbox.again_at = None
        if len(batch) == BATCH and not inbox.full:
            return 0.0
        if not inbox.said:
            return None
        now = self._house.clock()
        pause = inbox.due_in(now)
        if pause > 0:
            return pause
        return await self._plan(inbox, member, now)

    async def _gather(self, inbox: Inbox, recorded: Recorded, staff: set[ContactId]) -> None:
        event = recorded.event
        if not isinstance(event, MessageReceived | MediaKept) or event.contact in staff:
            return
        at = recorded.occurred_at
        fresh = Said(event.contact, recorded.id, at, at, recorded.recorded_at)
        if isinstance(event, MessageReceived) and is_for_us(event):
            inbox.said.setdefault(event.contact, fresh).add(event, recorded)
        elif isinstance(event, MediaKept) and await asyncio.to_thread(self._is_private, event):
            inbox.said.setdefault(event.contact, fresh).keep(event, recorded)
        else:
            return
        inbox.gathered += 1
        inbox.begun_at = inbox.begun_at or recorded.recorded_at
        inbox.latest_at = recorded.recorded_at

    def _is_private(self, event: MediaKept) -> bool:
        """Whether a file came in a message to us alone."""
        found = self._house.log.read_stream(StreamId(event.message.partition("@")[0]))
        return any(isinstance(r.event, MessageReceived) and r.event.group is None for r in found)

    async def _plan(self, inbox: Inbox, member: Member, now: datetime) -> float | None:
        await asyncio.to_thread(self._house.catch_up)
        plans = await asyncio.to_thread(self._plans, inbox, member, now)
        if isinstance(plans, datetime):
            inbox.again_at = plans
            return max(0.0, (plans - now).total_seconds())
        await self._hand_in(inbox, plans, now)
        return 0.0

    async def _hand_in(self, inbox: Inbox, plans: Sequence[Command], now: datetime) -> None:
        """Append the cards and the place behind them. One that cannot be stored (somebody was forgotten meanwhile) takes none along."""
        follower = inbox.follower
        context = Context(actor=Slug("process-cards"), occurred_at=now, now=now)
        position = follower.read_to
        try:
            result = await follower.dispatch(
                Request(context, tuple(plans), progress=follower.progress(position))
            )
            error = None if isinstance(result, Done) else result.error
        except (StoreUnavailable, Overloaded):
            raise
        except SiyuError as stopped:
            error = stopped
        if isinstance(error, StoreUnavailable | Overloaded):
            raise error
        if error is None:
            follower.noted = position
        elif isinstance(error, VersionConflict):
            await follower.resume()
        else:
            for plan in plans:
                await self._alone(plan, context)
            await follower.move_to(position)
        inbox.clear()

    async def _alone(self, plan: Command, context: Context) -> None:
        try:
            result = await self._house.submit(Request(context, (plan,)))
            error = None if isinstance(result, Done) else result.error
        except (StoreUnavailable, Overloaded):
            raise
        except SiyuError as stopped:
            error = stopped
        if isinstance(error, StoreUnavailable | VersionConflict):
            raise error
        if error is not None:
            log_.warning("cards.left_out", error=type(error).__name__)

    # What becomes of what was gathered: in a thread.

    def _plans(self, inbox: Inbox, member: Member, now: datetime) -> Sequence[Command] | datetime:
        """Return what to plan, or when to look again."""
        with self._house.views.read() as connection:
            to = phone(connection, member.contacts, now)
            if to is None or not to.is_open:
                return now + LOOK_AGAIN  # nothing can be told before they write to us
            lately = planned_since(connection, to.contact.id, CARD, now - MINUTE)
        news = self._news(inbox)
        if not news:
            return ()
        if to.room is not None and to.room - len(news) < KEPT_BACK:
            return self._writing.digest(inbox.operator, to, news, now, scarce=True)
        if len(lately) + len(news) <= CARDS_A_MINUTE:
            return [command for one in news for command in self._writing.card(to, one, now)]
        if lately and not inbox.full:
            return lately[0] + MINUTE
        pages = [news[start : start + IN_A_DIGEST] for start in range(0, len(news), IN_A_DIGEST)]
        digests = [self._writing.digest(inbox.operator, to, page, now) for page in pages]
        return [command for digest in digests for command in digest]

    def _news(self, inbox: Inbox) -> list[News]:
        """Return who wrote and is not answered by one of us yet, in the order they began; without those the operator muted."""
        name = stream(mutes.category, inbox.operator)
        muted: MuteState = fold(mutes, self._house.log.read_stream(name))
        with self._house.views.read() as connection:
            known = contacts_by_id(connection, list(inbox.said))
            owners = {
                owner.id: owner
                for owner in customers.customers_by_id(connection, {c.customer for c in known.values()})
            }
            theirs = {contact.id: owner.id for owner in owners.values() for contact in owner.contacts}
            since = min(said.since for said in inbox.said.values())
            given: dict[CustomerId, list[Answer]] = {}
            for answer in answers(connection, theirs, since):
                given.setdefault(theirs[answer.contact], []).append(answer)
        found = []
        for said in inbox.said.values():
            contact = known.get(said.contact)
            owner = None if contact is None else owners.get(contact.customer)
            if contact is None or owner is None or owner.is_staff or muted.covers(owner.id, said.at):
                continue
            told = given.get(owner.id, [])
            if any(answer.operator is not None and answer.planned_at > said.heard_at for answer in told):
                continue
            by_rule = [a for a in told if a.occasion == "auto-reply" and a.planned_at >= said.since]
            found.append(News(said, contact, owner, by_rule[-1] if by_rule else None))
        return found
