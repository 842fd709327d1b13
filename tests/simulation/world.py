"""A whole world in one loop: providers, customers, operators, a disk, clocks that jump, and processes that are killed.

tests/simulation/running.py lives through one.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any

from bot.export import as_json
from bot.house import AGENDA_EVENTS
from bot.texts import Texts
from domain.conversations.commands import Receive
from domain.deliveries.events import Confirmation
from domain.identity import Account, Channel, DeliveryId
from domain.message import Recorded
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.ports.event_log import MemoryEventLog
from domain.ports.messenger import Messenger, Outbound
from scheduler.pacing import Rates
from tests.simulation.loop import BEGINS_AT_S, SimulatedLoop, outside
from tests.simulation.operators import Operator
from tests.simulation.people import Customer, bring
from tests.simulation.persons import Persons
from tests.simulation.promises import Downtime, Promises
from tests.simulation.provider import AFTER_MESSAGE, OUTAGE_S, Person, Provider
from tests.simulation.reads import FoldedReads, SqlReads
from tests.simulation.siyu import AGAIN, Siyu, views
from tests.simulation.stores import SLUGS, Disk, IdSeries, OrderedIdentities, ReachedLog
from tests.simulation.weather import YEAR_S, Weather, calm

CUSTOMERS = (2, 4)
CAPS = ((1, 2), (1, 3), (2, 3), (0, 0))
"""A day and a week; none: whatever a cap would hide shows."""
LASTS_S = 26 * 3_600.0
LASTS_IN_BRIEF_S = 60.0
LASTS_IN_SQL_S = 3 * 3_600.0
"""The real views take a hundred times as long as those in memory."""
RESTARTS_AFTER_S = (0.1, 20.0)
RECEIPT_AFTER_S = (0.0, 600.0)
STORE_AWAY_S = (0.5, 8.0)
LOOKS_EVERY_S = 3_600.0
NEVER = sys.maxsize
RECURRENCES = ("broadcast-", "schedule-", "campaign-", "run-")
SETTLES_WITHIN_S = 12 * 86_400.0
"""Caps let something wait for a day, and what waits expires after one."""

Trace = Callable[[str], None] | None


@dataclass(slots=True)
class Outcome:
    """What became of a run. ``blamed``: promises that did not hold. ``digest``: of the whole log. ``turns``: of the loop."""

    seed: int
    blamed: list[str]
    digest: str
    events: int
    shown: int
    kills: int
    turns: int


class World:
    """Everything around the processes. ``trace``: told, line by line, what happens."""

    def __init__(self, seed: int, loop: SimulatedLoop, trace: Trace, drawn: Weather, *, in_sql: bool) -> None:
        self.seed, self.loop, self._trace = seed, loop, trace
        self.chance = random.Random(f"{seed}:world")
        self.weather, self.alone = drawn, drawn.processes == 1
        self._threads = random.Random(f"{seed}:threads")
        self._store_chance = random.Random(f"{seed}:store")
        self._kill_chance = random.Random(f"{seed}:kills")
        self.blamed: list[str] = []
        self.offset = timedelta(0)
        self.eras = 0
        self.jumped = False
        self.agenda_changes = self.recurrences = 0
        self.fresh = IdSeries(str(seed))
        self._counted = 0
        self.texts = Texts("en")
        self.brand = "Tea House"
        self.silence = timedelta(minutes=30)
        self.controls = Controls(
            cap=FrequencyCap(*self.chance.choice(CAPS)),
            group_cap=FrequencyCap(per_day=1, per_week=3),
            quiet=QuietHours(time(21), time(9)),
            zone=self.weather.zone,
        )
        self._lasts_s = LASTS_IN_SQL_S if in_sql else LASTS_S
        if drawn.brief:
            self._lasts_s = LASTS_IN_BRIEF_S
        log = MemoryEventLog(SLUGS, self.wall)
        reads = SqlReads(log, views(), self.brand) if in_sql else FoldedReads(log)
        self.disk = Disk(log, OrderedIdentities(self.fresh), reads)
        self.persons = Persons(self.weather.zone)
        self.promises = Promises(self.controls, self.persons, self.blame, loop.time, lambda: self.eras)
        self.downtime = Downtime()
        self.providers = self._providers()
        self.customers = self._customers()
        self.operators = [Operator(self, random.Random(f"{seed}:operator:{n}")) for n in range(2)]
        self.processes: list[Siyu] = []
        self.kills = 0
        self._store_away_until = 0.0
        self._kill_at = NEVER
        self._started = self.acted_turns = 0
        self._actors: list[asyncio.Task[Any]] = []
        self._mail = 0

    def _providers(self) -> list[Provider]:
        telegram = Rates(30, 1, 20)
        made = (
            (Channel("telegram"), Account("7001"), telegram, None),
            (Channel("wechat"), Account("wx1"), Rates(0, 0, 0), AFTER_MESSAGE),
        )
        return [
            Provider(self, random.Random(f"{self.seed}:{channel}"), channel, account, rates, opens)
            for channel, account, rates, opens in made
        ]

    def _customers(self) -> list[Customer]:
        made = []
        for number in range(self.chance.randint(*CUSTOMERS)):
            name = f"customer-{number}"
            accounts = []
            for provider in self.chance.choice((self.providers, self.providers[:1], self.providers[1:])):
                account = Person(f"{provider.channel}-{number}")
                provider.people[account.external_id] = account
                accounts.append((provider, account))
            made.append(Customer(self, random.Random(f"{self.seed}:{name}"), name, accounts))
        return made

    # What everybody asks of it

    def true_time(self) -> datetime:
        """What every other clock in this world shows."""
        return self.weather.begins + timedelta(seconds=self.loop.time() - BEGINS_AT_S)

    def wall(self) -> datetime:
        """What Siyu's own clock shows."""
        return self.true_time() + self.offset

    def takes_s(self, span: tuple[float, float]) -> float:
        return self._threads.uniform(*span)

    def count(self) -> int:
        self._counted += 1
        return self._counted

    def tell(self, what: str) -> None:
        if self._trace is None:
            return
        self._trace(
            f"{self.loop.time() - BEGINS_AT_S:12.3f}  {self.wall().isoformat(' ', 'milliseconds')}  {what}"
        )

    def blame(self, what: str) -> None:
        self.tell(f"!!! {what}")
        self.blamed.append(what)

    # The disk

    def reached(self) -> ReachedLog:
        """Return the log as one more process reaches it."""
        return ReachedLog(self.disk.log, self._store_is_away, self._answer_is_lost, self._appended)

    def _store_is_away(self) -> bool:
        now = self.loop.time()
        if now >= self._store_away_until and self._store_chance.random() < self.weather.store:
            self._store_away_until = now + self._store_chance.uniform(*STORE_AWAY_S)
            self.downtime.add(now, self._store_away_until + 5.0)
            self.tell("the disk is full for a while")
        return now < self._store_away_until

    def _answer_is_lost(self) -> bool:
        return self._store_chance.random() < self.weather.store

    def _appended(self, events: Sequence[Recorded]) -> None:
        for recorded in events if self._trace is not None else ():
            self.tell(f"{recorded.position:5} {recorded.stream[:24]:24} {recorded.type}")
        self.agenda_changes += any(recorded.type in AGENDA_EVENTS for recorded in events)
        self.recurrences += any(recorded.type.startswith(RECURRENCES) for recorded in events)
        self.promises.appended(events)

    # The processes

    def ways_out(self, _process: Siyu) -> dict[tuple[Channel, Account], tuple[Messenger, Rates]]:
        return {(p.channel, p.account): (p.way_out(), p.rates) for p in self.providers}

    def door(self) -> Siyu | None:
        """Return a process that takes requests, if there is one."""
        alive = [process for process in self.processes if not process.dead]
        return self.chance.choice(alive) if alive else None

    def start(self) -> None:
        """Start a process, and decide when one will be killed."""
        self._started += 1
        siyu = Siyu(self, f"worker-{self._started}")
        self.processes = [*(process for process in self.processes if not process.dead), siyu]
        siyu.start()
        self.tell(f"{siyu.worker} starts")
        every = self.weather.kill_every_turns
        if self.weather.kill_at and self._started == 1:
            self._kill_at = self.weather.kill_at
            return
        self._kill_at = self.loop.turns + int(self._kill_chance.expovariate(1 / every)) if every else NEVER

    def before_turn(self) -> None:
        """Between two steps of the loop, perhaps, the power fails."""
        if self.loop.turns >= self._kill_at:
            self._kill_at = NEVER
            self.kill()

    def kill(self) -> None:
        """Kill a process, and start the next one after a while."""
        away_s = self._kill_chance.uniform(*RESTARTS_AFTER_S)
        siyu = self._kill_chance.choice(self.processes)
        siyu.kill()
        self.tell(f"{siyu.worker} is killed")
        self.kills += 1
        for provider in self.providers:
            provider.killed()
        self.downtime.add(self.loop.time(), self.loop.time() + away_s)
        self.loop.call_later(away_s, self.start, context=outside())

    # What comes and goes

    def bring(self, provider: Provider, receive: Receive) -> None:
        """Let a provider bring something to us."""
        chance = random.Random(f"{self.seed}:mail:{receive.key}")
        self._letter(bring(self, provider, chance, receive))

    def receipt(self, provider: Provider, outbound: Outbound) -> None:
        """Perhaps a provider tells that somebody got, or read, a message: later, sometimes before we know that it was taken."""
        if provider.chance.random() < 0.3:
            self._letter(self._receipt(random.Random(f"{self.seed}:receipt:{self.count()}"), outbound))

    async def _receipt(self, chance: random.Random, outbound: Outbound) -> None:
        await asyncio.sleep(chance.uniform(*RECEIPT_AFTER_S) if chance.random() < 0.5 else 0.0)
        how = chance.choice((Confirmation.DELIVERED, Confirmation.READ))
        for _ in range(chance.choice((1, 2))):
            siyu = self.door()
            if siyu is not None:
                with suppress(*AGAIN):
                    await siyu.serve(siyu.confirm(DeliveryId(outbound.key), how))

    def _letter(self, work: Coroutine[Any, Any, None]) -> None:
        async def carried() -> None:
            try:
                await work
            finally:
                self._mail -= 1

        self._mail += 1
        self._begin(carried())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._actors.append(self.loop.create_task(work, context=outside()))
        if len(self._actors) > 200:
            self._actors = [task for task in self._actors if not task.done()]

    async def _clock(self) -> None:
        """Let the wall clock jump, and the providers be away."""
        chance = random.Random(f"{self.seed}:clock")
        jumps = list(self.weather.jumps)
        outages = self.weather.outages
        while jumps or outages:
            await asyncio.sleep(chance.uniform(self._lasts_s / 50, self._lasts_s / 3))
            if jumps:
                jump_s = jumps.pop(0)
                self.offset += timedelta(seconds=jump_s)
                self.jumped = True
                self.eras += abs(jump_s) >= YEAR_S / 2
                now = self.loop.time()
                self.downtime.add(now - 120.0, now + (abs(jump_s) + 120.0 if jump_s < 0 else 120.0))
                self.tell(f"the clock jumps by {jump_s:+.0f} s")
            if outages:
                outages -= 1
                provider = chance.choice(self.providers)
                provider.away_until = self.loop.time() + OUTAGE_S
                self.tell(f"{provider.channel} cannot be reached for ten minutes")

    # A run

    async def live(self) -> None:
        """Let everybody act for a while; then let it come to rest, and look at what is left."""
        self.loop.thread_takes_s = (0.0, 0.4) if self.weather.slow_threads else (0.0, 0.004)
        self.tell(f"{self.weather}")
        for _ in range(self.weather.processes):
            self.start()
        for customer in self.customers:
            self._begin(customer.live())
        for operator in self.operators:
            self._begin(operator.work())
        self._begin(self._clock())
        acting = list(self._actors)
        await asyncio.sleep(self._lasts_s)
        for actor in acting:
            actor.cancel()
        self.acted_turns = self.loop.turns
        await self._settle()
        self._check()

    async def _settle(self) -> None:
        self.weather = calm(self.weather)
        self._kill_at = NEVER
        self.tell("everybody is gone, and nothing goes wrong any more")
        await self.operators[0].end_all()
        until = self.loop.time() + SETTLES_WITHIN_S
        while self.loop.time() < until:
            await asyncio.sleep(LOOKS_EVERY_S)
            await self.operators[0].go_on()
            if not self._mail and not self._something_is_open():
                return
        self.blame("it does not come to rest")

    def _something_is_open(self) -> bool:
        now = self.wall()
        return any(story.open(now) for story in self.promises.stories.values())

    def _check(self) -> None:
        taken = [one for provider in self.providers for one in provider.taken]
        self.promises.at_the_end(taken, self.wall(), windows=self.downtime)
        self._heard_all()
        for parked in self.disk.parked:
            self.blame(f"parked: {parked}")
        for wrong in self.loop.unexpected:
            self.blame(f"unexpected: {wrong}")
        for difference in self.disk.reads.differences():
            self.blame(f"a view is not as one made anew: {difference}")

    def _heard_all(self) -> None:
        """Everything that was said is in the log, once."""
        for customer in self.customers:
            for external_id, said in customer.said.items():
                contact = self.persons.seen.get(external_id, "")
                if sorted(self.persons.heard[contact].elements()) != sorted(said):
                    self.blame(f"what {external_id} said is not what is in the log")

    def outcome(self) -> Outcome:
        events = self.disk.log.read(0, sys.maxsize)
        digest = sha256("\n".join(map(as_json, events)).encode()).hexdigest()
        shown = sum(len(provider.taken) for provider in self.providers)
        return Outcome(self.seed, self.blamed, digest, len(events), shown, self.kills, self.acted_turns)
