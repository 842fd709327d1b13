"""`python -m channels.simulators.telegram --port N --token T`: the simulator as a process of its own.

Prints its address on the first line and serves until SIGINT or SIGTERM. Other processes move people, and read
what was sent, through its control routes (control.py).
"""

import argparse
import asyncio
import signal
import sys

from channels.simulators.telegram.server import TelegramSimulator
from channels.simulators.telegram.webhook import WebhookRetry


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m channels.simulators.telegram")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", required=True, help="the bot's token, as 1234567890:anything")
    parser.add_argument("--username", default="siyu_bot")
    parser.add_argument("--enforce-limits", action="store_true", help="answer 429 beyond Telegram's rates")
    parser.add_argument("--privacy-mode", action="store_true")
    parser.add_argument("--retry-first-s", type=float, default=1.0)
    parser.add_argument("--retry-cap-s", type=float, default=60.0)
    arguments = parser.parse_args()
    if not arguments.token.partition(":")[0].isdecimal():
        parser.error("--token must begin with the bot's number and a colon")
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    simulator = TelegramSimulator(
        arguments.token,
        port=arguments.port,
        username=arguments.username,
        enforce_limits=arguments.enforce_limits,
        privacy_mode=arguments.privacy_mode,
        webhook_retry=WebhookRetry(arguments.retry_first_s, arguments.retry_cap_s),
    )
    async with simulator:
        sys.stdout.write(f"{simulator.base}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
