"""Those who are measured: each started on an empty store, and asked how much of what it acknowledged it holds."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.eventlog.packing import stored_as
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench
from tests.benchmarks.load import wechat
from tests.benchmarks.machine import at_rest, free_port, listening, process, python, ready
from tests.benchmarks.peers import installing

SECRET = "bench-secret"
PEERS = Path(__file__).resolve().parent / "peers"
STORED_WITHIN_S = 10.0
"""Without anything more being stored: then what is missing does not come."""
LOOKS_EVERY_S = 0.02
RECEIVED, ACCEPTED = "message-received/1", "delivery-accepted/1"
AIOGRAM, RAW, NONEBOT, KOISHI = "aiogram", "raw ASGI", "NoneBot2", "Koishi"


def token_of(number: int) -> str:
    """Return the token of one bot: each side has its own."""
    return f"{number}:{'A' * 35}"


@dataclass(frozen=True, slots=True)
class Side:
    """One bot under load. ``stored``: how many messages are durable; None where it stores nothing. ``late``: it says 200 before it stored.

    ``data``: Siyu's folder.
    """

    name: str
    pid: int
    port: int
    path: str
    secret: str = SECRET
    token: str = ""
    stored: Callable[[], int] | None = None
    late: bool = False
    data: Path = Path()

    def address(self) -> dict[str, object]:
        """Return what the load process needs to know."""
        return {"port": self.port, "path": self.path, "secret": self.secret, "token": self.token}

    def missing(self, expected: int, within_s: float = STORED_WITHIN_S) -> int:
        """Return how many messages are not stored after all. ``within_s``: so long nothing more was stored."""
        if self.stored is None:
            return 0
        seen, since = self.stored(), time.monotonic()
        while seen < expected and time.monotonic() - since < within_s:
            time.sleep(LOOKS_EVERY_S)
            now = self.stored()
            if now != seen:
                seen, since = now, time.monotonic()
        return expected - seen

    def rest(self) -> None:
        """Wait until it is idle."""
        at_rest(self.pid)


def counting(file: Path, question: str) -> Callable[[], int]:
    """Return what asks an SQLite file, without ever writing to it."""

    def count() -> int:
        if not file.exists():  # made with the first message
            return 0
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
            return int(connection.execute(question).fetchone()[0])

    return count


def events_of(data: Path, slug: str) -> Callable[[], int]:
    """Return what counts the events of a kind in Siyu's log."""
    return counting(data / "log.db", f"SELECT COUNT(*) FROM stored_events WHERE topic = '{stored_as(slug)}'")


def settings(data: Path, base: str, port: int, **more: str) -> dict[str, str]:
    """Return Siyu's environment: Telegram by webhook, nothing else of the environment's; no starter rules, since peers have none."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("SIYU_")}
    return {
        **own,
        "SIYU_DATA": str(data),
        "SIYU_STARTER_RULES": "false",
        "SIYU_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SIYU_TELEGRAM__TOKEN": token_of(1),
        "SIYU_TELEGRAM__API_BASE": base,
        "SIYU_TELEGRAM__MODE": "webhook",
        "SIYU_TELEGRAM__WEBHOOK_SECRET": SECRET,
        "SIYU_TELEGRAM__RATE_PER_S": "0",
        "SIYU_TELEGRAM__CHAT_RATE_PER_S": "0",
        "SIYU_TELEGRAM__GROUP_RATE_PER_MIN": "0",
        "SIYU_MARKETING__QUIET_FROM": "00:00",  # figures are the same at any hour
        "SIYU_MARKETING__QUIET_TO": "00:00",
        **more,
    }


@contextlib.contextmanager
def official_account() -> Iterator[dict[str, str]]:
    """Run WeChat's simulator. Gives Siyu's settings for its account."""
    port = free_port()
    with python("-m", "channels.simulators.wechat", "--port", str(port), *_ACCOUNT) as it:
        listening(port, it)
        yield {**OFFICIAL_ACCOUNT, "SIYU_WECHAT__API_BASE": f"http://127.0.0.1:{port}"}


_ACCOUNT = (
    *("--app-id", wechat.APP_ID, "--app-secret", wechat.APP_SECRET),
    *("--token", wechat.TOKEN, "--aes-key", wechat.AES_KEY),
)
OFFICIAL_ACCOUNT = {
    "SIYU_WECHAT__APP_ID": wechat.APP_ID,
    "SIYU_WECHAT__APP_SECRET": wechat.APP_SECRET,
    "SIYU_WECHAT__TOKEN": wechat.TOKEN,
    "SIYU_WECHAT__AES_KEY": wechat.AES_KEY,
    "SIYU_WECHAT__KIND": "service",
    "SIYU_WECHAT__REPLY": "auto",
}


@contextlib.contextmanager
def siyu(
    driver: Driver,
    data: Path,
    more: Mapping[str, str] | None = None,
    *,
    name: str = "Siyu",
    stored: Callable[[], int] | None = None,
    role: str = "all",
) -> Iterator[Side]:
    """Run Siyu on a data folder. ``more``: settings besides. ``stored``: where its log is no file. ``role``: see ``siyu run``."""
    port = free_port()
    environment = settings(data, driver.base, port, **(more or {}))
    with python("-m", "bot", "run", "--port", str(port), "--role", role, env=environment) as it:
        ready(port, it)
        counts = stored or events_of(data, RECEIVED)
        yield Side(name, it.pid, port, "/webhooks/telegram", SECRET, token_of(1), counts, data=data)


@contextlib.contextmanager
def aiogram(driver: Driver, *how: str) -> Iterator[Side]:
    """Run aiogram's dispatcher. ``how``: answers, uvloop."""
    port, token = free_port(), token_of(2)
    with python(
        "-m", "tests.benchmarks.peers.aiogram_bot", str(port), SECRET, token, driver.base, *how
    ) as it:
        listening(port, it)
        name = f"{AIOGRAM} on uvloop" if "uvloop" in how else AIOGRAM
        yield Side(name, it.pid, port, "/webhook", SECRET, token)


@contextlib.contextmanager
def raw_asgi(folder: Path) -> Iterator[Side]:
    """Run the raw ASGI app."""
    port, file = free_port(), folder / "raw.db"
    with python("-m", "tests.benchmarks.peers.raw_asgi", str(port), SECRET, str(file)) as it:
        listening(port, it)
        stored = counting(file, "SELECT COUNT(*) FROM messages")
        yield Side(RAW, it.pid, port, "/", stored=stored)


@contextlib.contextmanager
def nonebot(bench: Bench, driver: Driver, folder: Path, *how: str) -> Iterator[Side]:
    """Run NoneBot2. ``how``: answers. Raises PeerMissing."""
    interpreter = installing.nonebot(bench.folder)
    port, token, file = free_port(), token_of(4), folder / "nonebot.db"
    home = {**os.environ, "HOME": str(folder)}  # its plug-ins keep their folders there
    script = PEERS / "nonebot_bot.py"
    with process(interpreter, script, str(port), token, driver.base, file, *how, env=home, cwd=folder) as it:
        listening(port, it)
        secret = told(lambda: str(driver.ask("secret", token=token)["secret"]))
        stored = counting(file, "SELECT COUNT(*) FROM messages")
        yield Side(NONEBOT, it.pid, port, "/telegram", secret, token, stored, late=True)


@contextlib.contextmanager
def koishi(bench: Bench, driver: Driver, folder: Path) -> Iterator[Side]:
    """Run Koishi, which answers. Raises PeerMissing."""
    node, modules = installing.koishi(bench.folder)
    port, token, file = free_port(), token_of(5), folder / "koishi.db"
    home: Mapping[str, str] = {**os.environ, "NODE_PATH": str(modules)}
    script = PEERS / "koishi_bot.cjs"
    with process(node, script, str(port), token, driver.base, file, env=home, cwd=folder) as it:
        listening(port, it)
        told(lambda: "there" if file.exists() else "")
        at_rest(it.pid)
        stored = counting(file, "SELECT COUNT(*) FROM messages")
        yield Side(KOISHI, it.pid, port, f"/telegram?token={token}", SECRET, token, stored, late=True)


def told(ask: Callable[[], str]) -> str:
    """Return what somebody says, as soon as they say anything. Raises TimeoutError."""
    deadline = time.monotonic() + STORED_WITHIN_S
    while time.monotonic() < deadline:
        if said := ask():
            return said
        time.sleep(LOOKS_EVERY_S)
    raise TimeoutError("a peer did not set its webhook")
