"""P1: what a webhook takes in, durable before it says 200."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Line, Lost, taking_turns
from tests.benchmarks.load.requests import CHATS
from tests.benchmarks.machine import cpu_s
from tests.benchmarks.sides import STORED_WITHIN_S, Side

COUNT, SLOW_COUNT = 6_000, 400
MEASURE = "P1 durable intake"
WECHAT = "/webhooks/wechat"
NOTHING_STORED = "aiogram's dispatcher, nothing stored"


class Intake:
    """Rounds of messages to several bots, and what was lost of them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._next: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.cpu_ms: dict[str, list[float]] = {}

    def warm_up(self, bot: Side, path: str = "") -> None:
        """Let everybody write once, so that rounds meet known contacts; few of them, where nobody knows any."""
        self.round(bot, SLOW_COUNT if bot.late else CHATS, path)
        self.cpu_ms.pop(f"{bot.name}{path}")

    def round(self, bot: Side, count: int, path: str = "") -> float:
        """Return messages a second: acknowledged, and durable at that. ``path``: another webhook of the same bot."""
        key = f"{bot.name}{path}"
        first = self._next.get(key, 0)
        self._next[key] = first + count
        used = cpu_s(bot.pid)
        address = {**bot.address(), "path": path or bot.path}
        before = bot.stored() if bot.stored else 0
        begin = time.perf_counter()
        figures = self._driver.ask("send", **address, count=count, first=first)
        missing = bot.missing(before + count)
        stored_s = time.perf_counter() - begin - (STORED_WITHIN_S if missing else 0)
        self.lost[bot.name] = self.lost.get(bot.name, 0) + missing
        self.cpu_ms.setdefault(key, []).append((cpu_s(bot.pid) - used) * 1000 / count)
        bot.rest()
        if bot.late:
            return float((count - missing) / max(stored_s, figures["seconds"]))
        return float(figures["per_s"])


def _measure(bench: Bench) -> Sequence[Line]:
    count, slow = bench.count(COUNT), bench.count(SLOW_COUNT)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        driver = stack.enter_context(Driver())
        start = stack.enter_context
        bots = [
            start(sides.siyu(driver, folder / "data", start(sides.official_account()))),
            start(sides.aiogram(driver)),
            start(sides.raw_asgi(folder)),
            start(sides.aiogram(driver, "uvloop")),
            start(sides.nonebot(bench, driver, folder)),
        ]
        ours, aiogram, raw, quicker, nonebot = bots
        intake = Intake(driver)
        for bot in bots:
            intake.warm_up(bot)
        turns: dict[str, Callable[[], float]] = {
            bot.name: partial(intake.round, bot, slow if bot is nonebot else count) for bot in bots
        }
        intake.warm_up(ours, WECHAT)
        turns["WeChat"] = partial(intake.round, ours, count, WECHAT)
        found = taking_turns(bench.rounds, turns)
    if intake.lost[raw.name]:
        raise Lost(f"{raw.name} lost {intake.lost[raw.name]} messages: it is no peer")
    return _lines(found, intake, ours, (aiogram, quicker, raw, nonebot))


def _lines(
    found: Mapping[str, Sequence[float]], intake: Intake, siyu: Side, peers: tuple[Side, Side, Side, Side]
) -> Sequence[Line]:
    aiogram, quicker, raw, nonebot = (peer.name for peer in peers)
    ours, lost = found[siyu.name], intake.lost[siyu.name]
    per_s = partial(Line, unit="messages/s", lost=lost)
    against = partial(per_s, measure=MEASURE, ours=ours)
    told = f"NoneBot2 says 200 before it stores, and lost {intake.lost[nonebot]}"
    return [
        against(peer=NOTHING_STORED, theirs=found[aiogram], floor=1.2, goal=2.0),
        against(peer="the same on uvloop, which it does not bring", theirs=found[quicker]),
        against(peer="raw ASGI, raw batched inserts", theirs=found[raw], goal=0.5),
        against(peer="NoneBot2 with its ORM", theirs=found[nonebot], goal=20.0, note=told),
        per_s(
            measure="P1 WeChat's (decrypt, parse, commit, answer)",
            ours=found["WeChat"],
            peer="Siyu, Telegram's",
            theirs=ours,
            floor=0.6,
        ),
        Line(
            measure="P1 processor time a message",
            unit="ms",
            ours=intake.cpu_ms[siyu.name],
            peer=NOTHING_STORED,
            theirs=intake.cpu_ms[aiogram],
        ),
    ]


FIGURE = Figure(
    name="intake",
    title="P1 Durable intake",
    about=(
        "Updates of 2,000 chats are posted over 50 kept-alive connections, as fast as they are answered. Siyu (SQLite, synchronous=FULL,"
        " encryption on) answers after the commit; aiogram's dispatcher stores nothing; the raw ASGI app parses JSON, inserts in batches."
        " What each holds afterwards is counted."
    ),
    measure=_measure,
)
