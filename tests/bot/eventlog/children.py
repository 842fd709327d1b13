"""What tests run in processes of their own: ``python -m tests.bot.eventlog.children ROLE ARGUMENT...``.

Each says ``ready``, waits for a line, does its work and prints what became of it as JSON.
"""

import json
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.eventlog.codec import Codec
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.postgres import PostgresEventLog
from bot.eventlog.sqlite import SqliteEventLog
from bot.eventlog.vault import Vault
from domain.errors import StoreUnavailable
from domain.identity import Account, Address, Channel, Party
from domain.ports.event_log import Appended
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.examples import inbound, message, unit, write

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 60
RACED = 4_000


@contextmanager
def children(*commands: tuple[str, ...]) -> Iterator[list["subprocess.Popen[str]"]]:
    """Start these processes, and wait until all are ready; they go once told by ``go``, and are gone afterwards."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bot.eventlog.children", *command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        for child in started:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        yield started
    finally:
        for child in started:
            child.kill()
            child.communicate()


def go(child: "subprocess.Popen[str]") -> None:
    """Let a ready process begin."""
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def results(started: list["subprocess.Popen[str]"]) -> list[Any]:
    """Let all begin at once; return what they printed."""
    for child in started:
        go(child)
    found = [json.loads(child.communicate(timeout=DEADLINE_S)[0]) for child in started]
    assert [child.returncode for child in started] == [0] * len(started)
    return found


def addresses(count: int) -> list[Address]:
    """The first so many addresses."""
    return [Address(Party.CONTACT, Channel("telegram"), Account("1"), str(number)) for number in range(count)]


def _open(url: str, master: str) -> PostgresEventLog:
    return PostgresEventLog(url, Codec(EVENT_TYPES, Vault(url, Path(master))))


def _wait() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def race(url: str, master: str, seed: str) -> object:
    """Append the same messages as everybody else, each with a consequence, in an order of its own."""
    log = _open(url, master)
    keys = list(range(RACED))
    random.Random(int(seed)).shuffle(keys)
    _wait()
    found: Counter[str] = Counter()
    for start in range(0, RACED, 100):
        batch = [
            unit(
                write(f"inbound-{key}", 0, message(str(key))),
                write(f"effect-{key}", 0),
                once=f"inbound-{key}",
            )
            for key in keys[start : start + 100]
        ]
        found.update(type(outcome).__name__ for outcome in log.append(batch))
    return found


def intake(url: str, master: str, name: str, batches: str) -> object:
    """Append messages of one's own, in batches of different sizes."""
    log = _open(url, master)
    chance = random.Random(name)
    _wait()
    sizes = [chance.randint(1, 6) for _ in range(int(batches))]
    for number, size in enumerate(sizes):
        for outcome in log.append([inbound(f"{name}-{number}-{place}") for place in range(size)]):
            assert isinstance(outcome, Appended), outcome
    return sum(sizes)


def resolve(url: str, master: str, count: str) -> object:
    """Resolve addresses that nobody knew."""
    vault = Vault(url, Path(master))
    wanted = addresses(int(count))
    _wait()
    found = vault.resolve(wanted)
    return [found[address] for address in wanted]


def open_both(url: str, master: str) -> object:
    """Open the log and the vault of an empty database."""
    _wait()
    vault = Vault(url, Path(master))
    log = PostgresEventLog(url, Codec(EVENT_TYPES, vault))
    return [log.identity().id, vault.secret().hex()]


def full_disk(folder: str) -> object:
    """Append until the disk is full, at each of many sizes of it; then go on with more space. Every stored event was reported stored."""
    log = SqliteEventLog(Path(folder) / "log.db", Codec(EVENT_TYPES, MemoryKeyRing()))
    stored: list[str] = []
    refused = 0
    _wait()
    for tight in range(12):
        largest = max(path.stat().st_size for path in Path(folder).iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + tight * 700, resource.RLIM_INFINITY))
        for number in range(200):
            key = f"{tight}-{number}"
            try:
                log.append([inbound(key, "x" * 500)])
            except StoreUnavailable:
                refused += 1
                break
            stored.append(f"inbound-{key}@1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.append([inbound(f"{tight}-after")])
        stored.append(f"inbound-{tight}-after@1")
    return {"refused": refused, "stored": stored, "found": [recorded.id for recorded in log.read(0, 100_000)]}


def until_killed(folder: str) -> object:
    """Append one message after the other, and say of each that it is durable."""
    log = SqliteEventLog(Path(folder) / "log.db", Codec(EVENT_TYPES, MemoryKeyRing()))
    first = log.head()
    _wait()
    for number in range(first, first + 100_000):
        log.append([inbound(str(number))])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    return first


ROLES: dict[str, Callable[..., object]] = {
    role.__name__: role for role in (race, intake, resolve, open_both, full_disk, until_killed)
}

if __name__ == "__main__":
    json.dump(ROLES[sys.argv[1]](*sys.argv[2:]), sys.stdout)
