"""The parts of a running Siyu that are driven: what each does, how often, and whether each process does it for itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from bot import forgetting
from bot.accounts import Accounts
from bot.beside import PROFILES, RECALLS, acquaintance, hooks, recaller, tag_sync
from bot.cards import Cards
from bot.desk import Desk
from bot.driving import BREATH_S, POLL_S, Step
from bot.house import House
from bot.media.fetching import Fetcher
from bot.menus import Menus
from bot.notices import Notices
from bot.reading import Reading
from domain.decider import Process
from scheduler.campaigns import CampaignFanOut, CampaignSources
from scheduler.fan_out import FanOut
from scheduler.follower import Follower
from scheduler.lanes import LaneRunner
from scheduler.process_runner import ProcessRunner

MEDIA_POLL_S = 0.3
"""Files follow the view of messages: an operator's card waits for the picture."""
MENUS_POLL_S = 5.0
TAGS_POLL_S = 30.0
AWAITED_BREATH_S = 0.01
"""Of those who answer by themselves, while a provider that takes the answer in its own request waits until all have passed it."""
DESK, NOTICES = "operator-desk", "operator-notices"
BEGIN_EARLY = (DESK, NOTICES, RECALLS, PROFILES)

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """``make``: begins it, from where it stands in the log, and returns its step. ``everywhere``: each process does it, for itself."""

    name: str
    make: Callable[[], Step]
    breath_s: float | Callable[[], float] = BREATH_S
    poll_s: float = POLL_S
    everywhere: bool = False


class Parts:
    """All of them, but for the views and the courier, which the app drives itself."""

    def __init__(self, house: House, accounts: Accounts, reading: Reading, fetcher: Fetcher) -> None:
        self._house, self._accounts, self._reading, self._fetcher = house, accounts, reading, fetcher
        following = [process for process in house.processes if not process.immediate]
        self.lanes = [LaneRunner(process, self._follower, reading.park) for process in following]
        self._following = following

    def _follower(self, name: str, starts_at: Callable[[], int] | None = None) -> Follower:
        return Follower(name, self._house.log, self._house.submit, self._house.clock, starts_at)

    async def begin(self) -> None:
        """Note where everybody who never ran starts, before anything comes in: whoever does the work may begin it later."""
        for name in (*BEGIN_EARLY, *(process.name for process in self._following)):
            await self._follower(name).begin()

    def alone(self) -> list[Part]:
        """Return them for a process that is alone."""
        return [*self._all(), *(Part(p.name, self._process(p), self._breath_s) for p in self._following)]

    def together(self) -> list[Part]:
        """Return them for one process of several: processes are shared by lanes."""
        lanes = [Part(r.process.name, partial(_until_done, r.step), everywhere=True) for r in self.lanes]
        return [*self._all(), *lanes, Part("snapshots", lambda: self._flush, everywhere=True)]

    def of_memory(self) -> list[Part]:
        """Return what a process must do that has no share of the work: for what it remembers itself."""
        return [self._forgetting(), Part("snapshots", lambda: self._flush, everywhere=True)]

    def _all(self) -> list[Part]:
        house, adapters = self._house, lambda: self._accounts.adapters
        return [
            Part("fan-out", self._fan_out),
            Part("desk", self._desk, self._breath_s),
            Part("cards", lambda: Cards(house, self._follower).step),
            Part("notices", lambda: Notices(house, self._follower(NOTICES)).step),
            self._forgetting(),
            Part("media", lambda: self._fetcher.step, poll_s=MEDIA_POLL_S),
            Part("menus", lambda: Menus(house, adapters).step, poll_s=MENUS_POLL_S),
            Part("tags", lambda: tag_sync(house, adapters).step, poll_s=TAGS_POLL_S),
            Part("recalls", lambda: recaller(house, adapters).step),
            Part("profiles", lambda: acquaintance(house, adapters).step),
            # They take turns by themselves: see bot/hooks/turn.py.
            *(
                Part(f"hook-{hook.settings.name}", partial(_same, hook.step), everywhere=True)
                for hook in hooks(house)
            ),
        ]

    def _forgetting(self) -> Part:
        return Part("forgetting", lambda: self._forget, everywhere=True)

    def _fan_out(self) -> Step:
        house, reading = self._house, self._reading
        plain = FanOut(reading.agenda, reading.audience, house.log, house.submit, house.digest, house.clock)
        sources = CampaignSources(reading.agenda, reading.audience, reading.canaries, house.log)
        campaigns = CampaignFanOut(sources, house.submit, house.digest, house.clock)

        async def step() -> float | None:
            """While there is more to plan go on at once: what else is due has its turn between the steps."""
            done = await plain.step() + await campaigns.step()
            return 0.0 if done else None

        return step

    def _desk(self) -> Step:
        desk = Desk(self._house, self._follower(DESK))
        return self._answering(desk.step, desk.follower)

    def _process(self, process: Process) -> Callable[[], Step]:
        def make() -> Step:
            runner = ProcessRunner(process, self._follower(process.name), self._reading.park)
            return self._answering(runner.step, runner.follower)

        return make

    def _breath_s(self) -> float:
        return AWAITED_BREATH_S if self._house.unsaid.waited_for() else BREATH_S

    def _answering(self, step: Callable[[], Awaitable[int]], follower: Follower) -> Step:
        """Return what drives a part that answers by itself: whoever waits for its silence is told how far it came."""
        self._house.unsaid.answering[follower.name] = follower

        async def stepped() -> float | None:
            done = await step()
            self._house.unsaid.moved()
            return 0.0 if done else None

        return stepped

    async def _forget(self) -> float | None:
        """Whoever was forgotten, here or by another process, leaves this process's memory and the stores."""
        if await asyncio.to_thread(forgetting.pending, self._house):
            destroyed = await asyncio.to_thread(forgetting.complete, self._house)
            log_.info("forgotten", keys=destroyed.keys, files=destroyed.files)
        return None

    async def _flush(self) -> float | None:
        await asyncio.to_thread(self._house.snapshots.flush)
        return None


def _until_done(step: Callable[[], Awaitable[int]]) -> Step:
    """Return the step of what says how much it did: it goes on at once while there is more."""

    async def stepped() -> float | None:
        return 0.0 if await step() else None

    return stepped


def _same(step: Step) -> Step:
    """Return a step that is never made anew."""
    return step
