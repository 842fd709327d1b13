"""A TCP proxy on loopback that does to a connection what networks do. What it forwards it does not understand.

It is for providers; the one in tests/bot/eventlog/proxy.py cuts PostgreSQL's connections at a COMMIT, which needs its protocol.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: what closes then says RST."""
NONSENSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n<nonsense"


class Fault(StrEnum):
    """What happens to the next connection."""

    REFUSED = "nobody listens"
    BLACK_HOLE = "taken, and nothing ever comes back: nothing is forwarded"
    RESET_BEFORE = "reset when the first bytes of the request are here: nothing is forwarded"
    RESET_AFTER = "reset when the first byte of the answer is here: the server has the request"
    CUT_SHORT = "closed in the middle of the answer"
    HALF_CLOSED = "our side is closed towards the server as soon as the request is there"
    DRIP = "the answer comes byte by byte"
    GARBAGE = "the request is forwarded, and the answer is replaced by something else"


@dataclass(slots=True)
class FaultProxy:
    """Forwards to ``base``, an address such as ``http://127.0.0.1:1234``. ``faults``: of the next connections, in order."""

    base: str
    faults: list[Fault] = field(default_factory=list)
    connections: int = 0
    _port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where it listens, as ``base`` is written."""
        return f"http://127.0.0.1:{self._port}"

    async def admit(self) -> None:
        """Listen, always at the same port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Listen no more, and break what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def strike(self, fault: Fault) -> None:
        """Let this happen to the next connection; those that are kept alive are broken, so that there will be one."""
        await self.refuse()
        if fault is not Fault.REFUSED:
            self.faults = [fault]
            await self.admit()

    async def heal(self) -> None:
        """Let everything pass."""
        await self.refuse()
        self.faults = []
        await self.admit()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        fault = self.faults.pop(0) if self.faults else None
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer, fault)
        finally:
            self._open.discard(task)
            writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None
    ) -> None:
        if fault is Fault.BLACK_HOLE:
            while await reader.read(CHUNK):
                pass
            return
        first = await reader.read(CHUNK)
        if fault is Fault.RESET_BEFORE:
            _reset(writer)
            return
        where = urlsplit(self.base)
        there_reader, there = await asyncio.open_connection(where.hostname, where.port)
        try:
            there.write(first)
            if fault is Fault.HALF_CLOSED:
                there.write_eof()
            onwards = asyncio.create_task(_pump(reader, there))
            try:
                await _answer(there_reader, writer, fault)
            finally:
                onwards.cancel()
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await onwards
        finally:
            there.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
    while data := await reader.read(CHUNK):
        match fault:
            case Fault.RESET_AFTER:
                _reset(writer)
                return
            case Fault.GARBAGE:
                writer.write(NONSENSE)
                return
            case Fault.CUT_SHORT:
                writer.write(data[: len(data) // 2])
                return
            case Fault.DRIP:
                for byte in data:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
            case _:
                writer.write(data)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def faulty(base: str) -> AsyncIterator[FaultProxy]:
    """A proxy for as long as the block lasts."""
    proxy = FaultProxy(base)
    await proxy.admit()
    try:
        yield proxy
    finally:
        await proxy.refuse()
