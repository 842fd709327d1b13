"""Operators' commands, given on the machine itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from queue import SimpleQueue

from bot.commands.command import CLI, Operator, Reply
from bot.commands.execute import execute
from bot.house import House
from bot.ids import fresh_id
from bot.operations.said import Exit, Said
from bot.texts import Told
from domain.dispatch import Failed, Request
from domain.identity import Digest, Locale, Slug
from domain.message import Command, Context, Personal
from domain.operators.commands import RecordCommand
from domain.operators.events import CommandOutcome, Role


def do(house: House, line: str, *, yes: bool = False, locale: Locale | None = None) -> Said:
    """Carry out an operator's command, and tell of it in a language; while it takes long, how far it is."""
    house.catch_up()
    now = house.clock()
    request = house.digest("command", "cli", fresh_id())
    operator = Operator(CLI, Role.OWNER, locale=locale)
    heard: SimpleQueue[Told | None] = SimpleQueue()
    beside = ThreadPoolExecutor(1, "siyu-order")
    try:
        executed = beside.submit(
            execute, line, operator, house.office, request, now, confirmed=yes, tell=heard.put
        )
        executed.add_done_callback(lambda _: heard.put(None))
        yield from iter(heard.get, None)
    finally:
        beside.shutdown(wait=False)  # whoever asked may be gone
    yield from carry_out(house, line, executed.result(), request, now, locale)


def carry_out(
    house: House, line: str, reply: Reply, request: Digest, now: datetime, locale: Locale | None
) -> Said:
    """Append what a reply wants done, with the entry of the audit, and tell it."""
    outcome, text = reply.outcome, reply.text
    context = Context(actor=Slug("operator-cli"), occurred_at=now, now=now)

    def record(outcome: CommandOutcome) -> Command:
        name = Slug(reply.command or "unknown")
        return RecordCommand(
            request=request,
            operator=CLI,
            command=name,
            line=Personal(line),
            outcome=outcome,
            about=reply.customers or (),
            order=request,
        )

    result = house.submit_blocking(Request(context, (*reply.commands, record(outcome))))
    if isinstance(result, Failed):
        outcome, text = CommandOutcome.REFUSED, house.texts.told(result.error, locale)
        house.do("operator-cli", record(outcome))
    yield text
    if outcome is not CommandOutcome.DONE:
        yield Exit(2 if outcome in {CommandOutcome.REFUSED, CommandOutcome.ASKED} else 1)
