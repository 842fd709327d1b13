"""One open socket: frames go out in order, through a bounded queue, so that a slow reader holds up nobody."""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from channels.webchat import render
from channels.webchat.limits import FRAMES_WAITING, SEND_TIMEOUT_S, SHOWN_REMEMBERED
from domain.ports.history import Said

POLICY_VIOLATION: Final = 1008
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013


class Connection:
    """The outgoing side of a socket."""

    def __init__(self, websocket: WebSocket, link: render.Link) -> None:
        self._websocket, self._link = websocket, link
        self._waiting: asyncio.Queue[str | int] = asyncio.Queue()  # a number: close with it; bounded in _put
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._held: dict[str, str] | None = None
        self._shown: dict[str, None] = {}  # in order: the oldest is forgotten first

    def reply(self, frame: str) -> None:
        """Send a frame that is about this socket only."""
        self._put(frame)

    def show(self, id_: str, frame: str) -> None:
        """See Socket. While the history is on its way, new messages wait behind it."""
        if self._held is not None and len(self._held) < FRAMES_WAITING:
            self._held[id_] = frame
        else:
            self._remember(id_)
            self._put(frame)

    def close(self, code: int) -> None:
        """See Socket."""
        if not self._closing:
            self._closing = True
            self._waiting.put_nowait(code)

    def hold(self) -> None:
        """Keep new messages back until ``release``."""
        self._held = {}

    def release(self, history: Sequence[Said]) -> None:
        """Show the history, then what was kept back, except what the history already had."""
        held, self._held = self._held or {}, None
        for said in history:
            held.pop(said.id, None)
            if not said.by_customer:
                self._remember(said.id)
            self._put(render.message(said, self._link, history=True))
        for id_, frame in held.items():
            self.show(id_, frame)

    def confirm(self, id_: str) -> bool:
        """Whether this message was shown here and not confirmed yet: nobody confirms what was never theirs."""
        return self._shown.pop(id_, self) is None

    def unconfirm(self, id_: str) -> None:
        """Let a message be confirmed once more."""
        self._remember(id_)

    async def write(self) -> None:
        """Send what waits, until the socket ends or the client turns out not to read: then nothing can be told to it."""
        self._writer = asyncio.current_task()
        try:
            while isinstance(item := await self._waiting.get(), str):
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._websocket.send_text(item)
            await self._websocket.close(item)
        except (TimeoutError, WebSocketDisconnect):
            return  # the conversation ends with its writer

    def _put(self, frame: str) -> None:
        if self._closing:
            return
        if self._waiting.qsize() >= FRAMES_WAITING:
            self._closing = True
            if self._writer is not None:
                self._writer.cancel()
            return
        self._waiting.put_nowait(frame)

    def _remember(self, id_: str) -> None:
        self._shown[id_] = None
        if len(self._shown) > SHOWN_REMEMBERED:
            del self._shown[next(iter(self._shown))]
