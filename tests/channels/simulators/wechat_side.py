"""What stands on the account's side of the WeChat simulator: an API client, and a server that wechatpy decrypts for."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError

import aiohttp
from aiohttp import web
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException, WeChatException
from wechatpy.utils import check_signature

from channels.simulators.wechat import OfficialAccount, WeChatSimulator
from tests.channels.simulators.bot_side import Json


@dataclass
class WeChatApi:
    """Calls the API as a client without a library; asks for a token once."""

    wechat: WeChatSimulator
    session: aiohttp.ClientSession
    token: str = ""

    async def new_token(self) -> Json:
        account = self.wechat.account
        return await self.get(
            "token", grant_type="client_credential", appid=account.app_id, secret=account.app_secret
        )

    async def stable_token(self, **fields: object) -> Json:
        account = self.wechat.account
        asked = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret}
        return await self.post("stable_token", {**asked, **fields})

    async def get(self, path: str, **query: str) -> Json:
        async with self.session.get(self._url(path), params=await self._with_token(path, query)) as response:
            assert response.status == 200
            return await self._json(response)

    async def post(self, path: str, body: Json | bytes | aiohttp.FormData, **query: str) -> Json:
        sent = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict) else body
        asked = await self._with_token(path, query)
        async with self.session.post(self._url(path), params=asked, data=sent) as response:
            assert response.status == 200
            return await self._json(response)

    async def says(self, openid: str, text: str) -> int:
        """The errcode of a customer-service text."""
        message = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        return int((await self.post("message/custom/send", message))["errcode"])

    async def upload(self, kind: str, name: str, content: bytes) -> Json:
        form = aiohttp.FormData()
        form.add_field("media", io.BytesIO(content), filename=name)
        return await self.post("media/upload", form, type=kind)

    def _url(self, path: str) -> str:
        return f"{self.wechat.api_base}/cgi-bin/{path}"

    async def _with_token(self, path: str, query: Mapping[str, str]) -> dict[str, str]:
        if path in ("token", "stable_token") or "access_token" in query:
            return dict(query)
        if not self.token:
            self.token = (await self.new_token())["access_token"]
        return {"access_token": self.token, **query}

    async def _json(self, response: aiohttp.ClientResponse) -> Json:
        body: Json = await response.json()
        return body


@dataclass(frozen=True)
class Received:
    """One POST to the account: its query, its body, and what wechatpy decrypts of it ("" where it refuses)."""

    query: Mapping[str, str]
    body: bytes
    xml: str


Answer = Callable[[Received], Awaitable[bytes | int]]


async def success(_received: Received) -> bytes:
    return b"success"


@dataclass
class AccountServer:
    """Answers each POST with what `answer` gives: a body, or a status; a GET with the echostr in `echo`."""

    account: OfficialAccount
    answer: Answer = success
    echo: str = "{}"
    received: list[Received] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    @property
    def crypto(self) -> WeChatCrypto:
        return WeChatCrypto(self.account.token, self.account.aes_key, self.account.app_id)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/wx", self._echo)
        app.router.add_post("/wx", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.account.webhook_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/wx"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def passive(self, xml: str) -> bytes:
        """An encrypted reply, as wechatpy makes it."""
        sealed: str = self.crypto.encrypt_message(xml, "n0nce", "1795000000")
        return sealed.encode()

    def passive_text(self, openid: str, text: str) -> bytes:
        return self.passive(
            f"<xml><ToUserName><![CDATA[{openid}]]></ToUserName>"
            f"<FromUserName><![CDATA[{self.account.original_id}]]></FromUserName>"
            f"<CreateTime>1795000000</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{text}]]></Content></xml>"
        )

    async def _echo(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            check_signature(self.account.token, query["signature"], query["timestamp"], query["nonce"])
        except (InvalidSignatureException, KeyError):
            return web.Response(status=401)
        return web.Response(text=self.echo.format(query["echostr"]))

    async def _receive(self, request: web.Request) -> web.Response:
        query, body = dict(request.query), await request.read()
        self.received.append(Received(query, body, self._decrypted(query, body)))
        answer = await self.answer(self.received[-1])
        return web.Response(status=answer) if isinstance(answer, int) else web.Response(body=answer)

    def _decrypted(self, query: Mapping[str, str], body: bytes) -> str:
        if "encrypt_type" not in query or b"<!DOCTYPE" in body:
            return ""
        try:
            xml = self.crypto.decrypt_message(
                body, query["msg_signature"], query["timestamp"], query["nonce"]
            )
        except (WeChatException, ExpatError, KeyError, ValueError):
            return ""
        return xml.decode() if isinstance(xml, bytes) else str(xml)


async def never(_received: Received) -> bytes:
    """Longer than any test waits; a closed connection ends it."""
    await asyncio.sleep(60)
    return b"success"
