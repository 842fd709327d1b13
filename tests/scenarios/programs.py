"""Starting Siyu as the program it is, in processes of their own: cold, as anybody does, or warm, where many starts are the point.

A warm start forks a process that has imported everything: what runs is the same, without the seconds that Telegram's SDK takes to
import. Orders and answers are JSON Lines; a process that is gone is reported with its exit code.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
IMPORTED_WITHIN_S = 120
ENDS_WITHIN_S = 30
SIYU = "bot.cli:run_cli"
IMPORTED = (
    "alembic.command",
    "bot.app",
    "bot.bootstrap",
    "bot.cli",
    "bot.eventlog.postgres",
    "bot.eventlog.sqlite",
    "channels.memory",
    "channels.telegram.adapter",
    "channels.webchat",
    "channels.wechat.adapter",
    "tests.scenarios.crashing",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)
"""What a running Siyu has imported, what it imports late included."""
PARENT_DIED = 1
"""PR_SET_PDEATHSIG of prctl(2): nothing outlives the test run."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a function of the arguments that returns an exit code. ``out`` and ``err`` are files, appended to."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    out: str
    err: str
    main: str = SIYU


class Child(Protocol):
    """A process that was started, leader of its own group."""

    @property
    def pid(self) -> int:
        """Its number, and its group's."""
        ...

    async def ended(self) -> int:
        """Wait for its end and return the exit code, negative for a signal."""
        ...


class Programs(Protocol):
    """Starts processes."""

    async def start(self, order: Order) -> Child:
        """Start one."""
        ...


@dataclass(frozen=True, slots=True)
class ColdChild:
    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def ended(self) -> int:
        async with asyncio.timeout(ENDS_WITHIN_S):
            return await self.process.wait()


class ColdStart:
    """``python -m bot``, as ``siyu`` does."""

    async def start(self, order: Order) -> Child:
        assert order.main == SIYU
        with open(order.out, "ab") as out, open(order.err, "ab") as err:  # noqa: PTH123
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *order.arguments,
                env=dict(order.environment),
                cwd=order.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        return ColdChild(process)


@dataclass(frozen=True, slots=True)
class WarmChild:
    pid: int
    code: "Future[int]"

    async def ended(self) -> int:
        async with asyncio.timeout(ENDS_WITHIN_S):
            return await asyncio.shield(asyncio.wrap_future(self.code))


class WarmStart:
    """The test's side of a process that forks."""

    def __init__(self) -> None:
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.programs"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started: list[Future[int]] = []
        self._codes: dict[int, Future[int]] = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    async def start(self, order: Order) -> Child:
        pid: Future[int] = Future()
        assert self._nursery.stdin is not None
        with self._lock:
            if not self._reader.is_alive():
                raise ChildProcessError("the process that forks is gone")
            self._started.append(pid)
            self._nursery.stdin.write(json.dumps(asdict(order)) + "\n")
            self._nursery.stdin.flush()
        async with asyncio.timeout(IMPORTED_WITHIN_S):
            number = await asyncio.wrap_future(pid)
        return WarmChild(number, self._codes[number])

    def close(self) -> None:
        """End it; its children end with it."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(ENDS_WITHIN_S)
        self._reader.join(ENDS_WITHIN_S)
        assert self._nursery.stdout is not None
        self._nursery.stdout.close()

    def _read(self) -> None:
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            told = json.loads(line)
            if "code" in told:
                self._codes[told["pid"]].set_result(told["code"])
            else:
                self._codes[told["pid"]] = Future()
                self._started.pop(0).set_result(told["pid"])
        with self._lock:
            for waiting in self._started:
                waiting.set_exception(ChildProcessError("the process that forks is gone"))


def nursery() -> None:
    """Import everything, then fork one process an order until standard input ends."""
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # a collection in a child would copy every page
    orders, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    ended_r, ended_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(ended_w)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    def answer(told: Mapping[str, int]) -> None:
        os.write(answers, json.dumps(told).encode() + b"\n")

    def begin(line: bytes) -> None:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (orders, answers, ended_r, ended_w):
                os.close(descriptor)
            _become(order)
        answer({"pid": pid})

    selector = selectors.DefaultSelector()
    selector.register(orders, selectors.EVENT_READ)
    selector.register(ended_r, selectors.EVENT_READ)
    waiting = b""
    while True:
        for key, _ in selector.select():
            if key.fd == ended_r:
                os.read(ended_r, 4096)
                _reap(answer)
                continue
            read = os.read(orders, 65536)
            if not read:
                return
            *lines, waiting = (waiting + read).split(b"\n")
            for line in lines:
                begin(line)


def _reap(answer: Callable[[Mapping[str, int]], None]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            answer({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _become(order: Order) -> None:
    """Be the ordered program, in the forked process; never returns."""
    code = 70
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGKILL)
        for number, path in ((1, order.out), (2, order.err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        os.environ.clear()
        os.environ.update(order.environment)
        os.chdir(order.folder)
        module, _, function = order.main.partition(":")
        code = getattr(importlib.import_module(module), function)(list(order.arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  # the fork must not go on as its parent would
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    nursery()
