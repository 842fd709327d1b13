"""Carrying out an operator's line: who may, what it does, what they are told. Nothing is written here: the caller appends it all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.commands.command import NOBODY, Ambiguous, Call, Office, Operator, OperatorCommand, Reply, Usage
from bot.commands.line import taken_apart
from bot.commands.registry import STRANGERS, find
from bot.texts import Told
from domain.errors import NotAllowed, Rejected
from domain.identity import CustomerId, Digest, GroupId
from domain.operators.events import CommandOutcome
from domain.policies.text import normalised

LONGEST_ECHO = 40


def execute(  # noqa: PLR0913  # one line, with everything that is known of it
    line: str,
    operator: Operator,
    office: Office,
    request: Digest,
    now: datetime,
    *,
    confirmed: bool = False,
    replying_to: CustomerId | None = None,
    in_group: GroupId | None = None,
    order: Digest | None = None,
    tell: Callable[[Told], None] = lambda _: None,
) -> Reply:
    """Return what an operator is told, and the commands to append together with the entry of the audit.

    ``request``: the same for the same message, so that carrying it out again makes the same ids. ``confirmed``: ``--yes`` was said.
    ``replying_to``: whose card the message answers. ``order``: names the key that seals it, ``request`` where it has no other. ``tell``
    hears how far it is, where it takes long. What is refused, asked back or wrongly called is a reply too. Raises StoreUnavailable.
    """
    said = normalised(line)
    found = taken_apart(said)
    call = Call(
        operator=operator,
        name=found.name if found is not None else "",
        rest=found.rest if found is not None else "",
        line=said,
        request=request,
        order=order or request,
        now=now,
        office=office,
        confirmed=confirmed,
        replying_to=replying_to,
        in_group=in_group,
        tell=tell,
    )
    command = find(call.name)
    if command is None:
        told = call.say("I do not know {command}. /help lists what I can do.")
        name = f"/{call.name}" if found is not None else said
        return Reply(told.format(command=name[:LONGEST_ECHO]), outcome=CommandOutcome.REFUSED)
    reply = _carried_out(command, call)
    told_of = tuple(dict.fromkeys(call.mentioned)) if reply.customers is None else reply.customers
    return replace(reply, command=command.name, customers=told_of)


def _carried_out(command: OperatorCommand, call: Call) -> Reply:
    try:
        _allowed(command, call)
        return command.run(call)
    except NotAllowed as error:
        return Reply(error.told(call.say), outcome=CommandOutcome.REFUSED)
    except Usage as error:
        told = [error.told(call.say)] if error.text else []
        lines = "\n".join([*told, call.say("Write it like this:"), *command.usage])
        return Reply(lines, outcome=CommandOutcome.REFUSED)
    except Ambiguous as error:
        return _asked(error)
    except Rejected as error:
        return Reply(error.told(call.say), outcome=CommandOutcome.FAILED)


def _allowed(command: OperatorCommand, call: Call) -> None:
    if call.in_group is not None:
        raise NotAllowed(call.say("Please write me this in private: here others read along."))
    if call.operator.id == NOBODY:
        if command.name not in STRANGERS:
            raise NotAllowed(call.say("Only operators may do this."))
        return  # a role is asked of operators only
    call.needs(command.role)


def _asked(error: Ambiguous) -> Reply:
    lines = "\n".join([str(error), *(label for label, _ in error.candidates)])
    return Reply(
        lines,
        outcome=CommandOutcome.ASKED,
        choices=tuple((candidate,) for candidate in error.candidates),
        rows=tuple({"label": label, "command": again} for label, again in error.candidates),
    )
