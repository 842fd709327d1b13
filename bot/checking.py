"""Whether what a channel's guide asks for holds: its steps, looked at one after the other, and not more often than is kind."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import structlog

from bot.settings import MAIN, Settings, accounts_of
from bot.texts import Told, told
from channels.channel import Adapter
from channels.connecting import Failed, Ground, Guide, Outcome, Passed, Step, Waiting, say
from channels.registry import CHANNELS, Kind
from domain.errors import BadSettings
from domain.identity import Account, Channel

CHECKED_WITHIN_S = 10.0
LOOK_AGAIN_S = 5.0
LOOK_AGAIN_HERE_S = 0.2
"""For what is looked at in this process: nobody else is bothered."""
HOLDS_S = 60.0

log_ = structlog.get_logger(__name__)


class State(StrEnum):
    """``later``: only a running Siyu can tell. ``blocked``: another step comes first."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    BLOCKED = "blocked"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Tick:
    """One step as it stands. ``said``: what was found out, or what to do."""

    step: Step
    state: State
    said: Told | None = None
    ask: str | None = None


class Configuration(Protocol):
    """What is configured; a House is one."""

    settings: Settings
    variables: Mapping[str, str]

    @property
    def clock(self) -> Callable[[], datetime]:
        """The wall clock."""
        ...


class Live(Protocol):
    """The accounts of a running Siyu."""

    def adapter(self, channel: str, name: str) -> Adapter | None:
        """Return the account that is called so in the settings, None where it is not open."""
        ...

    async def heard(self, channel: Channel, account: Account) -> bool:
        """Return whether anybody wrote over an account."""
        ...

    async def groups(self, channel: Channel, account: Account) -> Sequence[str]:
        """Return the provider's ids of the groups that an account is in."""
        ...


class Asleep:
    """No Siyu runs: nothing is open, and nobody is heard."""

    def adapter(self, _channel: str, _name: str) -> Adapter | None:
        """See Live."""
        return None

    async def heard(self, _channel: Channel, _account: Account) -> bool:
        """See Live."""
        return False

    async def groups(self, _channel: Channel, _account: Account) -> Sequence[str]:
        """See Live."""
        return ()


@dataclass(slots=True)
class _Look:
    outcome: Outcome
    again_at: float


@dataclass(slots=True)
class Checks:
    """The steps of one account, and what was found out about them."""

    kind: Kind
    name: str
    guide: Guide
    _of: tuple[Mapping[str, str], str | None, Adapter | None] | None = None
    _looks: dict[str, _Look] = field(default_factory=dict)
    _notes: dict[str, Any] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, known: Configuration, live: Live, *, health: bool = False) -> list[Tick]:
        """Return how each step stands now; ``health``: only those that tell it, and what they need."""
        async with self._one_at_a_time:
            adapter = live.adapter(self.kind.name, self.name)
            settings = accounts_of(self.kind.name, known.variables).get(self.name, {})
            of = (settings, known.settings.public_url, adapter)
            if of != self._of:  # everything is another matter now
                self._of, self._notes = of, {}
                self._looks.clear()
            ground = Ground(
                name=self.name,
                public_url=known.settings.public_url,
                clock=known.clock,
                adapter=adapter,
                heard=live.heard,
                groups=live.groups,
                notes=self._notes,
            )
            ticks: list[Tick] = []
            for step in self.guide.steps:
                if not health or step.health or self._is_needed(step):
                    ticks.append(await self._tick(step, ticks, settings, ground))
            return ticks

    def _is_needed(self, step: Step) -> bool:
        return any(step.id in other.needs for other in self.guide.steps if other.health)

    async def _tick(
        self, step: Step, before: Sequence[Tick], settings: Mapping[str, str], ground: Ground
    ) -> Tick:
        held = {tick.step.id for tick in before if tick.state is State.PASSED}
        if not held.issuperset(step.needs):
            self._looks.pop(step.id, None)
            return Tick(step, State.BLOCKED)
        if step.live and ground.adapter is None:
            return Tick(step, State.LATER)
        look = self._looks.get(step.id)
        if look is None or time.monotonic() >= look.again_at:
            outcome = await _outcome(step, settings, ground)
            look = self._looks[step.id] = _Look(outcome, time.monotonic() + _again_s(step, outcome))
        return _as_tick(step, look.outcome)


def _again_s(step: Step, outcome: Outcome) -> float:
    """Return after how many seconds to look again."""
    if isinstance(outcome, Passed) or step.rarely:
        return HOLDS_S
    return LOOK_AGAIN_HERE_S if step.live else LOOK_AGAIN_S


async def _outcome(step: Step, settings: Mapping[str, str], ground: Ground) -> Outcome:
    try:
        async with asyncio.timeout(CHECKED_WITHIN_S):
            return await step.check(settings, ground)
    except TimeoutError:
        return Failed(say("No answer came in time: it is tried again."))
    except BadSettings as error:
        return Failed(error.text, error.values)
    except Exception as bug:  # noqa: BLE001  # one step's bug must not hide the others; its text may hold a secret, so only its type is told
        log_.error("connect.bug", step=step.id, error=type(bug).__name__)  # noqa: TRY400
        return Failed(say("This could not be looked at: the server's log says more."))


def _as_tick(step: Step, outcome: Outcome) -> Tick:
    said = Told(outcome.text, outcome.values) if outcome.text else None
    match outcome:
        case Passed():
            return Tick(step, State.PASSED, said)
        case Waiting():
            return Tick(step, State.WAITING, said)
        case Failed(ask=ask):
            return Tick(step, State.FAILED, said, ask)


def channel_health(known: Configuration) -> Iterator[tuple[bool, Told]]:
    """Yield a line for each account that is configured, and whether it needs nobody. Asks the providers: not from an event loop."""
    for kind in CHANNELS:
        if kind.always:
            continue
        for name in sorted(accounts_of(kind.name, known.variables)):
            checks = Checks(kind, name, kind.guide())
            ticks = asyncio.run(checks.look(known, Asleep(), health=True))
            for tick in ticks:
                if tick.state is not State.BLOCKED and (tick.step.health or tick.state is not State.PASSED):
                    yield tick.state is State.PASSED, _health_line(kind, name, tick)


def _health_line(kind: Kind, name: str, tick: Tick) -> Told:
    account = kind.name if name == MAIN else f"{kind.name}/{name}"
    title, said = Told(tick.step.title, {}), tick.said
    if tick.state is not State.PASSED:
        return told(
            "  wrong    {account}: not so: {title}. {said}", account=account, title=title, said=said or ""
        )
    if said is None:
        return told("  ok       {account}: {title}", account=account, title=title)
    return told("  ok       {account}: {title}: {said}", account=account, title=title, said=said)
