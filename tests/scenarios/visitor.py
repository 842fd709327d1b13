"""A customer at the web chat: what its page does, without a browser. What was not acknowledged is said again after a reconnect."""

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.scenarios.installation import DEADLINE_S

Frame = dict[str, Any]


@dataclass(slots=True)
class Visitor:
    """One visitor. ``shown``: what the shop said, by message id, as the page shows it (a repeat replaces itself)."""

    address: str
    token: str | None = None
    shown: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    """Ids of the shop's messages as they came, repeats included, history left out."""
    unacknowledged: dict[str, Frame] = field(default_factory=dict)
    socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.socket is not None:
            await self.socket.close()

    async def connect(self, address: str | None = None) -> None:
        """Open the socket, say who this is, and say again what nobody acknowledged."""
        self.address = address or self.address
        self.socket = await connect(f"{self.address.replace('http', 'ws', 1)}/chat/ws", proxy=None)
        if self.token is not None:
            await self._send({"type": "hello", "token": self.token})
        for frame in self.unacknowledged.values():
            await self._send(frame)

    async def says(self, text: str, *, reply_to: str | None = None) -> str:
        """Say something, or answer one of the shop's messages; its id."""
        name = str(uuid.uuid4())
        quoted = {} if reply_to is None else {"reply_to": reply_to}
        self.unacknowledged[name] = {"type": "message", "id": name, "text": text, **quoted}
        await self._send(self.unacknowledged[name])
        return name

    async def hears_of(self, part: str) -> str:
        """Listen until the shop has said something with this in it, and return its id."""
        while not (found := [name for name, text in self.shown.items() if part in text]):
            await self.hears()
        return found[-1]

    async def hears(self) -> Frame:
        """Return the next frame, after doing what the page does with it. Raises ConnectionClosed, TimeoutError."""
        assert self.socket is not None
        frame: Frame = json.loads(await _within_deadline(self.socket))
        match frame["type"]:
            case "session":
                self.token = frame["token"]
            case "ack":
                self.unacknowledged.pop(frame["id"], None)
            case "message" if frame.get("from") != "me":
                self.shown[frame["id"]] = frame["text"]
                if not frame.get("history"):
                    self.pushed.append(frame["id"])
                    await self._send({"type": "received", "id": frame["id"]})
            case _:
                pass
        return frame

    async def hears_until_shown(self, messages: int) -> None:
        """Listen until everything was acknowledged and the shop has said so many different things."""
        while self.unacknowledged or len(self.shown) < messages:
            await self.hears()

    async def hears_until_cut_off(self) -> None:
        """Listen until the connection is gone."""
        try:
            while True:
                await self.hears()
        except ConnectionClosed:
            return

    async def _send(self, frame: Frame) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(frame))


async def _within_deadline(socket: ClientConnection) -> str:
    async with asyncio.timeout(DEADLINE_S):
        return str(await socket.recv())
