"""One process of Siyu inside a simulation: the parts as bot/bootstrap.py joins them, driven as bot/app.py drives them.

Everything that decides, reads, sends and answers is the real thing. Missing are only what has sockets (the web server, the channels' SDKs)
and the thread of the writer, whose group commit is a step of the loop here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar

from bot import matching, rendering
from bot.app import VIEWS_BREATH_S
from bot.commands.line import is_command
from bot.driving import BREATH_S, Driver
from bot.phones import dialling
from bot.snapshots import SqlSnapshots
from bot.texts import Texts
from domain.conversations.commands import Receive
from domain.decider import Process
from domain.deliveries.commands import ConfirmDelivery
from domain.deliveries.events import Confirmation
from domain.dispatch import Dispatcher, Done, Failed, Registry, Request, Result
from domain.errors import Overloaded, SiyuError, StoreUnavailable
from domain.identity import Account, Channel, DeliveryId, KeyedHash, Slug
from domain.message import Command, Context, Recorded
from domain.policies.may_contact import Controls
from domain.policies.stop_words import StopWords
from domain.ports.messenger import Messenger
from domain.processes.registry import Outside, processes
from domain.registry import registry
from projections.projection import Projection
from projections.registry import projections
from scheduler.campaigns import CampaignFanOut, CampaignSources
from scheduler.delivery import Clocks, Courier, Post, Sources
from scheduler.fan_out import FanOut
from scheduler.follower import Follower
from scheduler.letters import Letters
from scheduler.pacing import Pacer, Rates
from scheduler.process_runner import ProcessRunner
from scheduler.ticks import Ticks
from tests.simulation.stores import Disk, ReachedLog

T = TypeVar("T")
POLL_S = 1_800.0
"""Of what a wake-up tells anyway: in a simulation nobody is forgotten by a thread, and days are to pass quickly."""
LOOKS_EVERY_S = 1_200.0
"""At what falls due by the clock, at the latest: the wall clock may jump."""
CAMPAIGNS_EVERY_S = 300.0
PACING_SAVED_EVERY_S = 5.0
COMMIT_TAKES_S = (0.0, 0.004)
NEVER = datetime.max.replace(tzinfo=UTC)
DIGEST = KeyedHash(b"the secret of the simulation")
PROCESS: "ContextVar[Siyu | None]" = ContextVar("process", default=None)
"""Whose code is running; None: the world's."""


class Gone(Exception):
    """The process was killed while somebody waited for it."""


class World(Protocol):
    """What a process finds around it."""

    disk: Disk
    texts: Texts
    controls: Controls
    brand: str
    silence: timedelta
    agenda_changes: int
    """How often something was appended that may have become due."""
    recurrences: int
    """The same, of broadcasts and of what recurs."""

    def wall(self) -> datetime: ...
    def takes_s(self, span: tuple[float, float]) -> float: ...
    def fresh(self) -> str: ...
    def reached(self) -> ReachedLog: ...
    def ways_out(self, process: "Siyu") -> dict[tuple[Channel, Account], tuple[Messenger, Rates]]: ...


@cache
def reactions(silence: timedelta) -> tuple[Process, ...]:
    """All processes, joined once: they keep nothing."""
    outside = Outside(
        say=Texts("en").say,
        matches=matching.matches,
        is_command=lambda text: is_command(text, bound=False),
        words=StopWords.of(),
        silence=silence,
        implied_consent=True,
        dialled=dialling("cn"),
    )
    return processes(outside)


@cache
def decides(silence: timedelta) -> Registry:
    """What the dispatcher decides with."""
    return registry(reactions(silence))


@cache
def views() -> tuple[Projection, ...]:
    """Every view there is."""
    return projections(matching.matches)


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answer: "asyncio.Future[Result]"


class Siyu:
    """One process, from its start until it is killed. ``worker``: names it in the log."""

    def __init__(self, world: World, worker: str) -> None:
        self.world, self.worker, self.dead = world, worker, False
        self.tasks: list[asyncio.Task[Any]] = []
        self._context = copy_context()
        self._context.run(PROCESS.set, self)
        self._running: list[asyncio.Task[None]] = []
        self._queue: list[_Waiting] = []
        self._committing = False
        disk = world.disk
        self.log = world.reached()
        known = decides(world.silence)
        self.snapshots = disk.reads.snapshots(self.log)
        self.dispatcher = Dispatcher(self.log, disk.identities, known, DIGEST, world.fresh, self.snapshots)
        self._project = disk.reads.begin(self.log)
        self._agenda, audience = disk.reads.agenda, disk.reads.audience
        loop = asyncio.get_running_loop()
        self.courier = Courier(
            Sources(self._agenda, audience, Letters(self.log), disk.identities),
            self.submit,
            {key: Post(way, Pacer(rates)) for key, (way, rates) in world.ways_out(self).items()},
            world.controls,
            rendering.render,
            Clocks(world.wall, loop.time),
            Slug(worker),
        )
        self._load_pacing()
        self._fan_out = FanOut(self._agenda, audience, self.log, self.submit, DIGEST, world.wall)
        sources = CampaignSources(self._agenda, audience, disk.reads.canaries, self.log)
        self._campaigns = CampaignFanOut(sources, self.submit, DIGEST, world.wall)
        self._ticks = Ticks(self._agenda, self.submit, world.wall)
        self._runners = [
            ProcessRunner(process, self._follower(process.name), self._park)
            for process in reactions(world.silence)
            if not process.immediate
        ]
        self._drivers = self._driven()
        self._seen = (-1, -1)
        self._synced, self._rings_at = -1, NEVER

    def _driven(self) -> list[Driver]:
        pacing = Driver("pacing", self._save_pacing, poll_s=POLL_S)
        self.courier.frozen = pacing.wake
        courier = Driver("courier", self.courier.step, breath_s=0.0, poll_s=LOOKS_EVERY_S)
        self.courier.changed = courier.wake
        return [
            Driver("views", self._step_views, VIEWS_BREATH_S, poll_s=POLL_S),
            courier,
            Driver("fan-out", self._step_fan_out, poll_s=LOOKS_EVERY_S),
            *(Driver(runner.process.name, _until_done(runner), poll_s=POLL_S) for runner in self._runners),
            pacing,
        ]

    def _follower(self, name: str) -> Follower:
        return Follower(name, self.log, self.submit, self.world.wall)

    def _park(self, process: str, recorded: Recorded, error: Exception) -> None:
        self.world.disk.parked.append(f"{process} at {recorded.position}: {error!r}")

    # Its life

    def start(self) -> None:
        """Begin to work."""
        self._unsubscribe = self.log.subscribe(self._wake_followers)
        for driver in self._drivers:
            self._running.append(self.begin(driver.run()))

    def kill(self) -> None:
        """End as a power failure does: nothing it still does reaches a store, a provider or anybody."""
        self.dead = True
        self._unsubscribe()
        for waiting in self._queue:
            waiting.answer.cancel()
        for task in self.tasks:
            task.cancel()

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Let it do something; that ends when it is killed."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    async def serve(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it do something for somebody outside, and wait for it. Raises Gone."""
        if self.dead:
            work.close()
            raise Gone
        task = self.begin(work)
        try:
            return await task
        except asyncio.CancelledError:
            if self.dead:
                raise Gone from None
            raise

    def _wake_followers(self) -> None:
        for driver in self._drivers:
            if driver.name not in {"courier", "fan-out", "pacing"}:
                driver.wake.set()

    # The writer: what queued up during the last commit is the next batch

    async def submit(self, request: Request) -> Result:
        """See bot.eventlog.writer.Writer."""
        loop = asyncio.get_running_loop()
        if self.dead:
            raise asyncio.CancelledError
        answer: asyncio.Future[Result] = loop.create_future()
        self._queue.append(_Waiting(request, answer))
        if not self._committing:
            self._committing = True
            loop.call_later(self.world.takes_s(COMMIT_TAKES_S), self._commit)
        return await answer

    def _commit(self) -> None:
        if self.dead:
            return
        batch, self._queue = self._queue, []
        answers = self._decide([waiting.request for waiting in batch])
        loop = asyncio.get_running_loop()
        loop.call_later(self.world.takes_s(COMMIT_TAKES_S), self._answer, batch, answers)

    def _answer(self, batch: Sequence[_Waiting], answers: Sequence[Result | Exception]) -> None:
        self._committing = False
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting.answer.done():
                continue
            if self.dead:
                waiting.answer.cancel()
            elif isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
        if self._queue and not self.dead:
            self._committing = True
            asyncio.get_running_loop().call_later(self.world.takes_s(COMMIT_TAKES_S), self._commit)

    def _decide(self, requests: Sequence[Request]) -> Sequence[Result | Exception]:
        try:
            return self.dispatcher.step(requests)
        except StoreUnavailable as error:
            return [type(error)(*error.args) for _ in requests]
        except Exception as error:  # noqa: BLE001  # as the writer: a bug in one request reaches its caller, and nobody else
            if len(requests) > 1:
                return [answer for request in requests for answer in self._decide([request])]
            return [Failed(error) if isinstance(error, SiyuError) else error]

    # Its steps

    async def _step_views(self) -> float | None:
        seen = (self.world.agenda_changes, self.world.recurrences)
        stepped = await asyncio.to_thread(self._project)
        for driver, now, before in zip(self._drivers[1:3], seen, self._seen, strict=True):
            if now != before:
                driver.wake.set()
        self._seen = seen
        if stepped:
            return 0.0
        if isinstance(self.snapshots, SqlSnapshots):
            await asyncio.to_thread(self.snapshots.flush)
        return None

    async def _step_fan_out(self) -> float | None:
        now = self.world.wall()
        if self._synced != self.world.recurrences or now >= self._rings_at:
            self._synced = self.world.recurrences
            await self._ticks.sync()
            self._rings_at = min(self._ticks.armed.values(), default=NEVER)
        if await self._fan_out.step() + await self._campaigns.step():
            return 0.0
        due = [moment for moment in (self._agenda.next_moment(now), self._rings_at) if moment]
        look_s = CAMPAIGNS_EVERY_S if self._agenda.campaigns() else LOOKS_EVERY_S
        return min(look_s, max(0.001, (min(due) - now).total_seconds()))

    def _load_pacing(self) -> None:
        now, wall = asyncio.get_running_loop().time(), self.world.wall().timestamp()
        for (channel, account), post in self.courier.posts.items():
            left = self.world.disk.pacing.get(f"{channel}:{account}")
            if left is not None:
                post.pacer.load(left, now, wall)

    async def _save_pacing(self) -> float | None:
        now, wall = asyncio.get_running_loop().time(), self.world.wall().timestamp()
        spent = False
        for (channel, account), post in self.courier.posts.items():
            if post.pacer.spent(now):
                spent = True
                self.world.disk.pacing[f"{channel}:{account}"] = post.pacer.dump(now, wall)
        return PACING_SAVED_EVERY_S if spent else None

    # What others ask of it

    def _now(self, actor: str, occurred_at: datetime | None = None) -> Context:
        now = self.world.wall()
        return Context(actor=Slug(actor), occurred_at=occurred_at or now, now=now)

    async def take(self, receive: Receive) -> None:
        """Make durable what came in: after this the provider is told 200. Raises what kept it from being done."""
        _done(await self.submit(Request(self._now("customer", receive.occurred_at), (receive,))))

    async def confirm(self, delivery: DeliveryId, how: Confirmation) -> None:
        """Take in a receipt."""
        seen = ConfirmDelivery(delivery=delivery, how=how)
        _done(await self.submit(Request(self._now("customer"), (seen,))))

    async def do(self, commands: Sequence[Command]) -> Done:
        """Carry out what an operator ordered, in one append. Raises Rejected, and whatever else kept it from being done."""
        return _done(await self.submit(Request(self._now("operator-cli"), tuple(commands))))


def _until_done(runner: ProcessRunner) -> Callable[[], Awaitable[float | None]]:
    async def step() -> float | None:
        return 0.0 if await runner.step() else None

    return step


def _done(result: Result) -> Done:
    if isinstance(result, Failed):
        raise result.error
    return result


AGAIN = (StoreUnavailable, Overloaded, Gone)
"""What a provider or an operator meets who then comes again."""
__all__ = ["AGAIN", "BREATH_S", "PROCESS", "Gone", "Siyu", "views"]
