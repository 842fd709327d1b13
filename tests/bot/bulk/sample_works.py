"""Works whose doings are seen in a folder; and, run as a program, a worker that does them."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from bot.bulk import Line, Work
from bot.bulk.procrastinated import Pace, Procrastinated
from bot.texts import told
from domain.errors import BadInput, Rejected, StoreUnavailable

SECRET = b"0" * 32
QUICK = Pace(again_s=0.1, heartbeat_s=0.2, dead_after_s=1.0, poll_s=0.1, ends_within_s=0.3)
STEP_S = 0.02


def works() -> Mapping[str, Work]:
    return {
        "say": say,
        "steps": steps,
        "away": away,
        "refuse": refuse,
        "deadly": deadly,
        "bug": bug,
        "chatty": chatty,
    }


def say(text: str) -> Generator[Line, None, int]:
    yield text
    yield told("line {line}: {why}", line=7, why=told("customer"))
    return 1


def steps(folder: str, many: str) -> Generator[Line, None, int]:
    """Do each step once, however often it is begun."""
    for number in range(int(many)):
        done = Path(folder) / f"step-{number}"
        if not done.exists():
            done.touch()
            yield told("{rows} rows, {percent} %", rows=number, percent=0)
        time.sleep(STEP_S)
    return 0


def away(folder: str, times: str) -> Generator[Line, None, int]:
    tries = Path(folder) / "tries"
    before = len(tries.read_text("ascii")) if tries.exists() else 0
    tries.write_text("x" * (before + 1), "ascii")
    yield f"try {before + 1}"
    if before < int(times):
        raise StoreUnavailable("the store is away: {why}", why="gone fishing")
    return 0


def refuse(how: str) -> Generator[Line, None, int]:
    yield "begun"
    if how == "rejected":
        raise Rejected("{folder} is not empty: name a new folder", folder="out")
    raise BadInput("{file} is empty", file="orders.csv")


def deadly() -> Generator[Line, None, int]:
    yield "before the end"
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def bug() -> Generator[Line, None, int]:
    yield "begun"
    raise ZeroDivisionError


def chatty(many: str) -> Generator[Line, None, int]:
    for number in range(int(many)):
        yield str(number)
    return 0


if __name__ == "__main__":
    asyncio.run(Procrastinated(sys.argv[1], SECRET, works, QUICK).work())
