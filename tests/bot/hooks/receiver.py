"""A system that is told: a real server on loopback, and the hook that tells it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.hooks.hook import Hook, Tell
from bot.hooks.post import Post
from bot.hooks.settings import HookSettings, hooks_of
from bot.hooks.standing import Standing
from tests.bot.premises import Premises

SECRET = "canary-secret-of-the-shop"
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Came:
    """A request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)["events"]
        return found

    @property
    def log(self) -> str:
        """Which log they are of."""
        return str(json.loads(self.body)["log"])

    @property
    def ids(self) -> list[str]:
        return [f"{event['stream']}@{event['version']}" for event in self.events]


@dataclass
class Receiver:
    """``answers``: what the next requests are answered with, in turn; 200 afterwards. None: no answer until ``released``."""

    url: str = ""
    came: list[Came] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for came in self.came for event in came.events]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.came.append(Came(dict(request.headers), await request.read()))
            self.arrived.set()
            status = self.answers.pop(0) if self.answers else 200
            if status is None:
                await self.released.wait()
                status = 200
            return web.Response(status=status, headers=self.headers)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/siyu?key=canary-in-the-url"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def settings(url: str, events: str = "message-received", **more: str) -> HookSettings:
    said = {"URL": url, "SECRET": SECRET, "EVENTS": events, "ALLOW_PRIVATE": "true", **more}
    (hook,) = hooks_of({f"SIYU_HOOKS__CRM__{name}": value for name, value in said.items()})
    return hook


@dataclass
class Line:
    """A hook on premises whose clock stands still unless a test moves it; ``stops``: what operators would have been told."""

    premises: Premises
    hook: HookSettings
    timeout_s: float = TIMEOUT_S
    stops: list[tuple[Standing, int]] = field(default_factory=list)
    tell: Tell | None = None
    at: Hook = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let another process go on."""

        async def stopped(_hook: HookSettings, stands: Standing, position: int) -> None:
            self.stops.append((stands, position))

        house, post = self.premises.house, Post(self.hook, timeout_s=self.timeout_s)
        self.at = Hook(self.hook, house, self.tell or stopped, self._seconds, lambda: 1.0, post)

    def _seconds(self) -> float:
        return self.premises.now.timestamp()

    async def settle(self) -> float | None:
        """Let it work until it waits, and return for how long."""
        while (pause := await self.at.step()) == 0:
            pass
        return pause
