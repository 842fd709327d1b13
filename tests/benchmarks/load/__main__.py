"""``python -m tests.benchmarks.load``: says the Bot API's address, then carries out orders, a line of JSON each, and answers in kind.

Orders: ``send`` and ``pace`` post to a webhook; ``loop`` posts and waits until every message was answered through the Bot API;
``secret`` tells what a bot gave its webhook. An order that fails is answered by ``{"error": ...}``.
"""

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from typing import Any

import uvloop

from tests.benchmarks.load.bot_api import BotApi
from tests.benchmarks.load.requests import requests, user_of
from tests.benchmarks.load.sending import as_fast_as_answered, at_a_pace

CONNECTIONS = 50
CONNECTIONS_AT_A_PACE = 400
ANSWERED_WITHIN_S = 10.0
"""Without any further answer: then those that are missing do not come."""
LOOKS_EVERY_S = 0.01


async def main() -> None:
    """Serve until there are no more orders."""
    api = BotApi()
    _say({"base": f"http://127.0.0.1:{await api.start()}"})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        gc.collect()
        gc.disable()  # a pause of ours is none of theirs
        try:
            _say(await _carry_out(api, order))
        except Exception as error:  # noqa: BLE001  # whoever ordered it decides
            _say({"error": f"{type(error).__name__}: {error}"})
        gc.enable()


async def _carry_out(api: BotApi, order: dict[str, Any]) -> dict[str, Any]:
    match order:
        case {"do": "secret", "token": token}:
            return {"secret": api.account(token).secret}
        case {"do": "send"}:
            return await as_fast_as_answered(order["port"], _requests(order), CONNECTIONS)
        case {"do": "pace", "rate_per_s": rate_per_s}:
            made = _requests(order)
            return await at_a_pace(order["port"], made, CONNECTIONS_AT_A_PACE, rate_per_s)
        case {"do": "loop", "token": token}:
            return await _loop(api, order, token)
        case _:
            raise ValueError(f"unknown order: {order}")


def _requests(order: dict[str, Any]) -> list[bytes]:
    first = order["first"]
    return requests(order["path"], order["secret"], range(first, first + order["count"]))


async def _loop(api: BotApi, order: dict[str, Any], token: str) -> dict[str, Any]:
    """Post, and wait for an answer to each. ``missing`` and ``doubled``: messages without one, and answers beyond one."""
    account, made = api.account(token), _requests(order)
    within_s = order.get("patience_s", ANSWERED_WITHIN_S)
    expected = Counter(user_of(order["first"] + number) for number in range(order["count"]))
    account.sent.clear()
    account.total = 0
    began = time.time()
    posted = await as_fast_as_answered(order["port"], made, CONNECTIONS)
    seen, since = account.total, time.monotonic()
    while account.total < order["count"] and time.monotonic() - since < within_s:
        await asyncio.sleep(LOOKS_EVERY_S)
        if account.total != seen:
            seen, since = account.total, time.monotonic()
    await asyncio.sleep(10 * LOOKS_EVERY_S)  # one more than there should be would come about now
    return {
        **posted,
        "began_at": began,
        "ended_at": account.last_at,
        "missing": (expected - account.sent).total(),
        "doubled": (account.sent - expected).total(),
    }


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
