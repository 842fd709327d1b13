"""Real brokers on loopback: Debian's NATS server and RabbitMQ, each with a folder and ports of its own."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import nats
from nats.js.api import DeliverPolicy

from bot.relay.broker import Broker
from bot.relay.jetstream import JetStream
from bot.relay.rabbitmq import RabbitMq
from bot.relay.settings import RelaySettings, relay_of
from tests.scenarios.installation import free_port

READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05
DEADLINE_S = 60.0
PASSWORD = "canary-of-the-broker"
"""RabbitMQ lets its user ``guest`` in from loopback only, which is all that is wanted here."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as a reader finds it."""

    id: str
    subject: str
    position: int
    content_type: str
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Server(ABC):
    """A broker's process, leader of its own group; what it kept outlives it. ``wrong_url``: with a password that is not its own."""

    PROGRAM: str
    PACKAGE: str
    SETTLES_S = 0.0
    """After which it finds again what was made, also where it is killed."""
    url: str
    wrong_url: str

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def arguments(self) -> list[str]: ...

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)}

    def program(self) -> str:
        found = shutil.which(self.PROGRAM)
        assert found, f"{self.PROGRAM} is missing: apt-get install --no-install-recommends {self.PACKAGE}"
        return found

    def start(self) -> None:
        self.kill()
        program = self.program()
        with (self.folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(
                [program, *self.arguments()],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        process = self._process

        def ready() -> bool:
            assert process.poll() is None, (self.folder / "out.log").read_text("utf8", "replace")
            return self.ready()

        wait_for(ready, self.PROGRAM)

    def ready(self) -> bool:
        return answers(self.port)

    def freeze(self) -> None:
        """Let it answer nothing any more, with its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def end(self) -> None:
        self.kill()

    @abstractmethod
    def broker(self, settings: RelaySettings) -> Broker: ...

    @abstractmethod
    async def kept(self, subject: str, last: int) -> list[Kept]:
        """All that it keeps, up to the first message of this position: waits for it."""


class NatsServer(Server):
    PROGRAM, PACKAGE = "nats-server", "nats-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"nats://siyu:{PASSWORD}@127.0.0.1:{self.port}"
        self.wrong_url = f"nats://siyu:wrong@127.0.0.1:{self.port}"

    def arguments(self) -> list[str]:
        store, address = str(self.folder / "store"), ("-a", "127.0.0.1", "-p", str(self.port))
        return ["-js", "-sd", store, "--user", "siyu", "--pass", PASSWORD, *address]

    def broker(self, settings: RelaySettings) -> Broker:
        return JetStream(settings)

    async def kept(self, subject: str, last: int) -> list[Kept]:
        client = await nats.connect(self.url)
        try:
            subscription = await client.jetstream().subscribe(
                f"{subject}.>", ordered_consumer=True, deliver_policy=DeliverPolicy.ALL
            )
            return await until_last(self._read(subscription), last)
        finally:
            await client.close()

    async def _read(self, subscription: Any) -> AsyncGenerator[Kept]:  # noqa: ANN401  # nats-py's
        while True:
            message = await subscription.next_msg(timeout=DEADLINE_S)
            headers = message.headers
            yield Kept(
                id=headers["Nats-Msg-Id"],
                subject=message.subject,
                position=int(headers["position"]),
                content_type=headers["content-type"],
                body=message.data,
            )


class RabbitServer(Server):
    SETTLES_S = 6.0  # the names of new queues reach the disk every 5 s (Ra's directory, seen with 3.10.8)
    PROGRAM, PACKAGE = (
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        "rabbitmq-server",
    )  # the one on PATH wants its own user

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self.wrong_url = f"amqp://guest:wrong@127.0.0.1:{self.port}/"
        self._names_port, self._nodes_port = free_port(), free_port()
        self._names: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        return []

    def ready(self) -> bool:
        """It listens before it lets anybody in."""
        said = (self.folder / "out.log").read_bytes()
        return said.count(b"completed with") == said.count(b"Starting broker") > self._starts

    def start(self) -> None:
        self.program()
        if self._names is None:  # Erlang's name server, which would otherwise become a daemon and stay
            self._names = subprocess.Popen(
                ["epmd", "-port", str(self._names_port), "-address", "127.0.0.1"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for(lambda: answers(self._names_port), "epmd")
        log = self.folder / "out.log"
        self._starts = log.read_bytes().count(b"completed with") if log.exists() else 0
        super().start()

    def environment(self) -> dict[str, str]:
        config = self.folder / "rabbitmq.conf"
        config.write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n", "utf8")
        return {
            **super().environment(),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_NODENAME": "siyu@localhost",
            "RABBITMQ_DIST_PORT": str(self._nodes_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "store"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def end(self) -> None:
        super().end()
        if self._names is not None:
            self._names.kill()
            self._names.wait()

    def broker(self, settings: RelaySettings) -> Broker:
        return RabbitMq(settings)

    async def kept(self, subject: str, last: int) -> list[Kept]:
        async with await aio_pika.connect(self.url) as connection, connection.channel() as channel:
            await channel.set_qos(prefetch_count=500)  # a stream is not read without
            queue = await channel.get_queue(subject, ensure=False)
            found: asyncio.Queue[Kept] = asyncio.Queue()

            async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
                position = message.headers["position"]
                assert isinstance(position, int)
                await found.put(
                    Kept(
                        id=message.message_id or "",
                        subject=f"{message.exchange}.{message.routing_key}",
                        position=position,
                        content_type=message.content_type or "",
                        body=message.body,
                    )
                )
                await message.ack()

            await queue.consume(keep, arguments={"x-stream-offset": "first"})
            return await until_last(_from(found), last)


async def _from(found: "asyncio.Queue[Kept]") -> AsyncGenerator[Kept]:
    while True:
        yield await asyncio.wait_for(found.get(), DEADLINE_S)


async def until_last(messages: AsyncGenerator[Kept], last: int) -> list[Kept]:
    kept: list[Kept] = []
    async with aclosing(messages) as reading:
        async for message in reading:
            kept.append(message)
            if message.position == last:
                break
    return kept


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(ready: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + READY_WITHIN_S
    while not ready():
        assert time.monotonic() < ends, f"{what} is not ready"
        time.sleep(LOOK_EVERY_S)


def relayed_to(url: str, subject: str = "siyu", **more: str) -> RelaySettings:
    said = {"URL": url, "SUBJECT": subject, **more}
    settings = relay_of({f"SIYU_RELAY__{name}": value for name, value in said.items()})
    assert settings is not None
    return settings


@contextmanager
def serving(kind: Callable[[Path], Server], folder: Path) -> Iterator[Server]:
    server = kind(folder)
    server.start()
    try:
        yield server
    finally:
        server.end()
