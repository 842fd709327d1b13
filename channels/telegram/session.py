"""aiogram's HTTP session, where ours has to differ: deadlines, redirects, and answers as they came."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramServerError
from aiogram.methods import TelegramMethod
from aiogram.types import InputFile
from aiohttp import ClientResponse, ClientTimeout, FormData

from channels.telegram.settings import Settings

CONNECT_TIMEOUT_S: Final = 10.0
"""Within the whole deadline, so that a connection that never came about is told from an answer that never came."""

_ACCEPTED: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)


_JSON: Final = {"Content-Type": "application/json"}


def _json(method: TelegramMethod[Any]) -> bytes:
    """Return what was set of a call's parameters. A form takes aiogram and aiohttp three times as long."""
    return msgspec.json.encode(
        method.model_dump(mode="json", exclude_unset=True, exclude_none=True, warnings=False)
    )


class TelegramSession(AiohttpSession):
    """One account's connections.

    It follows no redirect (the token is part of the address), lets aiohttp's errors through (they tell whether a request left), and a 5xx
    is a server's error whatever its body holds. ``deadline_s``: for a call, from waiting for a connection to the last byte of the answer.
    """

    def __init__(self, settings: Settings, deadline_s: float) -> None:
        proxy = settings.proxy.get_secret_value() if settings.proxy is not None else None
        api = TelegramAPIServer.from_base(settings.api_base)
        super().__init__(proxy=proxy, api=api)
        self._deadline_s = deadline_s

    async def result(self, bot: Bot, method: TelegramMethod[Any]) -> Any:  # noqa: ANN401 - any method's result
        """Return what Telegram accepted a call with, as plain JSON. Raises what is in channels.telegram.errors.VENDOR_ERRORS.

        aiogram would first fit the result into its classes: a field that it does not know the shape of must not turn a message that was
        sent into one of which nobody can tell.
        """
        status, body = await self.answer(bot, method, self._deadline_s)
        content = body.decode("utf-8", "replace")
        if status in _ACCEPTED:
            with suppress(ValueError, RecursionError):
                answer = json.loads(content)
                if isinstance(answer, dict) and answer.get("ok") is True:
                    return answer.get("result")
        return self.check_response(bot, method, status, content).result

    async def answer(self, bot: Bot, method: TelegramMethod[Any], timeout_s: float) -> tuple[int, bytes]:
        """Return status and body of an answer that is no 5xx; ``timeout_s`` is for everything, from waiting for a connection on."""
        session = await self.create_session()
        # aiohttp rounds a time-out beyond its threshold up to a full second.
        deadline = ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S, ceil_threshold=timeout_s)
        form = self._form(bot, method)
        async with session.post(
            self.api.api_url(token=bot.token, method=method.__api_method__),
            data=_json(method) if form is None else form,
            headers=_JSON if form is None else None,
            timeout=deadline,
            allow_redirects=False,
        ) as response:
            body = await response.read()
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TelegramServerError(method=method, message=str(response.status))
        return response.status, body

    def _form(self, bot: Bot, method: TelegramMethod[Any]) -> FormData | None:
        """Return a call with a file, as only a form can carry it; None for one without."""
        with_file = any(isinstance(value, InputFile) for value in vars(method).values())
        return self.build_form_data(bot=bot, method=method) if with_file else None

    @asynccontextmanager
    async def file(self, bot: Bot, path: str, timeout_s: float) -> AsyncIterator[ClientResponse]:
        """Ask for a file of the API's own server, packed by nobody; ``timeout_s``: to its last byte."""
        session = await self.create_session()
        deadline = ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S, ceil_threshold=timeout_s)
        async with session.get(
            self.api.file_url(bot.token, path),
            timeout=deadline,
            allow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        ) as response:
            yield response
