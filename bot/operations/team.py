"""The team: who is in it, and how somebody comes in."""

import secrets
from datetime import timedelta

from bot.house import House
from bot.operations.said import Said
from bot.texts import told
from domain.dispatch import fold
from domain.errors import Rejected
from domain.identity import OperatorId, stream
from domain.message import Personal
from domain.operators.commands import AddOperator, IssueBindCode
from domain.operators.events import Role
from domain.operators.roster import ROSTER, RosterState, roster
from domain.policies.text import folded

BIND_CODE_LIVES = timedelta(hours=24)
BIND_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letters that look like digits: the code is typed on a phone."""
BIND_CODE_CHARS = 10


def team(house: House) -> RosterState:
    """Return the operators, as the log has them."""
    return fold(roster, house.log.read_stream(stream(roster.category, ROSTER)))


def add_operator(house: House, name: str, role: str) -> Said:
    """Add an operator and print a bind code; for one that exists, a new code."""
    try:
        wanted = Role(role)
    except ValueError:
        raise Rejected(
            "no role is called {role!r}: there are {known}", role=role, known=", ".join(Role)
        ) from None
    operator = OperatorId(house.digest("operator", folded(name)))
    code = "".join(secrets.choice(BIND_CODE_ALPHABET) for _ in range(BIND_CODE_CHARS))
    add = AddOperator(
        operator=operator,
        name=Personal(name),
        name_digest=house.digest("operator-name", folded(name)),
        role=wanted,
    )
    known = team(house).members.get(operator)
    if known is not None and known.role is not wanted:
        raise Rejected(
            "{name} is {role} already: remove the operator first, or ask for a code with --role {role}",
            name=name,
            role=known.role,
        )
    issue = IssueBindCode(
        operator=operator,
        code=house.digest("bind-code", code),
        expires_at=house.clock() + BIND_CODE_LIVES,
    )
    house.do("operator-cli", *(() if known is not None else (add,)), issue)
    yield told(
        "To work as {name} ({role}), send this within 24 hours in a private chat with the bot:",
        name=name,
        role=wanted,
    )
    yield f"/bind {code}"
