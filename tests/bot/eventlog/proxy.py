"""A TCP proxy on loopback in front of PostgreSQL's socket, which breaks connections when it is told to."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from enum import Enum

from psycopg.conninfo import conninfo_to_dict

CHUNK = 65_536
PORT = 5432
COMMIT = b"COMMIT\0"
"""In both directions: the client's statement, and the server's tag once it is done. (BEGIN says READ COMMITTED.)"""


class Cut(Enum):
    """Where a connection breaks, at the first COMMIT that passes."""

    BEFORE_COMMIT = "the server never hears of it"
    AFTER_COMMIT = "the server is still at it"
    BEFORE_ANSWER = "the server has answered, and nobody hears it"


class Proxy:
    """Forwards until ``cut`` or ``refuse``."""

    def __init__(self, url: str) -> None:
        where = conninfo_to_dict(url)
        self._server_path = f"{where['host']}/.s.PGSQL.{where.get('port') or PORT}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.url = f"postgresql://{where['user']}@127.0.0.1:{self._port}/{where['dbname']}"
        self._armed: Cut | None = None
        self.cuts = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, where: Cut) -> None:
        """Break the connection of the next COMMIT, there."""
        self._armed = where

    def refuse(self) -> None:
        """Break every connection, and take no new one."""
        self._refusing = True
        for pair in self._pairs:
            _break(*pair)

    def admit(self) -> None:
        """Take connections again."""
        self._refusing = False

    def close(self) -> None:
        """End."""
        self.refuse()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refusing:
                    _break(client)
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_path)
                self._pairs.append((client, server))
                muted = threading.Event()
                for forward in (self._to_server, self._to_client):
                    threading.Thread(target=forward, args=(client, server, muted), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                armed = self._armed if COMMIT in data else None
                if armed is not None:
                    self._armed, self.cuts = None, self.cuts + 1
                if armed is Cut.BEFORE_COMMIT:
                    break
                if armed is Cut.BEFORE_ANSWER:
                    muted.set()
                server.sendall(data)
                if armed is Cut.AFTER_COMMIT:
                    break
        _break(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                if not muted.is_set():
                    client.sendall(data)
                elif COMMIT in data:
                    break
        _break(client, server)


def _break(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextlib.contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
