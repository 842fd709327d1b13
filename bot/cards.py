"""Cards: each operator learns at once that a customer wrote, on the phone they used last, and is spared a flood.

One follower an operator: what is not planned for them yet keeps only their own place in the log, so nothing is lost by a restart and
nobody waits for a colleague. What customers said is gathered for a moment, then all of it becomes cards (or one digest, where they would be
too many) in one append with the position.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.commands.cards import Buttons, body, buttons, channel_said, line
from bot.commands.customers import sealed_under
from bot.commands.line import is_command
from bot.commands.remaining import remaining
from bot.commands.said import UNQUOTED
from bot.commands.times import Clock
from bot.house import House
from bot.staff import KEPT_BACK, Phone, Staff, phone
from domain.conversations.events import MessageReceived
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Done, Request, fold
from domain.errors import Overloaded, SiyuError, StoreUnavailable, VersionConflict
from domain.identity import ContactId, CustomerId, DeliveryId, EventId, OperatorId, Slug, stream
from domain.message import Context, Origin, Personal, Recorded
from domain.operators.desk import MuteState, mutes
from domain.operators.events import Role
from domain.operators.roster import Member, RosterState
from projections.deliveries.cards import Answer, answers, planned_since
from projections.people import customers
from projections.people.contacts import Contact, contacts_by_id
from projections.people.customers import Customer
from scheduler.follower import Follower

CARD = Slug("card")
BATCH = 500
QUIET = timedelta(seconds=1.5)
"""A burst is over when nobody wrote for so long ..."""
LONGEST = timedelta(seconds=4)
"""... but whoever wrote first waits no longer than this."""
CARDS_A_MINUTE = 10
"""More than these are read by nobody: then comes a digest when the minute is over."""
MINUTE = timedelta(minutes=1)
IN_A_DIGEST = 20
"""Customers in one digest; where there are more, another one follows it."""
SHOWN = 5
"""The last messages of a burst that a card shows."""
CARD_LIVES = timedelta(hours=24)
LOOK_AGAIN = timedelta(seconds=2)
FRESHLY_BOUND = timedelta(minutes=10)
"""Who was bound so lately gets what was said since; others, whose first cards these are, begin now."""

log_ = structlog.get_logger(__name__)


@dataclass(slots=True)
class Said:
    """What a customer said since the last card, from one contact. ``first``: the event it began with; ``at``: when the last was said."""

    contact: ContactId
    first: EventId
    since: datetime
    at: datetime
    lines: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0

    def add(self, event: MessageReceived, recorded: Recorded) -> None:
        """Take in one more message; of many, the last ones are kept."""
        self.lines = [*self.lines[1 - SHOWN :], (event.kind.value, event.text.value)]
        self.count += 1
        self.since, self.at = min(self.since, recorded.occurred_at), max(self.at, recorded.occurred_at)


@dataclass(slots=True)
class Inbox:
    """One operator's place in the log, and what is gathered since. ``again_at``: there is nothing to be done before."""

    operator: OperatorId
    follower: Follower
    said: dict[ContactId, Said] = field(default_factory=dict)
    begun_at: datetime | None = None
    latest_at: datetime | None = None
    again_at: datetime | None = None

    def due_in(self, now: datetime) -> float:
        """Return in how many seconds what is gathered becomes cards."""
        if self.begun_at is None or self.latest_at is None:
            return 0.0
        due = min(self.latest_at + QUIET, self.begun_at + LONGEST)
        if self.again_at is not None:
            due = max(due, self.again_at)
        return (due - now).total_seconds()

    def clear(self) -> None:
        """Begin to gather anew."""
        self.said = {}
        self.begun_at = self.latest_at = self.again_at = None


@dataclass(frozen=True, slots=True)
class News:
    """A customer who wrote and was not answered, as a card tells it."""

    said: Said
    contact: Contact
    customer: Customer
    by_rule: Answer | None


class Cards:
    """Follows the log for every operator who answers customers."""

    def __init__(self, house: House, follower: Callable[[str], Follower]) -> None:
        self._house, self._follower = house, follower
        self._staff = Staff(house.log)
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
            inbox = Inbox(operator, self._follower(f"cards-{operator}"))
            bound = self._staff.bound.get(operator)
            known = await asyncio.to_thread(self._house.log.progress, inbox.follower.name)
            if known is None and bound is not None and self._house.clock() - bound.at < FRESHLY_BOUND:
                await inbox.follower.move_to(bound.position)
            self._inboxes[operator] = inbox
        return inbox

    async def _serve(self, inbox: Inbox, member: Member, team: RosterState) -> float | None:
        batch = await inbox.follower.next(BATCH)
        staff = {contact for one in team.members.values() for contact in one.contacts}
        for recorded in batch:
            self._gather(inbox, recorded, staff)
        if batch and not inbox.said:
            await inbox.follower.passed(batch[-1].position)
        elif batch:  # the durable place stays before what is not planned yet
            inbox.follower.read_to = batch[-1].position
        if len(batch) == BATCH:
            return 0.0
        if not inbox.said:
            return None
        now = self._house.clock()
        pause = inbox.due_in(now)
        if pause > 0:
            return pause
        return await self._plan(inbox, member, now)

    def _gather(self, inbox: Inbox, recorded: Recorded, staff: set[ContactId]) -> None:
        event = recorded.event
        if not isinstance(event, MessageReceived) or recorded.origin is not Origin.LIVE:
            return
        if event.group is not None or event.contact in staff or is_command(event.text.value, bound=False):
            return
        at = recorded.occurred_at
        said = inbox.said.setdefault(event.contact, Said(event.contact, recorded.id, at, at))
        said.add(event, recorded)
        inbox.begun_at = inbox.begun_at or recorded.recorded_at
        inbox.latest_at = recorded.recorded_at

    async def _plan(self, inbox: Inbox, member: Member, now: datetime) -> float | None:
        await asyncio.to_thread(self._house.catch_up)
        plans = await asyncio.to_thread(self._plans, inbox, member, now)
        if isinstance(plans, datetime):
            inbox.again_at = plans
            return max(0.0, (plans - now).total_seconds())
        await self._hand_in(inbox, plans, now)
        return 0.0

    async def _hand_in(self, inbox: Inbox, plans: Sequence[PlanDelivery], now: datetime) -> None:
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

    async def _alone(self, plan: PlanDelivery, context: Context) -> None:
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
            log_.warning("cards.left_out", delivery=plan.delivery, error=type(error).__name__)

    # What becomes of what was gathered: in a thread.

    def _plans(self, inbox: Inbox, member: Member, now: datetime) -> Sequence[PlanDelivery] | datetime:
        """Return what to plan, or when to look again."""
        with self._house.views.read() as connection:
            to = phone(connection, member.contacts, now)
            lately = [] if to is None else planned_since(connection, to.contact.id, CARD, now - MINUTE)
        news = self._news(inbox)
        if to is None or not news:
            return ()  # who blocked us everywhere and comes back finds the customers in /customers
        if not to.is_open:
            return now + LOOK_AGAIN  # nothing can be told before they write to us
        if to.room is not None and to.room - len(news) < KEPT_BACK:
            return [self._digest(to, news, self._clock(to, now), scarce=True)]
        if len(lately) + len(news) <= CARDS_A_MINUTE:
            return [self._card(to, one, now) for one in news]
        if lately:
            return lately[0] + MINUTE
        pages = [news[start : start + IN_A_DIGEST] for start in range(0, len(news), IN_A_DIGEST)]
        return [self._digest(to, page, self._clock(to, now)) for page in pages]

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
            if any(answer.operator is not None and answer.planned_at > said.at for answer in told):
                continue
            by_rule = [a for a in told if a.occasion == "auto-reply" and a.planned_at >= said.since]
            found.append(News(said, contact, owner, by_rule[-1] if by_rule else None))
        return found

    def _card(self, to: Phone, news: News, now: datetime) -> PlanDelivery:
        clock = self._clock(to, now)
        said = news.said
        lines = [line(kind, text, clock.say) for kind, text in said.lines]
        if said.count > len(lines):
            lines.insert(0, clock.say("… and {count} before").format(count=said.count - len(lines)))
        if news.by_rule is not None:
            lines.append(
                clock.say("↳ answered by rule: {text}").format(
                    text=line("text", news.by_rule.text, clock.say)
                )
            )
        with self._house.views.read() as connection:
            budget = remaining(connection, news.contact.id, clock)
        text = body(news.customer, news.contact.channel, lines, budget, clock)
        if to.contact.channel in UNQUOTED:
            hint = clock.say("Write “{number} your answer” to answer.")
            text = f"{text}\n{hint.format(number=news.customer.number)}"
        digest = self._house.digest("delivery", f"card:{said.first}", to.contact.id, news.customer.id, "")
        return self._planned(
            to, DeliveryId(digest), news.contact.id, text, buttons(news.customer, clock.say), now
        )

    def _digest(self, to: Phone, page: Sequence[News], clock: Clock, *, scarce: bool = False) -> PlanDelivery:
        """Return who wrote, by number: no words, no names, since a message is sealed under one key and these are many people's.

        ``scarce``: the operator's own reply window allows no more, and it says how to open it.
        """
        lines = [clock.say("{count} customers wrote:").format(count=len(page))]
        for one in page:
            place = channel_said(one.contact.channel, clock.say)
            lines.append(f"#{one.customer.number} · {place} · {one.said.count}")
        if scarce:
            lines.append(
                clock.say("This channel lets us send you no more cards: write anything to get them again.")
            )
        shown = [(f"#{one.customer.number}", f"/card #{one.customer.number}") for one in page[:IN_A_DIGEST]]
        rows = tuple(tuple(shown[start : start + 4]) for start in range(0, len(shown), 4))
        digest = self._house.digest("delivery", f"cards:{page[0].said.first}", to.contact.id, "", "")
        return self._planned(to, DeliveryId(digest), to.contact.id, "\n".join(lines), rows, clock.now)

    def _clock(self, to: Phone, now: datetime) -> Clock:
        texts, language = self._house.texts, to.contact.language

        def say(text: str) -> str:
            return texts.say(text, language)

        return Clock(now, self._house.office.controls.zone, say)

    def _planned(
        self, to: Phone, delivery: DeliveryId, about: ContactId, text: str, choices: Buttons, now: datetime
    ) -> PlanDelivery:
        """Return the message to the operator, sealed under the key of whom it is about."""
        return PlanDelivery(
            delivery=delivery,
            subject=sealed_under(about),
            kind=DeliveryClass.REPLY,
            occasion=CARD,
            contact=to.contact.id,
            customer=to.contact.customer,
            text=Personal(text),
            choices=Personal([[part for choice in row for part in choice] for row in choices]),
            not_before=now,
            expires_at=now + CARD_LIVES,
            verbatim=True,
            even_at_night=True,
        )
