"""The simulator: an HTTP server that is to a bot what api.telegram.org is, and the handle that tests hold."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from channels.simulators.telegram import account_methods, message_methods
from channels.simulators.telegram.account import Account
from channels.simulators.telegram.control import control_routes
from channels.simulators.telegram.errors import ApiError
from channels.simulators.telegram.faults import answer_with_fault
from channels.simulators.telegram.limits import Pacing, Rates
from channels.simulators.telegram.parameters import Parameters, parse_parameters
from channels.simulators.telegram.scene import Scene
from channels.simulators.telegram.sent import Sent
from channels.simulators.telegram.shapes import Json
from channels.simulators.telegram.webhook import WebhookRetry

_Method = Callable[[Account, Parameters], Awaitable[object]]

_UPLOAD_BYTES_MAX: Final = 50 * 1024 * 1024
_HANDLERS_END_S: Final = 1.0

# Answered by Telegram's API server itself, without a 429 for the bot's other calls (Client::is_local_method).
_LOCAL: Final[Mapping[str, _Method]] = {
    "getMe": account_methods.get_me,
    "getUpdates": account_methods.get_updates,
    "setWebhook": account_methods.set_webhook,
    "deleteWebhook": account_methods.delete_webhook,
    "getWebhookInfo": account_methods.get_webhook_info,
}
_UNNOTICED: Final[Mapping[str, _Method]] = {
    "setMyCommands": account_methods.set_my_commands,
    "getMyCommands": account_methods.get_my_commands,
    "deleteMyCommands": account_methods.delete_my_commands,
    "getChat": account_methods.get_chat,
    "getChatMember": account_methods.get_chat_member,
    "getFile": account_methods.get_file,
}
_NOTICED: Final[Mapping[str, _Method]] = {
    "answerCallbackQuery": account_methods.answer_callback_query,
    "leaveChat": account_methods.leave_chat,
    "sendChatAction": message_methods.send_chat_action,
    "deleteMessage": message_methods.delete_message,
    "createForumTopic": message_methods.create_forum_topic,
}
_PACED: Final[Mapping[str, _Method]] = {
    "sendMessage": message_methods.send_message,
    "sendLocation": message_methods.send_location,
    "sendPhoto": message_methods.sends_file("photo"),
    "sendDocument": message_methods.sends_file("document"),
    "sendVoice": message_methods.sends_file("voice"),
    "sendVideo": message_methods.sends_file("video"),
    "sendSticker": message_methods.sends_file("sticker"),
    "editMessageText": message_methods.edit_message_text,
    "editMessageReplyMarkup": message_methods.edit_message_reply_markup,
}
_METHODS: Final[Mapping[str, _Method]] = {**_LOCAL, **_UNNOTICED, **_NOTICED, **_PACED}
_NAMES: Final = {name.lower(): name for name in _METHODS}


class TelegramSimulator(Scene):
    """A scene with its server, on 127.0.0.1: `async with TelegramSimulator() as telegram` starts it.

    `port` 0 takes a free one, known from `base` once it has started. `enforce_limits` answers 429 beyond
    `rates`. `webhook_retry` paces redelivery. `privacy_mode` is the bot's setting for groups. `clock` gives
    Unix seconds for dates, limits and expiry.
    """

    def __init__(
        self,
        token: str = "1234567890:simulated-token-for-tests-only-000",  # noqa: S107 - a simulator's, opens nothing
        *,
        port: int = 0,
        username: str = "siyu_bot",
        enforce_limits: bool = False,
        rates: Rates | None = None,
        webhook_retry: WebhookRetry | None = None,
        privacy_mode: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        account = Account(
            bot_id=int(token.partition(":")[0]),
            username=username,
            privacy_mode=privacy_mode,
            webhook_retry=webhook_retry or WebhookRetry(),
            clock=clock,
        )
        super().__init__(account, Pacing(clock, enforce_limits, rates or Rates()))
        self.token = token
        self._port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(client_max_size=_UPLOAD_BYTES_MAX)
        for verb in ("GET", "POST"):
            app.router.add_route(verb, "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.+}", self._answer_file)
        app.add_routes(control_routes(self))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_HANDLERS_END_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End hung answers without an answer, and a long poll as a restart of Telegram's server does."""
        self._closing.set()
        self._account.queue.end_poll(
            ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error: restart")
        )
        await self._account.close_webhook()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base(self) -> str:
        """The root that stands for https://api.telegram.org."""
        return f"http://127.0.0.1:{self._port}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer_call(request)
        except ApiError as error:
            headers = {"Retry-After": str(after)} if (after := error.parameters.get("retry_after")) else None
            return web.json_response(error.body, status=error.code, headers=headers)

    async def _answer_call(self, request: web.Request) -> web.StreamResponse:
        name = self._method_name(request)
        parameters = await parse_parameters(request)
        chat_id = parameters.integer("chat_id") or None
        if name not in _LOCAL:
            self._pacing.check_blocked(name, chat_id)

        async def answer() -> Json:
            return {"ok": True, "result": await self._accept(name, chat_id, parameters)}

        if (fault := self.faults.take(name, chat_id)) is not None:
            return await answer_with_fault(request, fault, answer, self._pacing, self._closing)
        return web.json_response(await answer())

    def _method_name(self, request: web.Request) -> str:
        if request.match_info["token"] != self.token:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        if (name := _NAMES.get(request.match_info["method"].lower())) is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "Not Found: method not found")
        return name

    async def _accept(self, name: str, chat_id: int | None, parameters: Parameters) -> object:
        if name in _PACED and chat_id is not None:
            self._pacing.check_rate(chat_id)
        result = await _METHODS[name](self._account, parameters)
        if name in _PACED or name in _NOTICED:
            self._record_call(name, chat_id, parameters, result)
        return result

    def _record_call(self, name: str, chat_id: int | None, parameters: Parameters, result: object) -> None:
        shown = result if isinstance(result, dict) else {}
        text = shown.get("text") or shown.get("caption") or parameters.text("text") or None
        message_id = shown.get("message_id") or parameters.integer("message_id") or None
        self._record(Sent(name, chat_id, text, message_id, self._account.clock(), parameters.decoded()))

    async def _answer_file(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return web.json_response(ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized").body, status=401)
        file = self._world.files.get(request.match_info["path"].removeprefix("files/"))
        if file is None:
            return web.json_response(ApiError(HTTPStatus.NOT_FOUND, "Not Found").body, status=404)
        return web.Response(body=file.content)
