"""One Siyu under test: a data folder (or a database) that outlives its processes, and the command line beside it."""

import asyncio
import json
import os
import random
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from bot.control import ask, running
from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.programs import ROOT, SIYU, Child, Order, Programs

READY_WITHIN_S = 90.0
DEADLINE_S = 30.0
LOOK_EVERY_S = 0.02
PORTS_BELOW_EPHEMERAL = (20_000, 32_000)
"""Whoever connects to a port of the ephemeral range while nobody listens there may take that very port for themselves."""
UNHURRIED = {
    "SIYU_LOCALE": "en",
    "SIYU_MARKETING__QUIET_FROM": "00:00",
    "SIYU_MARKETING__QUIET_TO": "00:00",
    "SIYU_MARKETING__CAP_PER_DAY": "0",
    "SIYU_MARKETING__CAP_PER_WEEK": "0",
    "SIYU_MARKETING__GROUP_CAP_PER_DAY": "0",
    "SIYU_MARKETING__GROUP_CAP_PER_WEEK": "0",
}
"""No control keeps a message waiting, where waiting is not the point."""
OUTCOMES = {
    "delivery-accepted/1",
    "delivery-confirmed/1",
    "delivery-rejected/1",
    "delivery-suppressed/1",
    "delivery-expired/1",
    "delivery-unknown/1",
}
"""What a delivery ends with, or, Unknown, is left with until somebody can tell."""
SECRET = "webhook-secret-of-the-scenario"

Event = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command of the command line did."""

    code: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        """Return its output as JSON Lines."""
        assert self.code == 0, self
        return [json.loads(line) for line in self.out.splitlines()]


def free_port() -> int:
    """Return a port that nobody listens at, and that no outgoing connection is given."""
    while True:
        port = random.randint(*PORTS_BELOW_EPHEMERAL)
        with suppress(OSError), socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", port))
            return port


async def until(condition: Callable[[], T], deadline_s: float = DEADLINE_S) -> T:
    """Return the first truthy answer of a condition that is asked again and again. Raises TimeoutError."""
    try:
        async with asyncio.timeout(deadline_s):
            while not (found := condition()):
                await asyncio.sleep(LOOK_EVERY_S)
            return found
    except TimeoutError:
        raise TimeoutError(
            f"not within {deadline_s} s: {getattr(condition, '__name__', condition)}"
        ) from None


async def until_async(condition: Callable[[], Awaitable[T]], deadline_s: float = DEADLINE_S) -> T:
    """As ``until``, for a condition that has to be waited for."""
    ends = time.monotonic() + deadline_s
    while not (found := await condition()):
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {deadline_s} s: {condition}")
        await asyncio.sleep(LOOK_EVERY_S)
    return found


@dataclass(slots=True)
class Installation:
    """``folder``: its data folder. Nothing of the test's own environment reaches its processes but PATH."""

    folder: Path
    programs: Programs
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: Child | None = None
    address: str = ""
    unsettled: list[str] = field(default_factory=list)
    """Deliveries that had no outcome when ``settled`` looked last: what is shown where a test waits in vain."""
    _runs: "count[int]" = field(default_factory=count)

    @property
    def output(self) -> bytes:
        """Everything that its processes wrote to standard output and standard error."""
        return b"".join(path.read_bytes() for path in sorted(self._outside.iterdir()))

    @property
    def _outside(self) -> Path:
        outside = self.folder.parent / f"{self.folder.name}-output"
        outside.mkdir(exist_ok=True)
        return outside

    def environment(self) -> dict[str, str]:
        """Return what its processes find in their environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "SIYU_DATA": str(self.folder),
            **self.settings,
        }

    def order(self, name: str, *arguments: str, main: str = SIYU) -> Order:
        """Return the order for a process whose output lies in files of that name."""
        return Order(
            arguments=arguments,
            environment=self.environment(),
            folder=str(self.folder.parent),
            out=str(self._outside / f"{name}.out"),
            err=str(self._outside / f"{name}.err"),
            main=main,
        )

    async def begin(self, *arguments: str, main: str = SIYU) -> Path:
        """Start it, and do not wait; returns the file of its standard output."""
        assert self.process is None
        name = f"{next(self._runs):04}-run"
        self.process = await self.programs.start(
            self.order(name, "run", "--port", str(self.port), *arguments, main=main)
        )
        return self._outside / f"{name}.out"

    async def start(self, *arguments: str, main: str = SIYU) -> str:
        """Start it, and return what it said once it is ready."""
        said = await self.begin(*arguments, main=main)
        assert self.process is not None
        ended = asyncio.create_task(self.process.ended())
        ready = asyncio.create_task(until(lambda: _greeting(said), READY_WITHIN_S))
        await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            self.process = None
            raise AssertionError(f"ended with {ended.result()}: {said.with_suffix('.err').read_text('utf8')}")
        ended.cancel()
        greeting = ready.result()
        self.address = greeting.partition("runs at ")[2].partition("\n")[0]
        return greeting

    async def ended(self) -> int:
        """Wait until it ends by itself, and return its exit code."""
        assert self.process is not None
        code = await self.process.ended()
        self.process = None
        return code

    async def kill(self) -> None:
        """End it as a power failure does."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it is gone, or was forked just now and leads no group yet
                with suppress(ProcessLookupError):
                    os.kill(self.process.pid, signal.SIGKILL)
            await self.ended()

    async def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGTERM)
        return await self.ended()

    async def siyu(self, *arguments: str, programs: Programs | None = None) -> Ran:
        """Run a command beside it, or alone."""
        name = f"{next(self._runs):04}-{arguments[0]}"
        order = self.order(name, *arguments)
        code = await (await (programs or self.programs).start(order)).ended()
        return Ran(code, Path(order.out).read_text("utf8"), Path(order.err).read_text("utf8"))

    async def ask(self, operation: str, **arguments: object) -> list[str]:
        """Ask the running one through its socket, as the command line does, without a process for it."""

        def answer() -> list[dict[str, Any]]:
            connection = running(self.folder)
            assert connection is not None
            return list(ask(connection, operation, arguments))

        said = await asyncio.to_thread(answer)
        assert said[-1] == {"exit": 0}, said
        return [str(message["line"]) for message in said[:-1]]

    async def do(self, line: str, *, yes: bool = False) -> str:
        """Have an operator's command carried out, and return the answer."""
        return "\n".join(await self.ask("do", line=line, yes=yes))

    async def events(self, *kinds: str) -> list[Event]:
        """Return the log of the running one, or its events of these kinds (without their version)."""
        found: list[Event] = [json.loads(line) for line in await self.ask("events", json=True)]
        return [event for event in found if not kinds or event["type"].partition("/")[0] in kinds]

    async def settled(self) -> list[Event]:
        """Return the log if every delivery in it has an outcome, otherwise nothing."""
        events = await self.events()
        last = {event["stream"]: event["type"] for event in events if event["stream"].startswith("delivery-")}
        self.unsettled = [f"{name}: {type_}" for name, type_ in last.items() if type_ not in OUTCOMES]
        return [] if self.unsettled else events


def _greeting(said: Path) -> str:
    text = said.read_text("utf8") if said.exists() else ""
    return text if "Siyu runs at" in text and text.endswith("\n") else ""


def by_polling(telegram: TelegramSimulator) -> dict[str, str]:
    """Return the settings of an account that polls this simulator, without any pacing."""
    return {
        "SIYU_TELEGRAM__TOKEN": telegram.token,
        "SIYU_TELEGRAM__API_BASE": telegram.base,
        "SIYU_TELEGRAM__RATE_PER_S": "0",
        "SIYU_TELEGRAM__CHAT_RATE_PER_S": "0",
        "SIYU_TELEGRAM__GROUP_RATE_PER_MIN": "0",
    }


def by_webhook(telegram: TelegramSimulator, port: int) -> dict[str, str]:
    """Return the settings of an account that this simulator delivers to."""
    return {
        **by_polling(telegram),
        "SIYU_TELEGRAM__MODE": "webhook",
        "SIYU_TELEGRAM__WEBHOOK_SECRET": SECRET,
        "SIYU_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
