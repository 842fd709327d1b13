"""The simulator: an HTTP server that is to an account what api.weixin.qq.com is, and the handle that tests hold."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from channels.simulators.wechat import account_calls, mass_calls, message_calls, user_calls
from channels.simulators.wechat.call import Call, Download, read_call
from channels.simulators.wechat.control import control_routes
from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.faults import UNSEEN, answer_with_fault
from channels.simulators.wechat.scene import Scene
from channels.simulators.wechat.sent import ApiRequest
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.world import World, at_once

_Handler = Callable[[World, Call], Json | Download]

_UPLOAD_BYTES_MAX: Final = 50 * 1024 * 1024
_HANDLERS_END_S: Final = 1.0
_DAY_S: Final = 24 * 3_600
_BEIJING_S: Final = 8 * 3_600

_WITHOUT_TOKEN: Final[Mapping[str, _Handler]] = {
    "token": account_calls.token,
    "stable_token": account_calls.stable_token,
}
_WITH_TOKEN: Final[Mapping[str, _Handler]] = {
    "message/custom/send": message_calls.custom_send,
    "message/custom/typing": message_calls.typing,
    "message/template/send": message_calls.template_send,
    "message/subscribe/bizsend": message_calls.subscribe_send,
    "message/mass/send": mass_calls.send,
    "message/mass/sendall": mass_calls.send_all,
    "message/mass/delete": mass_calls.delete,
    "media/upload": account_calls.upload_media,
    "media/get": account_calls.get_media,
    "user/info": user_calls.user_info,
    "user/info/updateremark": user_calls.update_remark,
    "user/tag/get": user_calls.people_tagged,
    "tags/create": user_calls.create_tag,
    "tags/get": user_calls.get_tags,
    "tags/update": user_calls.update_tag,
    "tags/delete": user_calls.delete_tag,
    "tags/getidlist": user_calls.tags_of_person,
    "tags/members/batchtagging": user_calls.tag_people,
    "tags/members/batchuntagging": user_calls.untag_people,
    "qrcode/create": account_calls.create_qrcode,
    "menu/create": account_calls.create_menu,
    "menu/get": account_calls.get_menu,
    "menu/delete": account_calls.delete_menu,
    "getcallbackip": account_calls.addresses,
    "get_api_domain_ip": account_calls.addresses,
    "callback/check": account_calls.check_callback,
}
_HANDLERS: Final[Mapping[str, _Handler]] = {**_WITHOUT_TOKEN, **_WITH_TOKEN}


class WeChatSimulator(Scene):
    """A scene with its server, on 127.0.0.1: `async with WeChatSimulator() as wechat` starts it.

    `port` 0 takes a free one, known from `api_base` once it has started. A callback that is not answered within
    `answer_wait_s` is posted again, after `before_again`: whoever restarts their server in between would otherwise use up
    all tries in a moment. `clock` gives Unix seconds for dates, signatures, windows and expiry.
    """

    def __init__(
        self,
        account: OfficialAccount | None = None,
        *,
        port: int = 0,
        answer_wait_s: float = 5.0,
        clock: Callable[[], float] = time.time,
        before_again: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        super().__init__(World(account or OfficialAccount(), clock, answer_wait_s, before_again))
        self._port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._used: Counter[tuple[str, int]] = Counter()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(client_max_size=_UPLOAD_BYTES_MAX)
        app.router.add_route("*", "/cgi-bin/{path:.+}", self._answer)
        app.router.add_get("/mmbiz/{id}", self._answer_file)
        app.add_routes(control_routes(self))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_HANDLERS_END_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self._world.base = self.api_base

    async def stop(self) -> None:
        """Give up callbacks that are under way, and end hung answers without an answer."""
        self._closing.set()
        await self._world.callbacks.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_base(self) -> str:
        """The root that stands for https://api.weixin.qq.com."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def answer_wait_s(self) -> float:
        return self._world.callbacks.answer_wait_s

    @answer_wait_s.setter
    def answer_wait_s(self, seconds: float) -> None:
        self._world.callbacks.answer_wait_s = seconds

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self._count_call(path)
        if path not in _HANDLERS:
            return web.Response(status=404, text="404 Not Found")
        try:
            call = await read_call(request, path)
        except ApiError as error:
            return _in_json(error.body)
        posted = call.shown() or {}
        openid = posted.get("touser")
        fault = self.faults.take(path, openid if isinstance(openid, str) else call.query.get("openid"))
        try:
            if fault is None:
                return self._accepted(call)

            async def answer() -> web.Response:
                return self._accepted(call)

            if fault.kind in UNSEEN:
                self._record_call(call, None)
            return await answer_with_fault(request, fault, answer, self._closing)
        except ApiError as error:
            self._record_call(call, error.code)
            return _in_json(error.body)

    def _accepted(self, call: Call) -> web.Response:
        """Raises ApiError."""
        if call.path in _WITH_TOKEN:
            self._world.tokens.check(call.query.get("access_token", ""))
        if not self.account.may_call(call.path):
            raise ApiError(48001)
        self._use_quota(call.path)
        answer = _HANDLERS[call.path](self._world, call)
        self._record_call(call, 0)
        if isinstance(answer, Download):
            disposition = f'attachment; filename="{answer.name}"'
            return web.Response(
                body=answer.content,
                headers={"Content-Type": answer.content_type, "Content-disposition": disposition},
            )
        return _in_json(answer)

    def _use_quota(self, path: str) -> None:
        day = int((self._world.clock() + _BEIJING_S) // _DAY_S)
        quota = self.account.quotas.get(path)
        if quota is not None and self._used[path, day] >= quota:
            raise ApiError(45009)
        self._used[path, day] += 1

    def _record_call(self, call: Call, errcode: int | None) -> None:
        query = {name: value for name, value in call.query.items() if name not in ("access_token", "secret")}
        self._record(ApiRequest(call.verb, call.path, query, call.shown(), errcode, self._world.clock()))

    async def _answer_file(self, request: web.Request) -> web.Response:
        """What PicUrl and video_url lead to: no token is asked for, as at WeChat's."""
        try:
            medium = self._world.media.find(request.match_info["id"])
        except ApiError:
            return web.Response(status=404)
        return web.Response(body=medium.content, content_type=medium.content_type)


def _in_json(answer: Json) -> web.Response:
    body = json.dumps(answer, ensure_ascii=False).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json; encoding=utf-8"})
