"""What WeChat's rules ask for: 200 customers at once are answered in time, and tokens are asked for sparingly."""

import asyncio
import contextlib
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from channels.simulators.wechat import WeChatSimulator
from tests.benchmarks import passive, sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Judged, Line
from tests.benchmarks.machine import free_port, python, ready


async def _answers(driver: Driver) -> passive.Answers:
    """Let 200 ask a fresh Siyu."""
    port = free_port()
    async with WeChatSimulator(passive.account(f"http://127.0.0.1:{port}/webhooks/wechat")) as weixin:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            more = {
                **sides.OFFICIAL_ACCOUNT,
                "SIYU_WECHAT__API_BASE": weixin.api_base,
                "SIYU_STARTER_RULES": "true",
            }
            environment = sides.settings(folder / "data", driver.base, port, **more)
            siyu = stack.enter_context(python("-m", "bot", "run", "--port", str(port), env=environment))
            await asyncio.to_thread(ready, port, siyu)
            return await passive.answers(weixin)


def _measure(bench: Bench) -> Sequence[Line]:
    with Driver() as driver:
        answered = [asyncio.run(_answers(driver)) for _ in range(bench.rounds)]
    cold, calls, health = asyncio.run(passive.tokens())
    by = ", ".join(f"{count} {how}" for how, count in sorted(answered[-1].by.items()))
    at_most = partial(Line, judged=Judged.AT_MOST)
    return [
        at_most(
            measure="WeChat: the last of 200 callbacks at once is answered after",
            unit="s",
            ours=[one.longest_s for one in answered],
            floor=4.5,
            goal=4.5,
            lost=sum(one.unanswered for one in answered),
            note=f"WeChat, the last round: {by}",
        ),
        at_most(
            measure="WeChat: calls for a token by 20 cold tasks",
            unit="calls",
            ours=(float(cold),),
            floor=1.0,
            goal=1.0,
        ),
        at_most(
            measure="WeChat: calls of one send while a 40001 lasts",
            unit="calls",
            ours=(float(calls),),
            floor=2.0,
            goal=2.0,
            note=f"WeChat: the account's health then is {health}",
        ),
    ]


FIGURE = Figure(
    name="wechat",
    title="WeChat",
    about="200 customers write at once to a fresh Siyu on our simulator of WeChat, and the starter rule answers each.",
    measure=_measure,
)
