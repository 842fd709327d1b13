"""I2: what attackers post is refused at once."""

import contextlib
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Judged, Line, taking_turns
from tests.benchmarks.sides import SECRET, Side

WITHIN_MS = 50.0
BODIES = {
    "100,000 levels": b'{"update_id": 1, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number of 5,000 digits": b'{"update_id": ' + b"9" * 5_000 + b"}",
    "malformed JSON": b'{"update_id": 1, "message": {',
}


def refused_ms(bot: Side, body: bytes) -> float:
    """Return how long a refusal takes. Raises RuntimeError where it is none."""
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
    post = urllib.request.Request(f"http://127.0.0.1:{bot.port}{bot.path}", body, headers)
    begin = time.perf_counter()
    try:
        with urllib.request.urlopen(post) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RuntimeError(f"answered by {status}")
    return (time.perf_counter() - begin) * 1000


def _measure(bench: Bench) -> Sequence[Line]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        driver = stack.enter_context(Driver())
        siyu = stack.enter_context(sides.siyu(driver, folder / "data"))
        turns = {name: partial(refused_ms, siyu, body) for name, body in BODIES.items()}
        for warm in turns.values():
            warm()
        found = taking_turns(2 * bench.rounds, turns)
    return [
        Line(
            measure=f"I2 {name} is refused within",
            unit="ms",
            ours=times,
            judged=Judged.AT_MOST,
            floor=WITHIN_MS,
            goal=WITHIN_MS,
        )
        for name, times in found.items()
    ]


FIGURE = Figure(
    name="bad-input",
    title="I2 Bad input",
    about="Each is posted with the right secret and is to be answered by 4xx.",
    measure=_measure,
)
