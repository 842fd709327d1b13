"""Siyu at work: the threads and tasks that drive the parts, and the web server."""

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.types import ASGIApp

from bot import forgetting
from bot.accounts import Accounts, asks, post_of
from bot.connect import Connecting
from bot.control_server import ControlServer
from bot.driving import Driver, boottime
from bot.errands import Errands, at_work
from bot.house import House
from bot.media.fetching import Fetcher
from bot.media.uploads import sweep_media
from bot.operations.said import Exit
from bot.operations.team import add_operator, team
from bot.pacing import SAVED_EVERY_S, SAVED_TOGETHER_EVERY_S, PacingNotes
from bot.parts import Part, Parts
from bot.reading import Reading
from bot.roles import ProcessRole
from bot.sharing import Sharing
from channels.channel import Adapter
from channels.webhook import webhooks_first
from domain.errors import Overloaded, Rejected, StoreUnavailable
from domain.identity import Locale, Slug
from domain.operators.events import Role
from projections.engine import BATCH
from scheduler.delivery import Clocks, Courier, Sources
from scheduler.ticks import Ticks

if TYPE_CHECKING:  # it brings PostgreSQL's driver along
    from bot.together import Together

VIEWS_BREATH_S = 0.03
BREATH_EACH_S, BREATH_EACH_ON_POSTGRES_S = 0.00012, 0.0008
"""For each event a second: many at once cost the views less an event, but whoever writes while they are at it waits (docs/adr/0020). On
PostgreSQL a step asks the server dozens of times."""
BUSY_VIEWS_BREATH_S, BUSY_ON_POSTGRES_S = 0.2, 0.5
"""At most: a reply waits so long under load."""
CLOCK_STEP_S = 0.001
STOP_WITHIN_S = 10.0
NOT_WOKEN = {
    "courier",
    "duties",
    "fan-out",
    "forgetting",
    "leader",
    "media",
    "menus",
    "profiles",
    "snapshots",
    "tags",
    "ticks",
}
"""By the log: these follow the views, or a clock, and nobody waits for a list of commands, or for what a provider keeps or knows."""
FOLLOW_VIEWS = ("courier", "fan-out", "ticks")
MAX_FRAME_BYTES = 256 * 1024

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the web server listens."""

    host: str
    port: int


class App:
    """One running Siyu."""

    def __init__(
        self,
        house: House,
        accounts: Accounts,
        connecting: Connecting,
        reading: Reading,
        render: Callable[..., str],
        binding: Binding,
        role: ProcessRole = ProcessRole.ALL,
        together: "Together | None" = None,
    ) -> None:
        """``together``: what several processes share the work by; None for one that is alone."""
        self.house, self.accounts, self._binding, self._role = house, accounts, binding, role
        self._connecting = connecting
        self.courier = Courier(
            Sources(reading.agenda, reading.audience, reading.letters, house.vault),
            house.submit,
            {} if together else {(a.channel, a.account): post_of(a) for a in accounts.adapters},
            house.settings.controls,
            render,
            Clocks(house.clock, boottime),
            together.holder if together else Slug(f"w{os.getpid()}"),
        )
        self._notes = PacingNotes(house, self.courier)
        self._notes.load_all()
        accounts.courier = self.courier
        self._fetcher = Fetcher(house, lambda: accounts.adapters)
        self._parts = parts = Parts(house, accounts, reading, self._fetcher)
        self._sharing = (
            Sharing(together, role, house, accounts, parts.lanes, self._notes) if together else None
        )
        leader = self._sharing and self._sharing.leader
        self._ticks = (
            Ticks(reading.agenda, leader.dispatch, house.clock, leader.leads)
            if leader
            else Ticks(reading.agenda, house.submit, house.clock)
        )
        self.drivers = self._driven(parts)
        if courier := self._driver("courier"):
            self.courier.changed = courier.wake
        if leader:
            leader.begun = partial(self._wake, "ticks")
        self.ready = asyncio.Event()
        self._agenda_seen = self._urgent_seen = -1
        self._views_stepped_at = time.monotonic()
        self._views_rest = (
            (BREATH_EACH_ON_POSTGRES_S, BUSY_ON_POSTGRES_S)
            if house.views.is_postgres
            else (BREATH_EACH_S, BUSY_VIEWS_BREATH_S)
        )

    def _driven(self, parts: Parts) -> list[Driver]:
        ours = [
            Part("views", lambda: self._step_views, VIEWS_BREATH_S),
            Part("courier", lambda: self._step_courier, breath_s=0.0, everywhere=True),
            Part("ticks", lambda: self._step_ticks, everywhere=True),
        ]
        if self._sharing is None:
            every = [*ours, *parts.alone()]
        elif self._role.works:
            return self._sharing.drivers([*ours, *parts.together()])
        else:
            every = parts.of_memory()
        return [Driver(part.name, part.make(), part.breath_s, part.poll_s) for part in every]

    def _driver(self, name: str) -> Driver | None:
        return next((driver for driver in self.drivers if driver.name == name), None)

    def _wake(self, *names: str) -> None:
        for driver in self.drivers:
            if driver.name in names:
                driver.wake.set()

    async def _step_views(self) -> float | None:
        changes, urgent = self.house.agenda_changes, self.house.urgent_changes
        stepped = await asyncio.to_thread(self.house.projector.step)
        if urgent != self._urgent_seen:
            self._urgent_seen = urgent
            self.courier.look_again()
        if self._sharing:  # nobody knows what others appended
            if stepped:
                await asyncio.to_thread(self._sharing.ring)
        elif changes != self._agenda_seen:  # most of what comes in makes nothing due
            self._wake(*FOLLOW_VIEWS)
        now = time.monotonic()
        rate, self._views_stepped_at = stepped / max(now - self._views_stepped_at, CLOCK_STEP_S), now
        each_s, most_s = self._views_rest
        busy_s = 0.0 if stepped >= BATCH else rate * each_s  # a full batch means that more is waiting: go on
        if views := self._driver("views"):
            views.breath_s = min(VIEWS_BREATH_S + busy_s, most_s)
        if stepped:
            return 0.0
        self._agenda_seen = changes
        await asyncio.to_thread(self.house.snapshots.flush)
        return None

    async def _step_courier(self) -> float | None:
        """Send what is due over the accounts that are ours. One that is ours no more has to be left first."""
        posts = self.courier.posts
        if self._sharing and not (posts and all(map(self._sharing.owns, posts))):
            return None
        return await self.courier.step()

    async def _step_ticks(self) -> float | None:
        await self._ticks.sync()
        return None

    async def run(self, until: asyncio.Event) -> None:
        """Serve until told to stop; then stop receiving, let what is in the air land, and end."""
        loop = asyncio.get_running_loop()
        if self._sharing:
            await self._parts.begin()
        listening = self._listen()

        def woken() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closing
                loop.call_soon_threadsafe(self._wake_followers)

        def moved() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake, *FOLLOW_VIEWS)

        unsubscribe = self.house.log.subscribe(woken)
        if self._sharing:
            self._sharing.start(moved)
        if self.house.neighbours and self._role.serves:
            self.house.neighbours.start()
        self._ticks.start()
        self._ticks.daily("raw-keys", hour=3, work=self._destroy_old_raw_keys)
        self._ticks.daily("media", hour=4, work=self._sweep_media)
        tasks = [asyncio.create_task(driver.run(), name=driver.name) for driver in self.drivers]
        every_s = SAVED_TOGETHER_EVERY_S if self._sharing else SAVED_EVERY_S
        tasks.append(asyncio.create_task(self._notes.save_often(every_s), name="pacing"))
        if self._role.works:
            tasks.append(asyncio.create_task(self.house.bulk.work(), name="bulk"))
        errands = Errands(at_work(self.accounts.adapter, loop))
        control = ControlServer(self.house, {**self._connecting.operations(), **errands.operations()})
        server = _Server(webhooks_first(self.accounts.web))
        self.house.address = "http://{}:{}".format(*listening.getsockname()[:2])
        self._connecting.begin(loop)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="web")
        try:
            await control.start()
            await self.accounts.start(self._receives)
            gc.collect()
            gc.freeze()  # a full collection over the imported SDKs would pause every answer (libraries.md, "Runtime")
            self.ready.set()
            stopped = asyncio.create_task(until.wait())
            ended, _ = await asyncio.wait({stopped, serving, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            for task in ended:
                task.result()  # one that failed is why it ends, and nobody else would hear of it
        finally:
            server.should_exit = True
            await self._stop(tasks, control)
            await asyncio.wait({serving}, timeout=STOP_WITHIN_S)
            unsubscribe()

    def greeting(self, locale: Locale | None = None) -> list[str]:
        """Return what to tell whoever started us: where to look, and, while nobody owns it, the owner's bind code."""
        texts = self.house.texts
        lines = [texts.say("Siyu runs at {address}", locale).format(address=self.house.address)]
        if not self._role.serves:
            return lines
        lines.append(texts.say("Web chat:   {address}/chat", locale).format(address=self.house.address))
        try:
            if any(m.role is Role.OWNER and m.contacts for m in team(self.house).members.values()):
                return lines
            made = add_operator(self.house, "owner", Role.OWNER)
            lines += [texts.shown(line, locale) for line in made if not isinstance(line, Exit)]
        except Rejected:  # somebody else is called so
            lines.append(texts.say("Nobody owns it yet: siyu operator add NAME --role owner", locale))
        except (StoreUnavailable, Overloaded) as error:
            # It runs all the same, and goes on when the store is back.
            lines.append(texts.told(error, locale))
        link = self._connecting.link()
        lines.append(texts.say("Connect a channel (once, 15 minutes): {link}", locale).format(link=link))
        return lines

    def _receives(self, adapter: Adapter) -> bool:
        """Whether an account receives here, without being asked: all do where nobody else is, else those that listen at an address."""
        return self._sharing is None or (self._role.serves and not asks(adapter))

    def _wake_followers(self) -> None:
        for driver in self.drivers:
            if driver.name not in NOT_WOKEN:
                driver.wake.set()

    def _listen(self) -> socket.socket:
        """Take the port. Raises StoreUnavailable, saying which one is taken."""
        host, port = self._binding.host, self._binding.port
        try:
            return socket.create_server((host, port), reuse_port=False)
        except OSError as error:
            why = (error.strerror or str(error)).partition(" (")[0]  # the address is told already
            raise StoreUnavailable(
                "cannot listen on {host}:{port}: {why}; choose another --port", host=host, port=port, why=why
            ) from error

    async def _stop(self, tasks: "Sequence[asyncio.Task[None]]", control: ControlServer) -> None:
        self.house.bulk.stop()
        await self.accounts.stop()
        self._ticks.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._fetcher.close()
        await self.courier.drain()
        await control.stop()
        await self._notes.save_all()
        if self._sharing:
            await self._sharing.stop()

    async def _sweep_media(self) -> None:
        await asyncio.to_thread(sweep_media, self.house.settings.data)

    async def _destroy_old_raw_keys(self) -> None:
        await asyncio.to_thread(forgetting.destroy_old_raw_keys, self.house)


class _Server(uvicorn.Server):
    """uvicorn, quiet and without its own signal handlers: the command line has them."""

    def __init__(self, web: ASGIApp) -> None:
        config = uvicorn.Config(
            web,
            log_level="warning",
            server_header=False,
            access_log=False,  # an access log would hold what comes in URLs
            timeout_graceful_shutdown=int(STOP_WITHIN_S / 2),
            ws_max_size=MAX_FRAME_BYTES,
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
