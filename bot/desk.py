"""The operators' desk: carries out the commands that operators send over the channels.

A command's effects, its audit entry, the answer and the desk's position are one append. Every id the command makes is derived from the
message, so carrying it out again after a crash changes nothing.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.commands.command import NOBODY, Operator, Reply
from bot.commands.execute import execute
from bot.commands.line import is_command
from bot.commands.said import Meant, meant, repeatable, subject_customer
from bot.house import House
from bot.staff import Staff
from domain.contacts.contact import ContactState, contacts
from domain.conversations.events import ButtonPressed, ContentKind, MessageReceived
from domain.conversations.said import said
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, Result, fold
from domain.errors import Overloaded, StoreUnavailable
from domain.identity import (
    ORDER,
    ContactId,
    CustomerId,
    DeliveryId,
    Digest,
    Slug,
    StreamId,
    SubjectId,
    stream,
)
from domain.media.events import MediaKept, MediaRefused
from domain.message import Command, Context, Origin, Personal, Recorded
from domain.operators.commands import EndAnswer, RecordCommand
from domain.operators.desk import desks
from domain.operators.events import CommandGiven, CommandOutcome, Role, Verb
from domain.operators.roster import RosterState, audit
from domain.processes.handover import OPERATOR_REPLY
from projections.deliveries.cards import subject_of
from projections.people.customers import customer
from scheduler.follower import Follower

BATCH = 100
ANSWER_LIVES = timedelta(hours=1)
"""Nobody waits longer for the answer to a command."""
CHOICE_BYTES = 64
"""What a button may send back on the narrowest channel; longer candidates are only listed in the text."""

NO_WORD = "…"
"""What stands in an order for a file that came without a word."""
_DONE = {CommandOutcome.DONE, CommandOutcome.ASKED}

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Order:
    """One command as it came in. ``request``: equal when the same message, or the same button of the same message, orders it again.

    ``card``: the customer it is about without naming them. ``ends``: it answers a button's question. ``file``: what became of its file.
    """

    recorded: Recorded
    contact: ContactId
    operator: Operator
    seen: ContactState
    line: str
    request: Digest
    context: Context
    card: CustomerId | None = None
    ends: bool = False
    file: MediaKept | MediaRefused | None = None


class Desk:
    """Follows the log, and answers operators."""

    def __init__(self, house: House, follower: Follower) -> None:
        self._house, self.follower = house, follower
        self._staff = Staff(house.log)

    async def step(self) -> int:
        """Carry out the next commands. Returns how many events were read. Raises StoreUnavailable, Overloaded."""
        batch = await self.follower.next(BATCH)
        team = await asyncio.to_thread(self._staff.team) if batch else None
        for recorded in batch:
            event = recorded.event
            if team is None or recorded.origin is not Origin.LIVE:
                continue
            if isinstance(event, MessageReceived | ButtonPressed) and await self._hear(recorded, event, team):
                team = await asyncio.to_thread(self._staff.team)  # it may be another one now
            if isinstance(event, MediaKept | MediaRefused) and team.operator_of(event.contact) is not None:
                await self._take_file(recorded, event, team)
        if batch:
            await self.follower.passed(batch[-1].position)
        return len(batch)

    async def _hear(
        self, recorded: Recorded, event: MessageReceived | ButtonPressed, team: RosterState
    ) -> bool:
        """Carry out what somebody ordered. Returns whether they ordered anything."""
        line = _line(event)
        bound = team.operator_of(event.contact) is not None
        if line is None or not (bound or is_command(line, bound=False)):
            return False  # most of what is said: nobody needs to be looked up for it
        order = await asyncio.to_thread(self._order, recorded, event, line, team)
        if order is None:
            return False
        await asyncio.to_thread(self._house.catch_up)
        understood = await asyncio.to_thread(self._understood, order, event) if bound else order
        if understood is None:
            return False
        await self._carry_out(understood)
        return True

    async def _take_file(self, recorded: Recorded, file: MediaKept | MediaRefused, team: RosterState) -> None:
        """Send what an operator answered with a file, now that there is one."""
        name = StreamId(file.message.partition("@")[0])
        found = await asyncio.to_thread(self._house.log.read_stream, name)
        message = next((r.event for r in found if isinstance(r.event, MessageReceived)), None)
        line = None if message is None else _line(message)
        if message is None or line is None:
            return
        order = await asyncio.to_thread(self._order, recorded, message, line, team)
        if order is None:
            return
        await asyncio.to_thread(self._house.catch_up)
        understood = await asyncio.to_thread(self._understood, replace(order, file=file), message)
        if understood is not None:
            await self._carry_out(understood)

    def _understood(self, order: _Order, event: MessageReceived | ButtonPressed) -> _Order | None:
        """Return an operator's order with whom it is about; None where they gave none, or where its file is still to come."""
        quoted = event.reply_to if isinstance(event, MessageReceived) else event.provider_message
        state = fold(desks, self._house.log.read_stream(stream(desks.category, order.contact)))
        question = state.asked(order.context.occurred_at)
        with self._house.views.read() as connection:
            subject = None if quoted is None else subject_of(connection, order.contact, quoted)
            about = None if question is None else customer(connection, question.customer)
        card = subject_customer(self._house.views, subject, order.contact)
        asked = None if question is None or about is None else (question, about)
        has_file = isinstance(event, MessageReceived) and _has_file(event)
        found = meant(order.line or NO_WORD * has_file, card, asked, order.seen.channel)
        answers = found is not None and found.line.startswith(f"/{Verb.REPLY} #") and found.line != order.line
        if has_file and answers is not (order.file is not None):
            return None
        if found is None and isinstance(event, MessageReceived) and (card or asked) is not None:
            found = Meant("/reply", None if card is None else card.id)  # a file without a word
        if found is None:
            return None
        return replace(order, line=found.line, card=found.customer, ends=found.ends)

    def _order(
        self, recorded: Recorded, event: MessageReceived | ButtonPressed, line: str, team: RosterState
    ) -> _Order | None:
        """Return who orders it and how it is told apart; None for a button that was pressed before and did what it says."""
        house = self._house
        seen = fold(contacts, house.log.read_stream(stream(contacts.category, event.contact)))
        bound = team.operator_of(event.contact)
        role = Role.VIEWER if bound is None else team.members[bound].role
        operator = Operator(NOBODY if bound is None else bound, role, event.contact, seen.language)
        request = house.digest("command", recorded.id)
        if isinstance(event, ButtonPressed) and event.provider_message is not None and not repeatable(line):
            pressed = house.digest("press", event.contact, event.provider_message, line)
            before = house.log.read_stream(stream(audit.category, pressed))
            if any(isinstance(r.event, CommandGiven) and r.event.outcome in _DONE for r in before):
                return None
            request = request if before else pressed  # what failed may be tried again
        context = Context(
            actor=Slug(f"operator-{operator.id}"),
            occurred_at=recorded.occurred_at,
            now=house.clock(),
            cause=recorded.id,
            correlation=recorded.correlation or Slug(recorded.id),
        )
        return _Order(recorded, event.contact, operator, seen, line, request, context)

    async def _carry_out(self, order: _Order) -> None:
        reply = await asyncio.to_thread(self._execute, order)
        result = await self._append(order, reply)
        if isinstance(result, Failed):
            refused = Reply(
                self._house.texts.told(result.error, order.seen.language),
                outcome=CommandOutcome.REFUSED,
                command=reply.command,
            )
            result = await self._append(order, refused)
        if isinstance(
            result, Failed
        ):  # not even that can be stored (a damaged stream): the others must not wait for it
            error = type(result.error).__name__
            log_.error("desk.unanswerable", position=order.recorded.position, error=error)
            await self.follower.move_to(order.recorded.position)
        self.follower.noted = order.recorded.position

    def _execute(self, order: _Order) -> Reply:
        """Run the command; a bug in one command is told, and costs nobody else their turn."""
        if isinstance(order.file, MediaRefused):
            told = self._house.texts.say("This file was not sent: {reason}.", order.seen.language)
            told = told.format(reason=order.file.reason)
            return Reply(told, outcome=CommandOutcome.FAILED, command=Verb.REPLY)
        try:
            reply = execute(
                order.line,
                order.operator,
                self._house.office,
                order.request,
                order.context.now,
                replying_to=order.card,
                order=_order_of(order),
            )
        except (StoreUnavailable, Overloaded):
            raise
        except Exception:
            log_.exception("desk.bug", position=order.recorded.position)
            told = self._house.texts.say("Something went wrong here; nothing was done.", order.seen.language)
            return Reply(told, outcome=CommandOutcome.FAILED)
        if order.file is not None:
            reply = replace(reply, commands=tuple(_with_file(c, order.file) for c in reply.commands))
        if not order.ends or reply.outcome is not CommandOutcome.DONE:
            return reply  # what could not be done may be written once more
        return replace(reply, commands=(*reply.commands, EndAnswer(contact=order.contact)))

    async def _append(self, order: _Order, reply: Reply) -> Result:
        commands: tuple[Command, ...] = (*reply.commands, _entry(order, reply), self._answer(order, reply))
        progress = self.follower.progress(order.recorded.position)
        return await self.follower.dispatch(Request(order.context, commands, progress=progress))

    def _answer(self, order: _Order, reply: Reply) -> PlanDelivery:
        delivery = self._house.digest("delivery", f"command:{order.request}", order.contact, "", "")
        rows = [
            [part for choice in row for part in choice]
            for row in reply.choices
            if all(len(data.encode()) <= CHOICE_BYTES for _, data in row)
        ]
        return PlanDelivery(
            delivery=DeliveryId(delivery),
            subject=reply.about or _told_under(order, reply),
            kind=DeliveryClass.REPLY,
            occasion=Slug("command"),
            contact=order.contact,
            customer=order.seen.customer or CustomerId(""),
            text=Personal(reply.text),
            choices=Personal(rows) if rows else None,
            not_before=order.context.now,
            expires_at=order.context.now + ANSWER_LIVES,
            verbatim=True,
            even_at_night=True,
        )


def _has_file(event: MessageReceived) -> bool:
    details: object = (
        None if event.details is None else event.details.value
    )  # a word, where the key is destroyed
    return event.kind is not ContentKind.TEXT and isinstance(details, dict) and "file_id" in details


def _with_file(command: Command, file: MediaKept) -> Command:
    """Return the answer with its file; of one that came without a word, only the file."""
    if not isinstance(command, PlanDelivery) or command.occasion != OPERATOR_REPLY or command.text is None:
        return command
    text = command.text.value
    return replace(command, media=file.media, text=Personal("" if text == NO_WORD else text))


def _entry(order: _Order, reply: Reply) -> RecordCommand:
    return RecordCommand(
        request=order.request,
        operator=order.operator.id,
        command=Slug(reply.command or "unknown"),
        line=Personal(order.line),
        outcome=reply.outcome,
        about=reply.customers or (),
        order=_order_of(order),
    )


def _order_of(order: _Order) -> Digest:
    """Return what names the key of an order: its message's, where that was sealed under one."""
    event = order.recorded.event
    given = event.order if isinstance(event, MessageReceived | ButtonPressed) else None
    return given or order.request


def _told_under(order: _Order, reply: Reply) -> SubjectId:
    """What tells of customers goes with them; what does not is the operator's own."""
    return SubjectId(f"{ORDER}-{_order_of(order)}" if reply.customers else f"contact-{order.contact}")


def _line(event: MessageReceived | ButtonPressed) -> str | None:
    """Return what an operator may have ordered: said or pressed in private, in their own words."""
    if event.group is not None:
        return None
    if isinstance(event, ButtonPressed):
        pressed = event.data.value
        if (words := said(event)) is not None:
            return words
        return pressed if pressed.startswith("/") and not pressed.startswith("/bind") else None
    return None if event.forwarded else event.text.value
