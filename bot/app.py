"""Siyu at work: the threads and tasks that drive the parts, and the web server."""

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.applications import Starlette

from bot import forgetting
from bot.accounts import Accounts, post_of
from bot.beside import acquaintance, hooks, recaller, tag_sync
from bot.cards import Cards
from bot.connect import Connecting
from bot.control_server import ControlServer
from bot.desk import Desk
from bot.errands import Errands, at_work
from bot.house import House
from bot.media.fetching import Fetcher
from bot.media.uploads import sweep_media
from bot.menus import Menus
from bot.notices import Notices
from bot.operations.said import Exit
from bot.operations.team import add_operator, team
from bot.reading import Reading
from domain.errors import Overloaded, Rejected, StoreUnavailable, VersionConflict
from domain.identity import Locale, Slug
from domain.operators.events import Role
from projections.engine import BATCH
from scheduler.campaigns import CampaignFanOut, CampaignSources
from scheduler.delivery import Clocks, Courier, Sources
from scheduler.fan_out import FanOut
from scheduler.follower import Follower
from scheduler.process_runner import ProcessRunner
from scheduler.ticks import Ticks

POLL_S = 1.0
"""Followers are woken at once; this is for what a wake-up cannot tell, such as another process on a store without LISTEN."""
GC_THRESHOLDS = (20_000, 20, 50)
"""Bursts of messages are no leaks: collect less often than Python's 700."""
BREATH_S = 0.05
"""Between two steps, so that under load a follower takes many events at once instead of waking for each commit."""
VIEWS_BREATH_S = 0.03
BREATH_EACH_S = 0.0008
"""For each event a second; the views cost half as much an event in full batches, and intake has the interpreter meanwhile."""
BUSY_VIEWS_BREATH_S = 0.5
"""At most: a reply waits so long under load."""
CLOCK_STEP_S = 0.001
REST_S = 1.0
"""How long a driver waits after the store was away."""
PACING_SAVED_EVERY_S = 5.0
MEDIA_POLL_S = 0.3
"""Files follow the view of messages: an operator's card waits for the picture."""
STOP_WITHIN_S = 10.0
MENUS_POLL_S = 5.0
TAGS_POLL_S = 30.0
NOT_WOKEN = {"courier", "fan-out", "forgetting", "media", "menus", "profiles", "tags"}
"""By the log: these follow the views, and nobody waits for a list of commands, or for what a provider keeps or knows."""
MAX_FRAME_BYTES = 256 * 1024

log_ = structlog.get_logger(__name__)


class Driver:
    """Runs one ``step`` again and again: at once while there is work, otherwise when it is woken or its time has come."""

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[float | None]],
        breath_s: float = BREATH_S,
        poll_s: float = POLL_S,
        rest_s: float = REST_S,
    ) -> None:
        """``step`` returns after how many seconds to go on at the latest: 0 while there is work, None: when woken."""
        self.name, self._step = name, step
        self.breath_s, self._poll_s, self._rest_s = breath_s, poll_s, rest_s
        self.wake = asyncio.Event()
        self._failing: type[Exception] | None = None

    async def run(self) -> None:
        """Run until cancelled. A store that is away or a bug in one step never ends it."""
        while True:
            self.wake.clear()
            try:
                pause = await self._step()
                if self._failing:
                    log_.info("driver.recovered", driver=self.name)
                self._failing = None
            except (StoreUnavailable, Overloaded, VersionConflict) as error:
                pause = await self._rest(error)
            except Exception as error:  # noqa: BLE001  # one step's bug must not stop the others; it is logged with its trace
                pause = await self._rest(error)
            await asyncio.sleep(self.breath_s)
            if pause is None or pause > 0:
                limit = self._poll_s if pause is None else min(pause, self._poll_s)
                await _set_within(self.wake, limit)

    async def _rest(self, error: Exception) -> float:
        """Tell what is wrong, once until it is right again or something else is wrong, and wait a little."""
        if self._failing is not type(error):
            expected = isinstance(error, StoreUnavailable | Overloaded | VersionConflict)
            trace = None if expected else error
            log_.error(
                "driver.failing", driver=self.name, error=f"{type(error).__name__}: {error}", exc_info=trace
            )
        self._failing = type(error)
        await asyncio.sleep(self._rest_s)
        return self._rest_s


async def _set_within(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, so long at most. Not by wait_for: before Python 3.12 it loses a cancel that comes with the event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()


def boottime() -> float:
    """Read the clock that goes on while the machine sleeps: a frozen worker must notice."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


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
    ) -> None:
        self.house, self.accounts, self._binding = house, accounts, binding
        self._connecting = connecting
        dispatch = house.submit
        self.courier = Courier(
            Sources(reading.agenda, reading.audience, reading.letters, house.vault),
            dispatch,
            {(adapter.channel, adapter.account): post_of(adapter) for adapter in accounts.adapters},
            house.settings.controls,
            render,
            Clocks(house.clock, boottime),
            Slug(f"worker-{os.getpid()}"),
        )
        self._load_pacing()
        accounts.courier = self.courier
        self._fan_out = FanOut(
            reading.agenda, reading.audience, house.log, dispatch, house.digest, house.clock
        )
        self._campaigns = CampaignFanOut(
            CampaignSources(reading.agenda, reading.audience, reading.canaries, house.log),
            dispatch,
            house.digest,
            house.clock,
        )
        self._ticks = Ticks(reading.agenda, dispatch, house.clock)
        self._desk = Desk(house, self._follower("operator-desk"))
        self._fetcher = Fetcher(house, lambda: accounts.adapters)
        self._cards = Cards(house, self._follower)
        self._notices = Notices(house, self._follower("operator-notices"))
        self._runners = [
            ProcessRunner(process, self._follower(process.name), reading.park)
            for process in house.processes
            if not process.immediate
        ]
        self.drivers = [
            Driver("views", self._step_views, VIEWS_BREATH_S),
            Driver("courier", self.courier.step, breath_s=0.0),
            Driver("fan-out", self._step_fan_out),
            Driver("desk", self._answering(self._desk.step)),
            Driver("cards", self._cards.step),
            Driver("notices", self._notices.step),
            Driver("forgetting", self._step_forgetting),
            Driver("media", self._fetcher.step, poll_s=MEDIA_POLL_S),
            *(Driver(runner.process.name, self._answering(runner.step)) for runner in self._runners),
            Driver("menus", Menus(house, lambda: accounts.adapters).step, poll_s=MENUS_POLL_S),
            Driver("tags", tag_sync(house, lambda: accounts.adapters).step, poll_s=TAGS_POLL_S),
            Driver("recalls", recaller(house, lambda: accounts.adapters).step),
            Driver("profiles", acquaintance(house, lambda: accounts.adapters).step),
            *(Driver(f"hook-{hook.settings.name}", hook.step) for hook in hooks(house)),
        ]
        self.courier.changed = self._driver("courier").wake
        house.unsaid.answering = [runner.follower for runner in self._runners] + [self._desk.follower]
        self.ready = asyncio.Event()
        self._agenda_seen = self._urgent_seen = -1
        self._views_stepped_at = time.monotonic()

    def _follower(self, name: str) -> Follower:
        return Follower(name, self.house.log, self.house.submit, self.house.clock)

    def _driver(self, name: str) -> Driver:
        return next(driver for driver in self.drivers if driver.name == name)

    async def _step_views(self) -> float | None:
        changes, urgent = self.house.agenda_changes, self.house.urgent_changes
        stepped = await asyncio.to_thread(self.house.projector.step)
        if urgent != self._urgent_seen:
            self._urgent_seen = urgent
            self.courier.look_again()
        if (
            changes != self._agenda_seen
        ):  # most of what comes in makes nothing due; what others append is found by the poll
            for name in ("courier", "fan-out"):
                self._driver(name).wake.set()
        now = time.monotonic()
        rate, self._views_stepped_at = stepped / max(now - self._views_stepped_at, CLOCK_STEP_S), now
        busy_s = (
            0.0 if stepped >= BATCH else rate * BREATH_EACH_S
        )  # a full batch means that more is waiting: go on
        self._driver("views").breath_s = min(VIEWS_BREATH_S + busy_s, BUSY_VIEWS_BREATH_S)
        if stepped:
            return 0.0
        self._agenda_seen = changes
        await asyncio.to_thread(self.house.snapshots.flush)
        return None

    def _answering(self, step: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[float | None]]:
        """Return what drives a part that answers by itself: whoever waits for its silence is told how far it came."""

        async def until_done() -> float | None:
            done = await step()
            self.house.unsaid.moved()
            return 0.0 if done else None

        return until_done

    async def _step_fan_out(self) -> float | None:
        """While there is more to plan go on at once: what else is due has its turn between the steps."""
        await self._ticks.sync()
        done = await self._fan_out.step() + await self._campaigns.step()
        return 0.0 if done else None

    async def run(self, until: asyncio.Event) -> None:
        """Serve until told to stop; then stop receiving, let what is in the air land, and end."""
        loop = asyncio.get_running_loop()
        listening = self._listen()

        def woken() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closing
                loop.call_soon_threadsafe(self._wake_followers)

        unsubscribe = self.house.log.subscribe(woken)
        self._ticks.start()
        self._ticks.daily("raw-keys", hour=3, work=self._destroy_old_raw_keys)
        self._ticks.daily("media", hour=4, work=self._sweep_media)
        tasks = [asyncio.create_task(driver.run(), name=driver.name) for driver in self.drivers]
        tasks.append(asyncio.create_task(self._save_pacing_often(), name="pacing"))
        errands = Errands(at_work(self.accounts.adapter, loop))
        control = ControlServer(self.house, {**self._connecting.operations(), **errands.operations()})
        server = _Server(self.accounts.web)
        self.house.address = "http://{}:{}".format(*listening.getsockname()[:2])
        self._connecting.begin(loop)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="web")
        try:
            await control.start()
            await self.accounts.start()
            gc.collect()
            gc.freeze()  # a full collection over the imported SDKs would pause every answer (libraries.md, "Runtime")
            gc.set_threshold(*GC_THRESHOLDS)
            self.ready.set()
            stopped = asyncio.create_task(until.wait())
            await asyncio.wait({stopped, serving, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
        finally:
            server.should_exit = True
            await self._stop(tasks, control)
            await asyncio.wait({serving}, timeout=STOP_WITHIN_S)
            unsubscribe()

    def greeting(self, locale: Locale | None = None) -> list[str]:
        """Return what to tell whoever started us: where to look, and, while nobody owns it, the owner's bind code."""
        texts = self.house.texts
        lines = [
            texts.say("Siyu runs at {address}", locale).format(address=self.house.address),
            texts.say("Web chat:   {address}/chat", locale).format(address=self.house.address),
        ]
        owned = any(m.role is Role.OWNER and m.contacts for m in team(self.house).members.values())
        if not owned:
            try:
                made = add_operator(self.house, "owner", Role.OWNER)
                lines += [texts.shown(line, locale) for line in made if not isinstance(line, Exit)]
            except Rejected:  # somebody else is called so
                lines.append(texts.say("Nobody owns it yet: siyu operator add NAME --role owner", locale))
            link = self._connecting.link()
            lines.append(texts.say("Connect a channel (once, 15 minutes): {link}", locale).format(link=link))
        return lines

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
        await self.accounts.stop()
        self._ticks.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._fetcher.close()
        await self.courier.drain()
        await control.stop()
        await asyncio.to_thread(self._save_pacing)

    # Pacing survives a restart.

    def _load_pacing(self) -> None:
        for (channel, account), post in self.courier.posts.items():
            left = self.house.log.get_pacing(f"{channel}:{account}")
            if left is not None:
                post.pacer.load(left, boottime(), self.house.clock().timestamp())

    def _pacing(self) -> dict[str, str]:
        now, wall = boottime(), self.house.clock().timestamp()
        return {
            f"{channel}:{account}": post.pacer.dump(now, wall)
            for (channel, account), post in list(self.courier.posts.items())
        }

    def _save_pacing(self) -> None:
        for name, state in self._pacing().items():
            self.house.log.set_pacing(name, state)

    async def _save_pacing_often(self) -> None:
        """A 429 still counts after a crash: noted at once; what else is spent every few seconds. Full buckets need no note."""
        while True:
            await _set_within(self.courier.frozen, PACING_SAVED_EVERY_S)
            self.courier.frozen.clear()
            if any(post.pacer.spent(boottime()) for post in self.courier.posts.values()):
                try:
                    await asyncio.to_thread(self._save_pacing)
                except StoreUnavailable as error:
                    log_.warning("pacing.not_saved", error=str(error))

    async def _sweep_media(self) -> None:
        await asyncio.to_thread(sweep_media, self.house.settings.data)

    async def _destroy_old_raw_keys(self) -> None:
        await asyncio.to_thread(forgetting.destroy_old_raw_keys, self.house)

    async def _step_forgetting(self) -> float | None:
        """Whoever was forgotten, here or by another process, leaves this process's memory and the stores."""
        if await asyncio.to_thread(forgetting.pending, self.house):
            destroyed = await asyncio.to_thread(forgetting.complete, self.house)
            log_.info("forgotten", keys=destroyed.keys, files=destroyed.files)
        return None


class _Server(uvicorn.Server):
    """uvicorn, quiet and without its own signal handlers: the command line has them."""

    def __init__(self, web: Starlette) -> None:
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
