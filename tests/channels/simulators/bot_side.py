"""What stands on the bot's side of a simulator in these tests: a plain API client and a webhook."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

Json = dict[str, Any]
DEADLINE_S = 10.0


@dataclass
class Clock:
    """Unix seconds that stand still until a test moves them."""

    now: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Api:
    """Calls the simulator's Bot API as a client without a library: JSON in, (status, JSON) out."""

    base: str
    session: aiohttp.ClientSession

    async def __call__(self, method: str, **parameters: object) -> tuple[int, Json]:
        async with self.session.post(f"{self.base}/{method}", json=parameters) as response:
            return response.status, await response.json()

    async def result(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - any method's result
        status, body = await self(method, **parameters)
        assert (status, body["ok"]) == (200, True), body
        return body["result"]

    async def refusal(self, method: str, **parameters: object) -> tuple[int, str]:
        status, body = await self(method, **parameters)
        assert (body["ok"], body["error_code"]) == (False, status)
        return status, body["description"]


@dataclass
class Receiver:
    """The bot's webhook: keeps what comes, answers `status`; a cleared `gate` holds answers back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str | None, Json]] = field(default_factory=list)
    accepted: list[Json] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self.gate.set()
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.requests.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), update))
        await self.gate.wait()
        if self.status == 200:
            self.accepted.append(update)
        return web.Response(status=self.status, headers=self.headers)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)
