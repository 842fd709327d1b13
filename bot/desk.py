"""The operators' desk: carries out the commands that operators send over the channels.

A command's effects, its audit entry, the answer and the desk's position are one append. Every id the command makes is derived from the
message, so carrying it out again after a crash changes nothing.
"""

import asyncio
from datetime import timedelta

from bot.commands.command import Operator, Reply
from bot.commands.execute import execute
from bot.commands.line import is_command
from bot.house import House
from domain.contacts.contact import contacts
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, fold
from domain.identity import ContactId, CustomerId, DeliveryId, OperatorId, Slug, SubjectId, stream
from domain.message import Command, Context, Origin, Personal, Recorded
from domain.operators.commands import RecordCommand
from domain.operators.events import CommandOutcome, Role
from domain.operators.roster import ROSTER, RosterState, roster
from scheduler.follower import Follower

BATCH = 100
ANSWER_LIVES = timedelta(hours=1)
"""Nobody waits longer for the answer to a command."""
NOBODY = OperatorId("nobody")
"""Who is not bound: may only try a bind code."""


class Desk:
    """Follows the log, and answers operators."""

    def __init__(self, house: House, follower: Follower) -> None:
        self._house, self._follower = house, follower

    async def step(self) -> int:
        """Carry out the next commands. Returns how many events were read. Raises StoreUnavailable."""
        batch = await self._follower.next(BATCH)
        for recorded in batch:
            if recorded.origin is Origin.LIVE and isinstance(recorded.event, MessageReceived | ButtonPressed):
                await self._hear(recorded, recorded.event)
        if batch:
            await self._follower.passed(batch[-1].position)
        return len(batch)

    async def _hear(self, recorded: Recorded, event: MessageReceived | ButtonPressed) -> None:
        line = _line(event)
        if line is None or not is_command(line, bound=True):
            return  # most of what is said: nobody needs to be looked up for it
        operator = await asyncio.to_thread(self._operator, event.contact)
        if operator.id == NOBODY and not is_command(line, bound=False):
            return
        await asyncio.to_thread(self._house.catch_up)
        await self._carry_out(recorded, event.contact, operator, line)

    def _operator(self, contact: ContactId) -> Operator:
        team = self._house.log.read_stream(stream(roster.category, ROSTER))
        state: RosterState = fold(roster, team)
        seen = fold(contacts, self._house.log.read_stream(stream(contacts.category, contact)))
        bound = state.operator_of(contact)
        if bound is None:
            return Operator(NOBODY, Role.VIEWER, contact, seen.language)
        return Operator(bound, state.members[bound].role, contact, seen.language)

    async def _carry_out(self, recorded: Recorded, contact: ContactId, operator: Operator, line: str) -> None:
        house, request = self._house, self._house.digest("command", recorded.id)
        context = Context(
            actor=Slug(f"operator-{operator.id}"),
            occurred_at=recorded.occurred_at,
            now=house.clock(),
            cause=recorded.id,
            correlation=recorded.correlation or Slug(recorded.id),
        )
        reply = await asyncio.to_thread(execute, line, operator, house.office, request, context.now)
        result = await self._append(recorded, contact, operator, line, context, reply)
        if isinstance(result, Failed):
            told = Reply(str(result.error), outcome=CommandOutcome.REFUSED)
            result = await self._append(recorded, contact, operator, line, context, told)
        if isinstance(result, Failed):
            raise result.error
        self._follower.noted = recorded.position

    async def _append(
        self,
        recorded: Recorded,
        contact: ContactId,
        operator: Operator,
        line: str,
        context: Context,
        reply: Reply,
    ) -> object:
        answer = self._answer(recorded, contact, context, reply)
        commands: tuple[Command, ...] = (
            *reply.commands,
            self._entry(recorded, operator, line, reply),
            answer,
        )
        progress = self._follower.progress(recorded.position)
        return await self._follower.dispatch(Request(context, commands, progress=progress))

    def _entry(self, recorded: Recorded, operator: Operator, line: str, reply: Reply) -> RecordCommand:
        return RecordCommand(
            request=self._house.digest("command", recorded.id),
            operator=operator.id,
            command=Slug(reply.command or "unknown"),
            line=Personal(line),
            outcome=reply.outcome,
        )

    def _answer(self, recorded: Recorded, contact: ContactId, context: Context, reply: Reply) -> PlanDelivery:
        seen = fold(contacts, self._house.log.read_stream(stream(contacts.category, contact)))
        rows = [[part for choice in row for part in choice] for row in reply.choices]
        return PlanDelivery(
            delivery=DeliveryId(self._house.digest("delivery", f"command:{recorded.id}", contact, "", "")),
            subject=SubjectId(f"contact-{contact}"),
            kind=DeliveryClass.REPLY,
            occasion=Slug("command"),
            contact=contact,
            customer=seen.customer or CustomerId(""),
            text=Personal(reply.text),
            choices=Personal(rows) if rows else None,
            not_before=context.now,
            expires_at=context.now + ANSWER_LIVES,
            verbatim=True,
            even_at_night=True,
        )


def _line(event: MessageReceived | ButtonPressed) -> str | None:
    """Return what an operator may have ordered: said or pressed in private, in their own words."""
    if event.group is not None:
        return None
    if isinstance(event, ButtonPressed):
        pressed = event.data.value
        return pressed if pressed.startswith("/") and not pressed.startswith("/bind") else None
    return None if event.forwarded else event.text.value
