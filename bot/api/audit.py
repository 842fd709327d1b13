"""What programs do is written down as what operators do by hand: who, what, about whom. What they change, in the same append.

Who polls does not fill the log: an hour's equal reads are one entry. An entry's line names addresses and numbers, and no word of a person.
"""

from collections.abc import Sequence
from typing import Protocol

from bot.api.problems import Kind, Problem
from bot.house import House, done
from bot.ids import fresh_id
from domain.dispatch import Done, Failed, Request
from domain.errors import Rejected
from domain.identity import CustomerId, Digest, OperatorId, Slug, stream
from domain.message import Command, Personal
from domain.operators.commands import RecordCommand, RecordFirst
from domain.operators.events import CommandGiven, CommandOutcome
from domain.operators.roster import audit

REFUSED = Slug("api")


class Asking(Protocol):
    """bot.api.auth.Caller, as far as it is written down."""

    @property
    def operator(self) -> OperatorId:
        """Who asks."""
        ...

    @property
    def actor(self) -> str:
        """As the log names them."""
        ...

    @property
    def house(self) -> House:
        """Whom they ask."""
        ...


def record_read(caller: Asking, name: str, line: str, about: Sequence[CustomerId] = ()) -> None:
    """Write down that somebody reads; durable before it is shown. Raises StoreUnavailable, Overloaded."""
    _record_hourly(caller, name, line, CommandOutcome.DONE, about)


def record_refusal(caller: Asking, line: str) -> None:
    """Write down that somebody asked for what their role does not include."""
    _record_hourly(caller, REFUSED, line, CommandOutcome.REFUSED)


def _record_hourly(
    caller: Asking, name: str, line: str, outcome: CommandOutcome, about: Sequence[CustomerId] = ()
) -> None:
    house = caller.house
    hour = house.clock().strftime("%Y-%m-%dT%H")
    record = RecordCommand(
        request=house.digest("api-read", caller.operator, hour, line, *about),
        operator=caller.operator,
        command=Slug(name),
        line=Personal(line),
        outcome=outcome,
        about=tuple(about),
    )
    house.do(caller.actor, record)


def carry_out(caller: Asking, name: str, line: str, about: Sequence[CustomerId], *commands: Command) -> Done:
    """Have commands decided in one append with their entry; what is refused is written down too.

    Raises Rejected and whatever else kept it from being done.
    """
    house, request = caller.house, caller.house.digest("api", caller.operator, fresh_id())

    def record(outcome: CommandOutcome) -> Command:
        return RecordCommand(
            request=request,
            operator=caller.operator,
            command=Slug(name),
            line=Personal(line),
            outcome=outcome,
            about=tuple(about),
        )

    asked = Request(house.context(caller.actor), (*commands, record(CommandOutcome.DONE)))
    result = house.submit_blocking(asked)
    if isinstance(result, Failed) and isinstance(result.error, Rejected):
        house.do(caller.actor, record(CommandOutcome.REFUSED))
    return done(result)


def carry_out_once(
    caller: Asking, key: str, said: str, name: str, line: str, about: Sequence[CustomerId], *commands: Command
) -> bool:
    """As ``carry_out``, and once for all that is asked under this operator's ``key``. Returns whether it was done now.

    ``said``: what is asked for. Raises Problem where something else was asked for under the key before.
    """
    house = caller.house
    request = house.digest("api-once", caller.operator, key)
    order = house.digest("api-said", request, line, said)
    first = RecordFirst(
        request=request,
        operator=caller.operator,
        command=Slug(name),
        line=Personal(line),
        outcome=CommandOutcome.DONE,
        about=tuple(about),
        order=order,
    )
    result = done(house.submit_blocking(Request(house.context(caller.actor), (first, *commands))))
    if result.duplicate and _order_of(house, request) != order:
        told = "this Idempotency-Key was used for something else: take a new one for each thing you do"
        raise Problem(Kind.INVALID, told)
    return not result.duplicate


def _order_of(house: House, request: Digest) -> Digest | None:
    for recorded in house.log.read_stream(stream(audit.category, request)):
        if isinstance(recorded.event, CommandGiven):
            return recorded.event.order
    return None
