"""What operators' commands do already: carried out for a program, with the same rules and the same entry in the log."""

from bot.api.audit import carry_out
from bot.api.auth import Caller
from bot.api.problems import Kind, Problem
from bot.commands.command import Call, Operator, OperatorCommand, Reply
from bot.ids import fresh_id
from domain.identity import Locale
from domain.operators.events import CommandOutcome

ENGLISH = Locale("en")


def calling(caller: Caller, command: OperatorCommand, rest: str, line: str) -> Call:
    """Return a command's call as if ``rest`` had been written behind its name, with a yes to what it asks. Blocking.

    Raises NotAllowed, StoreUnavailable.
    """
    house = caller.house
    house.catch_up()
    request = house.digest("api-command", caller.operator, fresh_id())
    call = Call(
        operator=Operator(caller.operator, caller.role, locale=ENGLISH),
        name=command.name,
        rest=rest,
        line=line,
        request=request,
        order=request,
        now=house.clock(),
        office=house.office,
        confirmed=True,
    )
    call.needs(command.role)
    return call


def answered(caller: Caller, call: Call, reply: Reply) -> Reply:
    """Do what a command came to, and return what is told of it.

    Raises Problem for what the command did not take, Rejected and whatever else kept it from being done.
    """
    if reply.outcome is not CommandOutcome.DONE:
        raise Problem(Kind.INVALID, reply.text)
    about = tuple(dict.fromkeys(call.mentioned)) if reply.customers is None else reply.customers
    carry_out(caller, call.name, call.line, about, *reply.commands)
    return reply


def commanded(caller: Caller, command: OperatorCommand, rest: str, line: str) -> Reply:
    """Carry out a command. Raises as ``calling`` and ``answered``."""
    call = calling(caller, command, rest, line)
    return answered(caller, call, command.run(call))
