"""A customer in the terminal: the web chat's protocol, typed and printed."""

import asyncio
import os
import sys
import uuid
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from domain.errors import StoreUnavailable


async def talk(address: str, token_file: Path) -> int:
    """Send each line of standard input, print what the shop says; ends at the end of input once everything was acknowledged."""
    token = await asyncio.to_thread(_kept, token_file)
    url = address.replace("http://", "ws://", 1) + "/chat/ws"
    try:
        async with connect(url) as socket:
            if token:
                hello = {"type": "hello", "token": token}
                await socket.send(msgspec.json.encode(hello).decode())
            unanswered = _Unanswered()
            listening = asyncio.create_task(_listen(socket, token_file, unanswered))
            await _speak(socket, unanswered)
            answered = asyncio.create_task(unanswered.none.wait())
            await asyncio.wait({listening, answered}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({listening}, timeout=LISTEN_ON_S)
            listening.cancel()
            answered.cancel()
    except (OSError, ConnectionClosed) as error:
        raise StoreUnavailable(
            "the chat at {address} closed: {error}", address=address, error=error
        ) from None
    return 0


LISTEN_ON_S = 2.0
"""How long to wait for an answer after the last line."""


class _Unanswered:
    """Messages that were sent and not acknowledged yet."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.none = asyncio.Event()
        self.none.set()

    def add(self, name: str) -> None:
        """Remember a message."""
        self._ids.add(name)
        self.none.clear()

    def discard(self, name: str) -> None:
        """It was acknowledged, or refused."""
        self._ids.discard(name)
        if not self._ids:
            self.none.set()


def _kept(token_file: Path) -> str:
    return token_file.read_text("ascii") if token_file.is_file() else ""


async def _speak(socket: ClientConnection, waiting: _Unanswered) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        if text := line.strip():
            name = str(uuid.uuid4())
            waiting.add(name)
            await socket.send(msgspec.json.encode({"type": "message", "id": name, "text": text}).decode())


async def _listen(socket: ClientConnection, token_file: Path, waiting: _Unanswered) -> None:
    async for frame in socket:
        said = msgspec.json.decode(frame)
        match said.get("type"):
            case "session":
                await asyncio.to_thread(_keep, token_file, said["token"])
            case "ack":
                waiting.discard(said["id"])
            case "error":
                waiting.discard(said.get("id") or "")
                sys.stderr.write(f"! {said.get('text') or said.get('reason')}\n")
            case "message" if said.get("from") != "me" and not said.get("history"):
                sys.stdout.write(f"< {said['text']}\n")
                sys.stdout.flush()
                await socket.send(msgspec.json.encode({"type": "received", "id": said["id"]}).decode())


def _keep(token_file: Path, token: str) -> None:
    descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
