"""/operators and /bind: who we are, and which account is whose."""

from datetime import timedelta

from bot.commands.arguments import first_word
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from domain.errors import NotAllowed
from domain.operators.commands import BindOperator
from domain.operators.events import CommandOutcome, Role
from projections.bind_codes import operator_with, refusals
from projections.operators import team
from projections.people.contacts import contacts_by_id

MOST_TRIES = 5
TRIES_WITHIN = timedelta(hours=1)


def _operators(call: Call) -> Reply:
    with call.office.views.read() as connection:
        members = team(connection)
        bound = contacts_by_id(connection, [contact for member in members for contact in member.contacts])
    lines = []
    for member in members:
        places = sorted({bound[contact].channel for contact in member.contacts if contact in bound})
        lines.append(f"{member.name}  {member.role}  {', '.join(places) or call.say('not bound yet')}")
    rows: tuple[dict[str, object], ...] = tuple(
        {"id": member.id, "name": member.name, "role": member.role.value} for member in members
    )
    empty = call.say("There are no operators yet: siyu operator add NAME --role ROLE")
    return Reply("\n".join(lines) or empty, rows=rows)


def _bind(call: Call) -> Reply:
    """Whether a code exists is told to nobody: wrong, used and expired ones read the same, and only so many may be tried."""
    code, more = first_word(call.rest)
    if not code or more:
        raise Usage("")
    contact = call.operator.contact
    if contact is None:
        raise NotAllowed(
            call.say("Send this in a private chat with the bot, from the account that shall be yours.")
        )
    digest = call.office.digest("bind-code", code.upper())
    with call.office.views.read() as connection:
        tried = refusals(connection, contact, call.now - TRIES_WITHIN)
        fits = operator_with(connection, digest, call.now) is not None
    if tried >= MOST_TRIES:
        raise NotAllowed(call.say("Too many wrong codes. Try again in an hour."))
    bind_it = BindOperator(code=digest, contact=contact)
    if not fits:
        told = call.say("This code is wrong, used or expired.")
        return Reply(told, (bind_it,), outcome=CommandOutcome.REFUSED)
    return Reply(call.say("This account is yours now. /help lists what you can do."), (bind_it,))


operators = OperatorCommand(
    name="operators",
    role=Role.MANAGER,
    usage=("/operators",),
    help="list the team with roles",
    run=_operators,
    words=("团队",),
)
bind = OperatorCommand(
    name="bind",
    role=Role.VIEWER,
    usage=("/bind CODE",),
    help="make this account yours, with the code of siyu operator add",
    run=_bind,
    words=("绑定",),
)
