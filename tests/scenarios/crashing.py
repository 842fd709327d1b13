"""A Siyu that dies at a named point: the same parts, joined by the same composition root, with a fuse between them.

``crashing:main`` takes what ``siyu run`` takes, and ``--at POINT`` where it shall die (SIGKILL to itself: nothing is flushed, closed or
answered) or, with ``--stop``, stand still (SIGSTOP), ``--passing TIMES``, how often it passes that point before, ``--ahead SECONDS``, by
which its clock is ahead, so that a test need not wait for a lease to end, and ``--proof SECONDS``, after which WeChat's silence proves a
passive reply.
"""

import argparse
import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send

from bot import logs, matching, run_line
from bot.app import Binding
from bot.bootstrap import configured, desk_of, open_account, open_app, open_house, prepare
from bot.house import House, utc_now
from bot.settings import accounts_of, environment, load
from channels.channel import Adapter, Buttons, Limits, MediaSource, Menus, SourceCodes
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.identity import WECHAT_CHANNEL
from channels.wechat.limits import PROOF_S
from channels.wechat.replies import Timing
from channels.wechat.settings import read_settings
from domain.campaigns.events import (
    CampaignFinished,
    RunAdvanced,
    RunCleared,
    RunPlanned,
    RunSampled,
    RunStarted,
)
from domain.conversations.events import INBOUND_EVENTS
from domain.deliveries.events import DeliveryAccepted, DeliveryPlanned, DeliveryStarted, DeliveryUnknown
from domain.errors import OutcomeUnknown
from domain.identity import Account, Channel, ProviderMessageId, StreamId
from domain.message import Recorded
from domain.ports.event_log import Append, EventLog, LogIdentity, Outcome
from domain.ports.messenger import Messenger, Outbound
from domain.ports.profiles import Profiles
from domain.ports.recalls import Recalls
from domain.ports.tag_mirror import TagMirror
from projections.engine import Projector
from projections.registry import projections

MOMENTS: dict[type, str] = {
    **{kind: "commit" for _, kind in INBOUND_EVENTS},
    DeliveryPlanned: "plan",
    DeliveryStarted: "claim",
    DeliveryUnknown: "unproven",
    DeliveryAccepted: "record",
    RunStarted: "begin",
    RunAdvanced: "chunk",
    RunSampled: "sample",
    RunCleared: "clear",
    RunPlanned: "planned",
    CampaignFinished: "finish",
}
"""What is being appended when a message of that event's moment passes."""
POINTS = (
    "receive",  # the request is here, its body is not
    "verify",  # the body is here, and about to be judged
    "commit-before",
    "commit-after",
    "answer-before",  # 200 is about to be said
    "answer-after",
    "project-before",
    "project-after",
    "plan-before",  # decided
    "plan-after",
    "claim-before",
    "claim-after",
    "send-before",
    "send-after",
    "put",  # a passive reply lies in the request, which is not answered yet
    "unproven-before",  # it is answered, or about to be, and nothing is proven
    "unproven-after",
    "record-before",
    "record-after",
)
OF_A_CAMPAIGN = (
    "begin-before",  # its run is about to be begun
    "begin-after",
    "chunk-before",  # the next recipients are read, none of them has a delivery
    "chunk-after",
    "sample-before",  # those who go first have their deliveries
    "sample-after",
    "clear-before",  # they fared well
    "clear-after",
    "planned-before",  # everybody has their delivery
    "planned-after",
    "finish-before",
    "finish-after",
)
"""Points that only a campaign passes."""


@dataclass(slots=True)
class Fuse:
    """Burns through at one point. ``passing``: how often it is passed by before that. ``passed``: points that were passed by."""

    at: str | None
    passing: int = 0
    signal: int = signal.SIGKILL
    passed: Counter[str] = field(default_factory=Counter)

    def reach(self, point: str) -> None:
        """End this process here, if this is the point."""
        assert point in {*POINTS, *OF_A_CAMPAIGN}, point
        if point == self.at and self.passed[point] == self.passing:
            self.at = None
            os.kill(os.getpid(), self.signal)
        self.passed[point] += 1


@dataclass(frozen=True, slots=True)
class FusedLog:
    """domain.ports.event_log.EventLog over another one."""

    log: EventLog
    fuse: Fuse

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        moments = {MOMENTS.get(type(new.event)) for unit in units for w in unit.writes for new in w.events}
        for moment in filter(None, moments):
            self.fuse.reach(f"{moment}-before")
        outcomes = self.log.append(units)
        for moment in filter(None, moments):
            self.fuse.reach(f"{moment}-after")
        return outcomes

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        return self.log.read_stream(stream, after)

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        return self.log.read_streams(streams)

    def recent(self, after: int, limit: int) -> list[Recorded] | None:
        return self.log.recent(after, limit)

    def read(self, after: int, limit: int) -> list[Recorded]:
        return self.log.read(after, limit)

    def head(self) -> int:
        return self.log.head()

    def identity(self) -> LogIdentity:
        return self.log.identity()

    def progress(self, name: str) -> int | None:
        return self.log.progress(name)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self.log.subscribe(wake)

    def close(self) -> None:
        self.log.close()


class FusedProjector(Projector):
    """Reaches its points once a message was committed: before that, it only catches up."""

    fuse: Fuse

    def step(self, until: int | None = None) -> int:
        if "commit-after" not in self.fuse.passed:
            return super().step(until)
        self.fuse.reach("project-before")
        stepped = super().step(until)
        if stepped:
            self.fuse.reach("project-after")
        return stepped


@dataclass(frozen=True, slots=True)
class FusedMessenger:
    """domain.ports.messenger.Messenger over another one."""

    messenger: Messenger
    fuse: Fuse

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        self.fuse.reach("send-before")
        try:
            sent = await self.messenger.send(outbound)
        except OutcomeUnknown as unknown:
            if unknown.proof_follows:
                self.fuse.reach("put")
            raise
        self.fuse.reach("send-after")
        return sent


class FusedRoute(BaseRoute):
    """A channel's route; on its way in and out there are points."""

    def __init__(self, route: BaseRoute, fuse: Fuse) -> None:
        self._route, self._fuse = route, fuse

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self._route.matches(scope)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        return self._route.url_path_for(name, **path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                self._fuse.reach("verify")
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._fuse.reach("answer-before")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._fuse.reach("answer-after")

        if scope["type"] == "http":
            self._fuse.reach("receive")
        await self._route.handle(scope, received, said)


class FusedAdapter:
    """channels.channel.Adapter over another one."""

    def __init__(self, adapter: Adapter, fuse: Fuse) -> None:
        self.channel: Channel = adapter.channel
        self.account: Account = adapter.account
        self.limits: Limits = adapter.limits
        self.messenger: Messenger = FusedMessenger(adapter.messenger, fuse)
        self.media: MediaSource | None = adapter.media
        self.menus: Menus | None = adapter.menus
        self.tags: TagMirror | None = adapter.tags
        self.codes: SourceCodes | None = adapter.codes
        self.buttons: Buttons | None = adapter.buttons
        self.profiles: Profiles | None = adapter.profiles
        self.recalls: Recalls | None = adapter.recalls
        self._adapter, self._fuse = adapter, fuse

    def routes(self) -> Sequence[BaseRoute]:
        return [FusedRoute(route, self._fuse) for route in self._adapter.routes()]

    async def start(self) -> None:
        await self._adapter.start()

    async def stop(self) -> None:
        await self._adapter.stop()


def opened(house: House, proof_s: float) -> Iterator[Adapter]:
    """Every account that is configured. ``proof_s``: how long WeChat must be silent after a passive reply."""
    for channel, name in configured(house):
        if channel == WECHAT_CHANNEL:
            settings = read_settings(name, accounts_of(channel, house.variables)[name])
            yield WeChatAdapter(name, settings, desk_of(house), timing=Timing(proof_s=proof_s))
        else:
            yield open_account(house, channel, name)


def main(arguments: Sequence[str]) -> int:
    """Run, as ``siyu run`` does, up to the point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--at", choices=[*POINTS, *OF_A_CAMPAIGN])
    parser.add_argument("--passing", type=int, default=0)
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--ahead", type=float, default=0.0)
    parser.add_argument("--proof", type=float, default=PROOF_S)
    asked = parser.parse_args(arguments)
    fuse = Fuse(asked.at, asked.passing, signal.SIGSTOP if asked.stop else signal.SIGKILL)
    ahead = timedelta(seconds=asked.ahead)
    logs.configure([], pretty=False)
    variables = environment()
    settings = load(variables)
    house = open_house(settings, variables, lambda: utc_now() + ahead, lambda log: FusedLog(log, fuse))
    house.projector = FusedProjector(house.views, house.log, projections(matching.matches))
    house.projector.fuse = fuse
    try:
        prepare(house)
        adapters = [FusedAdapter(adapter, fuse) for adapter in opened(house, asked.proof)]
        asyncio.run(run_line.serve(open_app(house, Binding("127.0.0.1", asked.port), adapters)))
    finally:
        house.close()
    return 0
