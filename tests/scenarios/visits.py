"""Visits to a running Siyu, as providers and strangers make them."""

import io
import json
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

import aiohttp

from channels.simulators.wechat import OfficialAccount, letter
from tests.scenarios.installation import SECRET, Installation

PATH = "/webhooks/telegram"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
_message_ids = count(1)


def update(update_id: int, text: str, *, user: int = 5001, name: str = "Ada") -> dict[str, Any]:
    """Return an update with a private text message."""
    person = {"id": user, "is_bot": False, "first_name": name}
    message = {
        "message_id": next(_message_ids),
        "date": int(time.time()),
        "chat": {"id": user, "type": "private", "first_name": name},
        "from": person,
        "text": text,
    }
    return {"update_id": update_id, "message": message}


async def post(siyu: Installation, body: bytes, headers: Mapping[str, str] | None = None) -> int:
    """Post a body to the webhook, with the right headers but for those given; return the status."""
    sent = {HEADER: SECRET, "Content-Type": "application/json"} | dict(headers or {})
    given = {name: value for name, value in sent.items() if value}
    skipped = () if "Content-Type" in given else ("Content-Type",)
    async with (
        aiohttp.ClientSession(skip_auto_headers=skipped) as session,
        session.post(siyu.address + PATH, data=io.BytesIO(body), headers=given) as response,
    ):
        return response.status


async def deliver(siyu: Installation, raw: Mapping[str, Any]) -> int:
    """Post an update; JSON escapes what is not ASCII, lone surrogates included."""
    return await post(siyu, json.dumps(raw).encode())


async def post_callback(
    siyu: Installation, account: OfficialAccount, openid: str, xml: bytes
) -> tuple[int, bytes]:
    """Post a callback of WeChat's in a new envelope; return status and body."""
    posted = letter(account, openid, xml, time.time())
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "text/xml"}) as session,
        session.post(
            f"{siyu.address}/webhooks/wechat", params=posted.query, data=io.BytesIO(posted.body)
        ) as response,
    ):
        return response.status, await response.read()


async def get(address: str) -> tuple[int, str]:
    """Return status and body."""
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as response:
        return response.status, await response.text()
