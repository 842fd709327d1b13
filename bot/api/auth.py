"""Who asks: a token is an operator's, and does what their role may. Nobody else gets further than this."""

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from bot.api.audit import record_refusal
from bot.api.problems import Kind, Problem
from bot.house import House
from bot.operations.team import token_digest
from bot.staff import Staff
from channels.webchat.limits import Buckets
from domain.identity import OperatorId
from domain.operators.events import Role

WRONG_BURST = 20
WRONG_PER_S = 0.2
"""Wrong tokens of one address. They are 256 bits of chance: this keeps noise away, and whoever has a good one is never kept out."""
ADDRESSES_REMEMBERED = 10_000
IPV6_NETWORK_BITS = 64
"""What one household or server has of IPv6."""
LONGEST_TOKEN = 200

BEARER = HTTPBearer(auto_error=False, description="A token of `siyu operator token NAME`.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The operator whose token it is, as the log has them now, and the house they ask."""

    operator: OperatorId
    role: Role
    house: House

    @property
    def actor(self) -> str:
        """As the log names them."""
        return f"operator-{self.operator}"


class Tokens:
    """Knows whose token is whose. The log is asked each time: one that was revoked a moment ago counts no more. Threads may share it."""

    def __init__(self, house: House) -> None:
        self._house, self._staff, self._lock = house, Staff(house.log), threading.Lock()
        self._wrong = Buckets(WRONG_BURST, WRONG_PER_S, ADDRESSES_REMEMBERED)

    def caller(self, token: str, address: str) -> Caller:
        """Return who asks. Blocking. Raises Problem, StoreUnavailable.

        What was sent is hashed under the installation's secret before it is looked up, so how long that takes tells nothing of a token;
        no token at all takes the same way.
        """
        digest = token_digest(self._house, token)
        with self._lock:
            team = self._staff.team()
            operator = team.tokens.get(digest)
            if operator is not None:
                return Caller(operator, team.members[operator].role, self._house)
            allowed = self._wrong.take(network(address), self._house.clock())
        if not allowed:
            told = "too many wrong tokens came from this address: check the token, and come again"
            raise Problem(Kind.TOO_MANY, told, {"Retry-After": str(int(1 / WRONG_PER_S))})
        told = "send Authorization: Bearer TOKEN; siyu operator token NAME makes one"
        raise Problem(Kind.UNAUTHORISED, told, {"WWW-Authenticate": "Bearer"})


def sent_token(scope: Scope) -> str:
    """Return the token of a request, empty where there is none that could be one."""
    sent = Headers(scope=scope).getlist("authorization")
    scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and len(token) <= LONGEST_TOKEN else ""


def network(address: str) -> str:
    """Return whose limit an address counts for."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:  # noqa: PLR2004  # the version's name
        return address
    return str(ipaddress.ip_network((known, IPV6_NETWORK_BITS), strict=False))


class Needs:
    """What a route asks of its caller: at least this role. A route without one is never served (bot/api/app.py)."""

    def __init__(self, role: Role) -> None:
        self.role = role

    def __call__(
        self,
        request: Request,
        _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    ) -> Caller:
        """Return the caller. Raises Problem for a role that does not include this one, and for what the route does not know."""
        caller: Caller = request.scope["state"]["caller"]
        route: APIRoute = request.scope["route"]
        if not caller.role.includes(self.role):
            record_refusal(caller, f"{request.method} {route.path_format}")
            raise Problem(Kind.FORBIDDEN, f"this needs the role {self.role}; this token's is {caller.role}")
        _only_known(request, route)
        return caller


def _only_known(request: Request, route: APIRoute) -> None:
    """A misspelt ?tag= must not list everybody."""
    known = {param.alias for param in route.dependant.query_params}
    for name in request.query_params:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise Problem(Kind.INVALID, f"query.{name[:40]}: no such parameter; there are: {there}")
        if len(request.query_params.getlist(name)) > 1:
            raise Problem(Kind.INVALID, f"query.{name}: say it once")


def least_role(route: APIRoute) -> Role | None:
    """Return the least role that may use a route; None where it names none."""
    calls: list[Callable[..., object] | None] = [
        dependency.call for dependency in route.dependant.dependencies
    ]
    return next((call.role for call in calls if isinstance(call, Needs)), None)


Viewer = Annotated[Caller, Depends(Needs(Role.VIEWER))]
Agent = Annotated[Caller, Depends(Needs(Role.AGENT))]
Marketer = Annotated[Caller, Depends(Needs(Role.MARKETER))]
Manager = Annotated[Caller, Depends(Needs(Role.MANAGER))]
