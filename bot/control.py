"""The command line's way into a running Siyu: a socket in the data folder, mode 0600, one request a connection.

Request and answer are JSON Lines: ``{"operation": NAME, "arguments": {...}}``, then ``{"line": TEXT}`` as often as there is something to
say, then ``{"exit": CODE}``; an error is ``{"error": TEXT, "exit": CODE}``. The same operations run without a server when none runs.
"""

import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import BadSettings, StoreUnavailable

LONGEST_SOCKET_PATH = 95
"""Bytes; longer ones the system refuses (findings.md, "Small traps")."""
CONNECT_TIMEOUT_S = 5.0
ASKED = 3
"""How an operation ends that wants to be asked for again with a yes; the command line itself exits with 2 then."""


def socket_path(data: Path, temporary: Path | None = None) -> Path:
    """Return where the socket of a data folder lies: in it, or for long paths under a hashed name in the temporary folder.

    ``temporary``: the system's where none is given. Raises BadSettings where others may enter what lies there.
    """
    path = data.resolve() / "siyu.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = (temporary or Path(tempfile.gettempdir())) / f"siyu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise BadSettings("{folder} must belong to you alone (mode 0700)", folder=folder)
    return folder / f"{digest}.sock"


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


def ask(
    connection: socket.socket, operation: str, arguments: Mapping[str, Any], locale: str | None = None
) -> Iterator[dict[str, Any]]:
    """Have a running Siyu carry out an operation and tell of it in a language; yields the messages of the protocol.

    Raises StoreUnavailable when it went away.
    """
    with connection, connection.makefile("rwb") as stream:
        request = {"operation": operation, "arguments": dict(arguments), "locale": locale}
        stream.write(msgspec.json.encode(request) + b"\n")
        stream.flush()
        ended = False
        for line in stream:
            message = msgspec.json.decode(line)
            ended = "exit" in message
            yield message
        if not ended:
            raise StoreUnavailable("Siyu stopped while it answered: try again")
