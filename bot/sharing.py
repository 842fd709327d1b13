"""One process's share of the work, among the processes on one PostgreSQL: what it drives is what it holds the leases of."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bot.accounts import Accounts, key_of, post_of
from bot.driving import Driver, Step, boottime
from bot.house import House
from bot.pacing import PacingNotes
from bot.parts import Part
from bot.roles import ProcessRole
from channels.channel import Adapter
from domain.identity import ContactId, Party
from scheduler.duties import RENEWED_EVERY_S, Duties, Duty
from scheduler.lanes import BLOCKS, LaneRunner, block
from scheduler.leader import LOOKED_AT_EVERY_S, Leader
from scheduler.turns import AccountKey

if TYPE_CHECKING:  # it brings PostgreSQL's driver along
    from bot.together import Together

REST_S = 0.2
"""After a heartbeat that failed: a lease lives a few seconds only."""
ANSWERED_WITHIN_S = 2.0
"""A provider that takes the answer in its own request waits so long for it, where other processes answer, too."""


class Stint:
    """The step of a duty, made anew whenever the duty begins: so it knows nothing that is past."""

    def __init__(self, part: Part, holds: Callable[[str], bool]) -> None:
        """``holds``: whether a duty is this process's at this moment."""
        self._part, self._holds = part, holds
        self._made: Step | None = None
        self._at_it = asyncio.Lock()
        self.driver = Driver(part.name, self._step, part.breath_s, part.poll_s)

    @property
    def duty(self) -> Duty:
        """Return the duty."""
        return Duty(self._part.name, self._begin, self._end)

    async def _step(self) -> float | None:
        async with self._at_it:
            if self._made is None or not self._holds(self._part.name):
                return None
            return await self._made()

    async def _begin(self) -> None:
        self._made = self._part.make()
        self.driver.wake.set()

    async def _end(self) -> None:
        self._made = None
        async with self._at_it:  # what goes on comes to its end
            return


class Sharing:
    """``lanes``: what processes are driven by. ``notes``: of pacing."""

    def __init__(
        self,
        together: "Together",
        role: ProcessRole,
        house: House,
        accounts: Accounts,
        lanes: Sequence[LaneRunner],
        notes: PacingNotes,
    ) -> None:
        self._together, self._role = together, role
        self._house, self._accounts, self._lanes, self._notes = house, accounts, lanes, notes
        self.duties = Duties(together.leases, together.holder, self._all, boottime)
        self.leader = Leader(together.leadership, house.log, house.submit, house.clock, boottime)
        self._stints: list[Stint] = []
        self._drivers_of_lanes: list[Driver] = []
        self._bell = together.bell(self._rung)
        self._heard: Callable[[], None] = lambda: None
        accounts.owns = self.owns
        house.unsaid.patience = self._patience

    def owns(self, account: AccountKey) -> bool:
        """Whether this process sends over an account now."""
        return self.duties.holds(duty_of(account))

    def drivers(self, parts: Sequence[Part]) -> list[Driver]:
        """Return what drives these: everywhere, or where they are this process's."""
        self._stints = [Stint(part, self.duties.holds) for part in parts if not part.everywhere]
        own = [Driver(p.name, p.make(), p.breath_s, p.poll_s) for p in parts if p.everywhere]
        following = {runner.process.name for runner in self._lanes}
        self._drivers_of_lanes = [driver for driver in own if driver.name in following]
        return [
            Driver("duties", self.duties.step, breath_s=0.0, poll_s=RENEWED_EVERY_S, rest_s=REST_S),
            Driver("leader", self.leader.step, breath_s=0.0, poll_s=LOOKED_AT_EVERY_S, rest_s=REST_S),
            *(stint.driver for stint in self._stints),
            *own,
        ]

    def start(self, heard: Callable[[], None]) -> None:
        """Hear when the views moved: by ``heard``, from any thread."""
        self._heard = heard
        if self._role.works:
            self._bell.start()

    def ring(self) -> None:
        """Let every process know that the views moved. Raises StoreUnavailable."""
        self._bell.ring()

    async def stop(self) -> None:
        """Leave everything to others at once, and give back connections."""
        if self._role.works:
            await self.duties.close()
        await asyncio.to_thread(self._bell.close)
        await asyncio.to_thread(self._together.close)

    def _rung(self) -> None:
        self._heard()

    async def _patience(self, contact: ContactId) -> float:
        """Wait for an answer only where it may be this process that sends it."""
        address = await asyncio.to_thread(self._house.vault.address_of, Party.CONTACT, contact)
        return ANSWERED_WITHIN_S if address and self.owns((address.channel, address.account)) else 0.0

    # What there is to share

    def _all(self) -> list[Duty]:
        return [
            *(stint.duty for stint in self._stints),
            *map(self._of_lanes, range(BLOCKS)),
            *map(self._of_account, self._accounts.adapters),
        ]

    def _of_lanes(self, number: int) -> Duty:
        async def begin() -> None:
            for runner in self._lanes:
                runner.take(block(number))
            for driver in self._drivers_of_lanes:
                driver.wake.set()

        async def end() -> None:
            for runner in self._lanes:
                runner.leave(block(number))

        return Duty(f"lanes/{number}", begin, end)

    def _of_account(self, adapter: Adapter) -> Duty:
        """Whoever has it sends over the account, exactly as fast as it may, and asks for what comes in, where one has to ask."""
        account = key_of(adapter)
        return Duty(
            duty_of(account),
            partial(self._serve, account, adapter),
            partial(self._hand_over, account),
            common=False,
        )

    async def _serve(self, account: AccountKey, adapter: Adapter) -> None:
        courier = self._accounts.courier
        if courier is not None:
            post = post_of(adapter)
            await asyncio.to_thread(self._notes.load, account, post)
            courier.serve(account, post)
            await self._accounts.ask(account)

    async def _hand_over(self, account: AccountKey) -> None:
        courier = self._accounts.courier
        post = None if courier is None else courier.posts.get(account)
        await self._accounts.hand_over(account)
        if post is not None and self.duties.keeps(duty_of(account)):  # else somebody has noted more since
            await asyncio.to_thread(self._notes.save, account, post)


def duty_of(account: AccountKey) -> str:
    """Return what the duty of an account is called."""
    return "account/{}:{}".format(*account)
