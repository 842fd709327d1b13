"""A Bot API that answers with the bytes a test gives it: for what the simulator would never say."""

import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class ScriptedApi:
    """`answers`: (status, body) of each method; `updates`: (id, bytes) for getUpdates, forgotten below its offset."""

    def __init__(self) -> None:
        self.token = "1234567890:scripted"
        self.answers: dict[str, tuple[int, bytes]] = {
            "getMe": (200, b'{"ok":true,"result":{"id":1234567890,"username":"siyu_bot"}}'),
            "deleteWebhook": (200, b'{"ok":true,"result":true}'),
        }
        self.updates: list[tuple[int, bytes]] = []
        self.limits: list[int] = []
        """The `limit` of each getUpdates."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await request.json() if request.content_type == "application/json" else await request.post()
        parameters = {name: str(value) for name, value in given.items()}
        self.calls.append((method, parameters))
        if method == "getUpdates":
            return web.Response(body=self._updates(parameters), content_type="application/json")
        status, body = self.answers[method]
        headers = {"Location": f"{self.base}/bot{self.token}/redirected"} if status in (301, 302) else None
        return web.Response(status=status, body=body, headers=headers)

    def _updates(self, parameters: dict[str, str]) -> bytes:
        offset, limit = int(parameters.get("offset", "0")), int(parameters["limit"])
        self.limits.append(limit)
        self.updates = [(number, body) for number, body in self.updates if number >= offset]
        return b'{"ok":true,"result":[' + b",".join(body for _, body in self.updates[:limit]) + b"]}"


def text_update(number: int, text: str) -> bytes:
    """A private message as bytes."""
    person = {"id": 7, "is_bot": False, "first_name": "Mei"}
    chat = {"id": 7, "type": "private"}
    message = {"message_id": number, "date": 1_795_000_000, "chat": chat, "from": person, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()
