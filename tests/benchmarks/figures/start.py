"""P10: how soon Siyu serves again, with a million events in its log."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bot.bootstrap import open_house, prepare
from bot.house import House, done
from bot.settings import Settings
from domain.conversations.commands import Message, Receive, Sender
from domain.dispatch import Request
from domain.identity import Account, Channel, ProviderMessageId, Slug
from domain.message import Context
from tests.benchmarks import sides
from tests.benchmarks.figure import Bench, Figure, Judged, Line, taking_turns
from tests.benchmarks.load.requests import user_of
from tests.benchmarks.machine import at_rest, free_port, python, ready

EVENTS, MANY_EVENTS = 50_000, 1_000_000
MADE_AS = 1
"""Raised when the log below is made otherwise: what is cached is made again then."""
AT_ONCE = 200
CHANNEL, ACCOUNT = Channel("telegram"), Account("1")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
API = "http://127.0.0.1:9"
"""Nobody is there: a provider that is away must not keep Siyu from serving."""


def data(bench: Bench, events: int) -> Path:
    """Return the data folder of a Siyu to which so many messages were written; made once, and kept."""
    folder = bench.folder / "logs" / f"{events}-{MADE_AS}"
    if not (folder / "made").exists():
        house = open_house(Settings(data=folder, starter_rules=False), {})
        try:
            prepare(house)
            asyncio.run(_write(house, events))
            house.catch_up()
        finally:
            house.close()
        (folder / "made").touch()
    return folder


async def _write(house: House, events: int) -> None:
    for start in range(house.log.head(), events, AT_ONCE):
        requests = [message_of(number) for number in range(start, start + AT_ONCE)]
        for result in await asyncio.gather(*map(house.submit, requests)):
            done(result)


def message_of(number: int) -> Request:
    """Return the request that takes in a message of one of the 2,000."""
    at = FIRST + timedelta(seconds=number)
    who = user_of(number)
    message = Message(
        text=f"请问这个还有货吗？ order {number}", provider_message=ProviderMessageId(str(number))
    )
    receive = Receive(
        channel=CHANNEL,
        account=ACCOUNT,
        key=str(number),
        occurred_at=at,
        content=message,
        sender=Sender(external_id=str(who), name=f"Ann{who}", username=f"ann{who}"),
    )
    return Request(Context(actor=Slug("customer"), occurred_at=at, now=datetime.now(UTC)), (receive,))


def _start_s(folder: Path) -> float:
    """Return how many seconds pass from the command to the first time that it is ready."""
    port = free_port()
    environment = sides.settings(folder, API, port)
    environment = {k: v for k, v in environment.items() if not k.startswith("SIYU_TELEGRAM__")}
    begin = time.perf_counter()
    with python("-m", "bot", "run", "--port", str(port), env=environment) as siyu:
        ready(port, siyu)
        seconds = time.perf_counter() - begin
        at_rest(siyu.pid)
        return seconds


def _measuring(events: int) -> Callable[[Bench], Sequence[Line]]:
    def measure(bench: Bench) -> Sequence[Line]:
        total = bench.count(events)
        with tempfile.TemporaryDirectory() as empty:
            turns: dict[str, Callable[[], float]] = {
                "full": partial(_start_s, data(bench, total)),
                "empty": partial(_start_s, Path(empty) / "data"),
            }
            for warm in turns.values():
                warm()
            found = taking_turns(bench.rounds, turns)
        apart = [full - empty for full, empty in zip(found["full"], found["empty"], strict=True)]
        return [
            Line(
                measure=f"P10 start with {total:,} events: what they add",
                unit="s",
                ours=apart,
                judged=Judged.AT_MOST,
                floor=3.0,
                goal=1.0,
            ),
            Line(
                measure=f"P10 start with {total:,} events, all in all",
                unit="s",
                ours=found["full"],
                peer="with none",
                theirs=found["empty"],
                judged=Judged.COST,
            ),
        ]

    return measure


ABOUT = (
    "From the command to the first answer of /readyz, in a data folder with so many events and in an empty one, taking turns: what the"
    " events add is the difference, imports and the interpreter apart."
)
FIGURE = Figure("start", "P10 Start", ABOUT, _measuring(EVENTS))
LARGE = Figure("start-large", "P10 Start with a million events", ABOUT, _measuring(MANY_EVENTS), large=True)
