"""Programs that use the API of a real house, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import aiohttp
import uvicorn
from starlette.types import ASGIApp

from bot.operations.team import add_operator, issue_token
from bot.web import web
from domain.identity import OperatorId
from domain.operators.events import Role
from tests.bot.premises import Premises

DEADLINE_S = 30.0
ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def items(self) -> Any:  # noqa: ANN401  # JSON
        return self.body["items"]


@dataclass(slots=True)
class Programs:
    """One HTTP session; a token for each role is made when it is first used."""

    premises: Premises
    base: str
    session: aiohttp.ClientSession
    tokens: dict[Role, str] = field(default_factory=dict)

    def token(self, role: Role) -> str:
        if role not in self.tokens:
            self.tokens[role] = new_token(self.premises, f"the {role}", role)
        return self.tokens[role]

    async def asks(
        self,
        method: str,
        path: str,
        body: object = None,
        role: Role | None = Role.OWNER,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """``path``: below /api/v1. ``role`` None: without a token of ours."""
        sent = dict(headers)
        if role is not None and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {await asyncio.to_thread(self.token, role)}"
        content = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self.session.request(
            method, ROOT + path, headers=sent, allow_redirects=False, **content
        ) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(
                answer.status,
                dict(answer.headers),
                await answer.json(content_type=None) if is_json else await answer.text(),
            )

    async def gets(self, path: str, role: Role | None = Role.OWNER) -> Answer:
        return await self.asks("GET", path, role=role)


def new_token(premises: Premises, name: str, role: Role) -> str:
    list(add_operator(premises.house, name, role))
    *_, token = issue_token(premises.house, name)
    return str(token)


@asynccontextmanager
async def serving(premises: Premises, app: ASGIApp | None = None) -> AsyncIterator[Programs]:
    """The house's own web server, or another app, on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app or web(premises.house, ()), lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    try:
        async with aiohttp.ClientSession(base, timeout=timeout) as session:
            yield Programs(premises, base, session)
    finally:
        server.should_exit = True
        await running


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def operator_id(premises: Premises, name: str) -> OperatorId:
    return OperatorId(premises.house.digest("operator", name))


def is_problem(answer: Answer, status: int) -> str:
    """Return the detail of a problem; it is told as RFC 9457 wants it."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) == {"type", "title", "status", "detail"}
    assert answer.body["status"] == status
    assert answer.body["type"].startswith("/api/docs#")
    assert all(answer.body.values())
    return str(answer.body["detail"])
