"""The team: who is in it, and how somebody comes in."""

import secrets
from datetime import timedelta

from bot.house import House
from bot.operations.said import Said
from bot.texts import told
from domain.dispatch import fold
from domain.errors import Rejected, UnknownRecipient
from domain.identity import Digest, OperatorId, stream
from domain.message import Personal
from domain.operators.commands import (
    AddOperator,
    IssueBindCode,
    IssueOperatorToken,
    RevokeOperatorTokens,
)
from domain.operators.events import Role
from domain.operators.roster import ROSTER, RosterState, roster
from domain.policies.text import folded

BIND_CODE_LIVES = timedelta(hours=24)
BIND_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letters that look like digits: the code is typed on a phone."""
BIND_CODE_CHARS = 10
TOKEN_BYTES = 32
TOKEN_PREFIX = "siyu_"  # noqa: S105  # what makes a token known as one, to people and to those who search for lost ones


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


def token_digest(house: House, token: str) -> Digest:
    """Return what is kept of a token."""
    return house.digest("operator-token", token)


def issue_token(house: House, name: str) -> Said:
    """Make a token with which programs may do what an operator may, and print it: it is shown this once."""
    operator = _member(house, name)
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    house.do("operator-cli", IssueOperatorToken(operator=operator, token=token_digest(house, token)))
    role = team(house).members[operator].role
    yield told(
        "Programs work as {name} ({role}) with this token. It is shown this once: keep it as you keep a password.",
        name=name,
        role=role,
    )
    yield token


def revoke_tokens(house: House, name: str) -> Said:
    """Let none of an operator's tokens count any more."""
    revoked = house.do("operator-cli", RevokeOperatorTokens(operator=_member(house, name))).events
    if revoked:
        yield told("{name}'s tokens count no more.", name=name)
    else:
        yield told("{name} has no token.", name=name)


def _member(house: House, name: str) -> OperatorId:
    """Return whose name this is. Raises UnknownRecipient."""
    operator = OperatorId(house.digest("operator", folded(name)))
    if operator not in team(house).members:
        raise UnknownRecipient("no operator is called {name}: siyu operator add NAME --role ROLE", name=name)
    return operator
