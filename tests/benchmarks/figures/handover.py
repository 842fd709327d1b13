"""P7: handing a broadcast over at the provider's limit."""

import asyncio
import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from channels.simulators.telegram import TelegramSimulator
from tests.benchmarks import handover, sides
from tests.benchmarks.figure import Bench, Figure, Judged, Line
from tests.benchmarks.machine import free_port, python, ready

MEASURED_S = 120.0


def _measure(bench: Bench) -> Sequence[Line]:
    found = asyncio.run(_hand_over(MEASURED_S * bench.share))
    return [
        Line(
            measure="P7 hand-over, share of 30/s that is used",
            unit="%",
            ours=(100 * found.share,),
            judged=Judged.AT_LEAST,
            floor=99.0,
            goal=99.0,
            note=f"hand-over: {found.sent:,} messages in {MEASURED_S * bench.share:.0f} s; one round, since it lasts minutes",
        ),
        Line(
            measure="P7 hand-over, messages that met a 429",
            unit="messages",
            ours=(float(found.refused),),
            judged=Judged.AT_MOST,
            floor=0.0,
            goal=0.0,
        ),
    ]


async def _hand_over(measured_s: float) -> handover.HandOver:
    port = free_port()
    async with TelegramSimulator(token=sides.token_of(1), enforce_limits=True) as limited:
        with contextlib.ExitStack() as stack:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
            environment = sides.settings(data, limited.base, port, **handover.settings())
            siyu = stack.enter_context(python("-m", "bot", "run", "--port", str(port), env=environment))
            await asyncio.to_thread(ready, port, siyu)
            found = await handover.hand_over(limited, data, measured_s)
            siyu.terminate()
            await asyncio.to_thread(siyu.wait, 60)  # what is in the air lands here
    return found


FIGURE = Figure(
    name="hand-over",
    title="P7 Hand-over at the provider's limit",
    about=(
        "A broadcast leaves for two minutes to our strict simulator of Telegram, which allows 30 messages a second and answers 429 beyond."
    ),
    measure=_measure,
)
