"""A Bot API server that costs next to nothing, so that the bots are measured and not their provider; it counts what each chat was sent.

The simulator (channels/simulators/telegram) is strict, and needs more of a processor for a message than the bots that are measured.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import httptools
import msgspec

_CHAT = re.compile(rb'chat_id(?:"\s*:\s*"?|=|"\r\n(?:[^\r\n]+\r\n)*\r\n)(-?\d+)')
_SECRET = re.compile(rb'secret_token(?:"\s*:\s*"|=|"\r\n(?:[^\r\n]+\r\n)*\r\n)([A-Za-z0-9_-]+)')
_PATH = re.compile(rb"/bot([^/]+)/([A-Za-z]+)")
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Account:
    """What a bot did: how many messages each chat was sent, when the last one came (wall clock), the secret its webhook was given."""

    sent: Counter[int] = field(default_factory=Counter)
    total: int = 0
    last_at: float = 0.0
    secret: str = ""


class BotApi:
    """The accounts by token; any token is taken for one."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}

    def account(self, token: str) -> Account:
        """Return what a bot did so far."""
        return self.accounts.setdefault(token, Account())

    async def start(self) -> int:
        """Serve on a free port, and return it."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    def answer(self, path: bytes, body: bytes) -> object:
        """Take one call and return its result."""
        known = _PATH.match(path)
        if known is None:
            return True
        token, method = known[1].decode(), known[2].lower()
        account = self.account(token)
        if method == b"sendmessage":
            chat = _CHAT.search(body) or _CHAT.search(path)
            if chat is None:
                raise ValueError(f"a message without a chat: {body[:200]!r}")
            return _sent(account, int(chat[1]), token)
        if method == b"getme":
            return _me(token)
        if method == b"setwebhook":
            secret = _SECRET.search(body)
            account.secret = secret[1].decode() if secret else ""
        if method == b"getmycommands":
            return []
        if method == b"getuserprofilephotos":
            return {"total_count": 0, "photos": []}
        return True


class _Connection(asyncio.Protocol):
    def __init__(self, api: BotApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's only looks like one

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = _encode({"ok": True, "result": self._api.answer(self._path, self._body)})
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )


def _sent(account: Account, chat: int, token: str) -> dict[str, object]:
    account.sent[chat] += 1
    account.total += 1
    account.last_at = time.time()
    return {
        "message_id": account.total,
        "date": int(account.last_at),
        "chat": {"id": chat, "type": "private", "first_name": "Ann"},
        "from": _me(token),
        "text": "有的",
    }


def _me(token: str) -> dict[str, object]:
    return {
        "id": int(token.partition(":")[0]),
        "is_bot": True,
        "first_name": "Bench",
        "username": "bench_bot",
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }
