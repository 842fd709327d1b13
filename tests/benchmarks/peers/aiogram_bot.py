"""aiogram's webhook dispatcher. ``aiogram_bot.py PORT SECRET TOKEN BASE [answers] [uvloop]``: stores nothing, answers from memory."""

import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web


def main(port: int, secret: str, token: str, base: str, *how: str) -> None:
    """Serve until killed."""
    if "uvloop" in how:
        import uvloop  # noqa: PLC0415  # only where it is asked for

        uvloop.install()
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def handle(message: Message) -> None:
        if "answers" in how and "还有货吗" in (message.text or ""):
            await message.answer("有的")

    app = web.Application()
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(base)))
    # handle_in_background=False: answer after the handler ran, as whoever stores something must.
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=secret).register(
        app, path="/webhook"
    )
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
