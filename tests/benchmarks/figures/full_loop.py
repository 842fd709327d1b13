"""P3: a message comes in, is durable, a rule answers it, the answer is sent, and its outcome is durable."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bot.eventlog.codec import stamped_us
from bot.eventlog.packing import stored_as
from tests.benchmarks import sides
from tests.benchmarks.console import do
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Line, taking_turns
from tests.benchmarks.load.requests import CHATS
from tests.benchmarks.machine import at_rest
from tests.benchmarks.sides import ACCEPTED, Side, events_of

COUNT, SLOW_COUNT = 3_000, 200
MEASURE = "P3 full loop"
_LAST_OUTCOME = "SELECT state FROM stored_events WHERE topic = ? ORDER BY rowid DESC LIMIT 1"


class Loop:
    """Rounds of questions, each of which is to be answered once."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._next: dict[str, int] = {}
        self.lost: dict[str, int] = {}

    def round(self, bot: Side, count: int) -> float:
        """Return answered messages a second; of Siyu until the last outcome was durable."""
        first = self._next.get(bot.name, 0)
        self._next[bot.name] = first + count
        accepted = None if bot.data == Path() else events_of(bot.data, ACCEPTED)
        before = accepted() if accepted else 0
        stored = bot.stored() if bot.stored else 0
        figures = self._driver.ask("loop", **bot.address(), count=count, first=first)
        wrong = figures["missing"] + figures["doubled"]
        if not wrong:
            wrong += bot.missing(stored + count)
        ended = figures["ended_at"]
        if accepted:
            outcomes = Side(bot.name, bot.pid, bot.port, bot.path, stored=accepted)
            wrong += outcomes.missing(before + count)
            ended = max(ended, _last_outcome_at(bot.data))
        self.lost[bot.name] = self.lost.get(bot.name, 0) + int(wrong)
        at_rest(bot.pid)
        return float((count - figures["missing"]) / (ended - figures["began_at"]))


def _last_outcome_at(data: Path) -> float:
    with contextlib.closing(sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True)) as connection:
        (state,) = connection.execute(_LAST_OUTCOME, (stored_as(ACCEPTED),)).fetchone()
    return stamped_us(state) / 1_000_000


def _measure(bench: Bench) -> Sequence[Line]:
    count, slow = bench.count(COUNT), bench.count(SLOW_COUNT)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        driver = stack.enter_context(Driver())
        start = stack.enter_context
        bots = [
            start(sides.siyu(driver, folder / "data")),
            start(sides.aiogram(driver, "answers")),
            start(sides.nonebot(bench, driver, folder, "answers")),
            start(sides.koishi(bench, driver, folder)),
        ]
        ours, aiogram, nonebot, koishi = bots
        do(ours.data, "/rule add contains 还有货吗 => 有的")
        loop = Loop(driver)
        for bot in bots:
            loop.round(bot, CHATS if bot in {ours, aiogram} else slow)
        loop.lost.clear()
        counts = {bot.name: slow if bot in {nonebot, koishi} else count for bot in bots}
        found = taking_turns(
            bench.rounds, {bot.name: partial(loop.round, bot, counts[bot.name]) for bot in bots}
        )
    per_s = partial(
        Line, measure=MEASURE, unit="messages/s", ours=found[ours.name], lost=loop.lost[ours.name]
    )

    def told(bot: Side) -> str:
        lost = loop.lost[bot.name]
        return f"{bot.name} lost {lost} of {bench.rounds * counts[bot.name]:,}" if lost else ""

    return [
        per_s(
            peer="aiogram, nothing stored",
            theirs=found[aiogram.name],
            floor=1.0,
            goal=1.5,
            note=told(aiogram),
        ),
        per_s(peer="NoneBot2 with its ORM", theirs=found[nonebot.name], goal=10.0, note=told(nonebot)),
        per_s(peer="Koishi with SQLite", theirs=found[koishi.name], goal=5.0, note=told(koishi)),
    ]


FIGURE = Figure(
    name="full-loop",
    title="P3 Full loop",
    about=(
        "A question of one of 2,000 chats comes in by webhook, a rule answers it, the answer leaves through a local Bot API (which costs"
        " next to nothing, unlike our strict simulator), and the outcome is recorded; the clock stops when the last outcome is durable."
        " Each question must be answered exactly once. aiogram answers from memory; NoneBot2 and Koishi store each message in SQLite."
    ),
    measure=_measure,
)
