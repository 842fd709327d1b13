"""The least that is honest: a raw ASGI app whose one thread inserts what queued up, commits (synchronous=FULL), and then lets 200 be said.

``raw_asgi.py PORT SECRET FILE``. No parsing but JSON's, no keys, no encryption, one table.
"""

import asyncio
import json
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import uvicorn

BATCH = 200
Row = tuple[int, int, bytes]
Waiting = tuple[Row, "asyncio.Future[None]"]
Message = MutableMapping[str, Any]
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"0")]


class Store:
    """A thread that commits groups."""

    def __init__(self, file: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._file, self._loop = file, loop
        self._queue: SimpleQueue[Waiting] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    async def put(self, row: Row) -> None:
        """Return when it is durable."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((row, done))
        await done

    def _run(self) -> None:
        connection = sqlite3.connect(self._file, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, chat INTEGER, body BLOB)"
        )
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except Empty:
                    break
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO messages VALUES (?, ?, ?)", [row for row, _ in batch]
            )
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_settle, [done for _, done in batch])


def _settle(waiting: "list[asyncio.Future[None]]") -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


class App:
    """POST an update."""

    def __init__(self, secret: bytes, file: Path) -> None:
        self._secret, self._file = secret, file
        self._store: Store | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if self._store is None:
            self._store = Store(self._file, asyncio.get_running_loop())
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status = 403
        if dict(scope["headers"]).get(b"x-telegram-bot-api-secret-token") == self._secret:
            update = json.loads(body)
            await self._store.put((update["update_id"], update["message"]["chat"]["id"], body))
            status = 200
        await send({"type": "http.response.start", "status": status, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b""})


def main(port: int, secret: str, file: Path) -> None:
    """Serve until killed."""
    app = App(secret.encode(), file)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
