"""`python -m channels.simulators.wechat --port N --webhook URL`: the simulator as a process of its own.

Prints its address on the first line and serves until SIGINT or SIGTERM. Open the address in a browser for a phone;
other processes move people, and read what was sent, through its control routes (control.py).
"""

import argparse
import asyncio
import signal
import sys
from typing import Final

from channels.simulators.wechat.server import WeChatSimulator
from channels.simulators.wechat.settings import OfficialAccount

_AES_KEY_CHARACTERS: Final = 43


def main() -> None:
    default = OfficialAccount()
    parser = argparse.ArgumentParser(prog="python -m channels.simulators.wechat")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--webhook", default="", help="the account's URL; it can be set later, by PATCH")
    parser.add_argument("--app-id", default=default.app_id)
    parser.add_argument("--app-secret", default=default.app_secret)
    parser.add_argument("--token", default=default.token, help="the Token of the server configuration")
    parser.add_argument("--aes-key", default=default.aes_key, help="the EncodingAESKey, 43 characters")
    parser.add_argument("--kind", choices=("service", "subscription"), default=default.kind)
    parser.add_argument("--answer-wait-s", type=float, default=5.0)
    arguments = parser.parse_args()
    if len(arguments.aes_key) != _AES_KEY_CHARACTERS or not arguments.aes_key.isalnum():
        parser.error("--aes-key must be 43 letters and digits")
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    account = OfficialAccount(
        app_id=arguments.app_id,
        app_secret=arguments.app_secret,
        token=arguments.token,
        aes_key=arguments.aes_key,
        kind=arguments.kind,
        webhook_url=arguments.webhook,
    )
    simulator = WeChatSimulator(account, port=arguments.port, answer_wait_s=arguments.answer_wait_s)
    async with simulator:
        sys.stdout.write(f"{simulator.api_base}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
