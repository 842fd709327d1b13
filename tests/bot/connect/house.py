"""A running Siyu with nothing but the web chat, beside simulated providers, and a browser's side of its pages."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import App, Binding
from bot.bootstrap import open_app, prepare
from tests.bot.premises import Premises

DEADLINE_S = 30.0
ROOT = Path(__file__).resolve().parents[3]


@dataclass(slots=True)
class Running:
    """A Siyu in this process. ``folder``: where its siyu.toml is."""

    app: App
    premises: Premises
    folder: Path

    @property
    def address(self) -> str:
        return self.premises.house.address

    def file(self) -> str:
        return (self.folder / "siyu.toml").read_text("utf8")

    async def link(self) -> str:
        """A link as it is printed."""
        return await asyncio.to_thread(lambda: self.app.greeting()[-1].partition(": ")[2])


@asynccontextmanager
async def at_work(premises: Premises, folder: Path) -> AsyncIterator[Running]:
    """Run a house; the current folder is where its settings are kept."""
    prepare(premises.house)
    app = open_app(premises.house, Binding("127.0.0.1", 0))
    until = asyncio.Event()
    serving = asyncio.create_task(app.run(until))
    async with asyncio.timeout(DEADLINE_S):
        await app.ready.wait()
    try:
        yield Running(app, premises, folder)
    finally:
        until.set()
        async with asyncio.timeout(DEADLINE_S):
            await serving


@dataclass(slots=True)
class Page:
    """A browser's side: it keeps its cookie, and sends what a page of ours sends."""

    session: aiohttp.ClientSession
    running: Running
    form: str = ""
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.session.get(f"{self.running.address}{path}", headers=headers) as response:
            return response.status, await response.text(), response.headers

    async def enters(self) -> None:
        """Open the link."""
        async with self.session.get(await self.running.link()) as response:
            assert response.status == 200
            self.form = (await response.text()).partition('data-form="')[2].partition('"')[0]
            self.cookie = response.headers["set-cookie"]

    async def state(self, channel: str, **headers: str) -> Any:  # noqa: ANN401  # JSON
        status, text, _ = await self.get(f"/connect/state?channel={channel}", **headers)
        assert status == 200, text
        return json.loads(text)

    async def saves(self, channel: str, values: Mapping[str, str], **headers: str) -> tuple[int, Any]:
        """Send the form, with these headers in the place of a page's own."""
        own = {"Origin": self.running.address, "X-Siyu-Form": self.form}
        body = {"channel": channel, "account": "main", "values": dict(values), "renew": False}
        sent = {name: value for name, value in {**own, **headers}.items() if value}
        async with self.session.post(
            f"{self.running.address}/connect/save", json=body, headers=sent
        ) as response:
            return response.status, await response.json()


async def until_state(page: Page, channel: str, step: str, state: str) -> Any:  # noqa: ANN401  # JSON
    """Look as the page does until a step stands so."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            told = await page.state(channel)
            if steps(told)[step]["state"] == state:
                return told
            await asyncio.sleep(0.1)


def steps(told: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    return {step["id"]: step for step in told["steps"]}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


async def siyu(
    folder: Path, *arguments: str, stdin: str = "", settings: Mapping[str, str] | None = None
) -> Ran:
    """Run the command line as a process of its own, piped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env=environment(folder, settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def environment(folder: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "SIYU_DATA": str(folder / "data"),
        "SIYU_LOCALE": "en",
        **(settings or {}),
    }
