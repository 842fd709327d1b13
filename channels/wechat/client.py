"""One account's whole API: messages and files, and what channels.wechat.api has."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import aiohttp

from channels.wechat.api import AccountCalls
from channels.wechat.calls import Calls, Json
from channels.wechat.health import Health, HealthState
from channels.wechat.limits import MEDIA_TYPES
from channels.wechat.settings import Settings
from domain.errors import OutcomeUnknown, TemporaryFailure
from domain.ports.messenger import Attachment, Form

_CHUNK_BYTES: Final = 64 * 1024
_SENT_ALREADY: Final = 45065


class WeChatClient(AccountCalls):
    """Each method raises the errors under SendFailed. ``deadline_s``: for each call, a second try and its tokens included."""

    def __init__(self, settings: Settings, health: Health, deadline_s: float) -> None:
        super().__init__(Calls(settings, health, deadline_s), settings.kind)

    @property
    def health(self) -> HealthState:
        """How the account's API is."""
        return self._calls.health.state

    def ends_at(self) -> float:
        """When a send that begins now has to be over, by the loop's clock."""
        return self._calls.ends_at()

    async def send(self, openid: str, message: Json, ends_at: float) -> None:
        """Send a customer-service message. WeChat gives no id of it."""
        await self._calls.post("message/custom/send", {"touser": openid} | message, ends_at=ends_at)

    async def send_template(self, openid: str, form: Form, key: str) -> str:
        """Send a template message, once within 10 minutes for a key. Returns WeChat's id of it."""
        body = {"touser": openid, "template_id": form.id, "data": _filled(form), "client_msg_id": key}
        answer = await self._calls.post(
            "message/template/send", body | ({"url": form.url} if form.url else {})
        )
        return _id_in(answer, "msgid")

    async def send_subscribed(self, openid: str, form: Form) -> None:
        """Send what somebody asked for once; WeChat has no key to know a repeat by. 43101 where they did not, or not any more."""
        body = {"touser": openid, "template_id": form.id, "data": _filled(form)}
        await self._calls.post("message/subscribe/bizsend", body | ({"page": form.url} if form.url else {}))

    async def send_to_many(self, openids: Sequence[str], message: Json, key: str, ends_at: float) -> str:
        """Send a mass message, once within 24 hours for a key (at most 64 bytes). Returns WeChat's id of it."""
        body = {"touser": list(openids), "clientmsgid": key, "send_ignore_reprint": 0} | message
        answer = await self._calls.post("message/mass/send", body, but=(_SENT_ALREADY,), ends_at=ends_at)
        return _id_in(answer, "msg_id")

    async def upload(self, kind: str, file: Attachment, ends_at: float) -> str:
        """Return the id of a file that WeChat keeps for three days. ``kind``: ``image``, ``voice``, ``video``.

        What fails here was provably not sent: it was not even a message yet.
        """
        try:
            answer = await self._calls.upload(
                "media/upload", {"type": kind}, lambda: _multipart(file), ends_at
            )
        except OutcomeUnknown as failure:
            raise TemporaryFailure(failure.reason) from None
        media_id = answer.get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise TemporaryFailure("garbage")
        return media_id

    def file(self, media_id: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse | Json]:
        """Open a file that somebody sent: the file, or what WeChat says instead (``video_url``)."""
        return self._calls.opened("media/get", {"media_id": media_id})

    async def close(self) -> None:
        """Close the connections."""
        await self._calls.close()


def _filled(form: Form) -> Json:
    return {name: {"value": value} for name, value in form.fields}


def _id_in(answer: Json, name: str) -> str:
    """Raises OutcomeUnknown: WeChat took it, and said what nobody understands."""
    number = answer.get(name)
    if not isinstance(number, int):
        raise OutcomeUnknown("garbage")
    return str(number)


def _multipart(file: Attachment) -> Mapping[str, Any]:
    """Return a form with the file as ``media``. WeChat takes none without a length, which aiohttp's own form with a stream has not."""
    boundary = secrets.token_hex(16)
    # WeChat looks at the name's end, and at nothing else of it.
    name = f"media.{MEDIA_TYPES[file.content_type]}"
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="media"; filename="{name}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    async def body() -> AsyncIterator[bytes]:
        yield head
        async for chunk in file.read():
            for start in range(0, len(chunk), _CHUNK_BYTES):
                yield chunk[start : start + _CHUNK_BYTES]
        yield tail

    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + file.size + len(tail)),
    }
    return {"data": body(), "headers": headers}
