"""The peer: aiogram's own webhook dispatcher, one handler that stores nothing and answers nothing."""

import sys

from aiogram import Bot, Dispatcher
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web


def main(port: int, secret: str) -> None:
    """Serve until killed."""
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def handle(_message: Message) -> None:
        return

    app = web.Application()
    bot = Bot("123456:" + "A" * 35)
    # handle_in_background=False: answer after the handler ran, as whoever stores something must.
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=secret).register(
        app, path="/webhook"
    )
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
