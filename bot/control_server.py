"""The server's side of bot/control.py: carries out operations that the command line asks for."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import structlog

from bot.control import running, socket_path
from bot.house import House
from bot.operations.registry import OPERATIONS
from bot.operations.said import Exit, Operation
from bot.texts import told
from domain.errors import BadSettings, Rejected, SiyuError
from domain.identity import Locale

LINES_AT_ONCE = 200
TOLD_EVERY_S = 0.2
MAX_REQUEST_BYTES = 1024 * 1024

log_ = structlog.get_logger(__name__)


class _Request(msgspec.Struct):
    operation: str
    arguments: dict[str, Any]
    locale: str | None = None


class ControlServer:
    """Answers the command line."""

    def __init__(self, house: House, further: Mapping[str, Operation] = MappingProxyType({})) -> None:
        """``further``: operations besides those of every installation, which only a running one has."""
        self._house, self._further = house, further
        self._path = socket_path(house.settings.data)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, and replace what a killed process left there.

        Where another Siyu of this folder answers already, leave it to that one (on PostgreSQL several may share a folder).
        """
        other = await asyncio.to_thread(running, self._house.settings.data)
        if other is not None:
            other.close()
            return
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
            lines = await self._lines(reader)
            while part := await asyncio.to_thread(_some, lines):
                writer.write(b"".join(msgspec.json.encode(line) + b"\n" for line in part))
                await writer.drain()
        except ConnectionError:
            log_.info("control.client_gone")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _lines(self, reader: asyncio.StreamReader) -> Iterator[dict[str, Any]]:
        try:
            request = msgspec.json.decode(await reader.readline(), type=_Request)
        except (msgspec.MsgspecError, ValueError):  # ValueError: no end within MAX_REQUEST_BYTES
            log_.warning("control.bad_request")
            return iter([{"error": "this is no request of the command line", "exit": 2}])
        locale = None if request.locale is None else Locale(request.locale)
        return perform(self._house, request.operation, request.arguments, locale, self._further)


def _some(lines: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take what comes within a moment, so that progress is seen while it is made. Empty at the end."""
    part: list[dict[str, Any]] = []
    until = time.monotonic() + TOLD_EVERY_S
    for line in lines:
        part.append(line)
        if len(part) == LINES_AT_ONCE or time.monotonic() > until:
            break
    return part


def perform(
    house: House,
    operation: str,
    arguments: Mapping[str, Any],
    locale: Locale | None = None,
    further: Mapping[str, Operation] = MappingProxyType({}),
) -> Iterator[dict[str, Any]]:
    """Carry out an operation, as the messages of the protocol, in a language. Never raises what Siyu anticipates."""
    code = 0
    carry_out = OPERATIONS.get(operation) or further.get(operation)
    if carry_out is None:
        other = told(
            "the Siyu that runs knows no {operation}: is it of another version?", operation=operation
        )
        yield {"error": house.texts.shown(other, locale), "exit": 2}
        return
    try:
        for said in carry_out(house, **arguments):
            if isinstance(said, Exit):
                code = said.code
            else:
                yield {"line": house.texts.shown(said, locale)}
    except (Rejected, BadSettings) as error:
        yield {"error": house.texts.told(error, locale), "exit": 2}
        return
    except SiyuError as error:
        yield {"error": house.texts.told(error, locale), "exit": 1}
        return
    except Exception:
        log_.exception("control.bug", operation=operation)
        bug = told("an internal error: the server's log says more")
        yield {"error": house.texts.shown(bug, locale), "exit": 1}
        return
    yield {"exit": code}
