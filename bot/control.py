"""The command line's way into a running Siyu: a socket in the data folder, mode 0600, one request a connection.

Request and answer are JSON Lines: ``{"operation": NAME, "arguments": {...}}``, then ``{"line": TEXT}`` as often as there is something to
say, then ``{"exit": CODE}``; an error is ``{"error": TEXT, "exit": CODE}``. The same operations run without a server when none runs.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import structlog

from bot.house import House
from bot.operations import OPERATIONS, Exit
from domain.errors import BadSettings, Rejected, SiyuError, StoreUnavailable

LONGEST_SOCKET_PATH = 95
"""Bytes; longer ones the system refuses (findings.md, "Small traps")."""
LINES_AT_ONCE = 200
MAX_REQUEST_BYTES = 1024 * 1024
CONNECT_TIMEOUT_S = 5.0

log_ = structlog.get_logger(__name__)


def socket_path(data: Path) -> Path:
    """Return where the socket of a data folder lies: in it, or for long paths under a hashed name in the temporary folder."""
    path = data.resolve() / "siyu.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"siyu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise BadSettings(f"{folder} must belong to you alone (mode 0700)")
    return folder / f"{digest}.sock"


class ControlServer:
    """Answers the command line."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._path = socket_path(house.settings.data)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. What a killed process left there is replaced: the folder's lock says that nobody else runs."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._answer, self._path, limit=MAX_REQUEST_BYTES)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = msgspec.json.decode(await reader.readline())
            lines = perform(self._house, request["operation"], request["arguments"])
            while part := await asyncio.to_thread(lambda: list(islice(lines, LINES_AT_ONCE))):
                writer.write(b"".join(msgspec.json.encode(line) + b"\n" for line in part))
                await writer.drain()
        except (ConnectionError, msgspec.DecodeError, KeyError, TypeError):
            log_.warning("control.bad_request")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def perform(house: House, operation: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Carry out an operation, as the messages of the protocol. Never raises what Siyu anticipates."""
    code = 0
    try:
        for said in OPERATIONS[operation](house, **arguments):
            if isinstance(said, Exit):
                code = said.code
            else:
                yield {"line": said}
    except (Rejected, BadSettings) as error:
        yield {"error": str(error), "exit": 2}
        return
    except SiyuError as error:
        yield {"error": str(error), "exit": 1}
        return
    except Exception:
        log_.exception("control.bug", operation=operation)
        yield {"error": "an internal error: the server's log says more", "exit": 1}
        return
    yield {"exit": code}


def running(data: Path) -> socket.socket | None:
    """Return a connection to the Siyu that runs on a data folder, None where none does."""
    path = socket_path(data)
    if not path.exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT_S)
    try:
        connection.connect(os.fspath(path))
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        return None
    connection.settimeout(None)
    return connection


def ask(connection: socket.socket, operation: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Have a running Siyu carry out an operation; yields the messages of the protocol. Raises StoreUnavailable when it went away."""
    with connection, connection.makefile("rwb") as stream:
        stream.write(msgspec.json.encode({"operation": operation, "arguments": dict(arguments)}) + b"\n")
        stream.flush()
        ended = False
        for line in stream:
            message = msgspec.json.decode(line)
            ended = "exit" in message
            yield message
        if not ended:
            raise StoreUnavailable("Siyu stopped while it answered: try again")
