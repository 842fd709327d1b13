"""Customers: they write, say stop and start, block us and come back; and the providers that bring it to us."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.conversations.commands import Content, Message, Reachability, Receive, Sender
from domain.identity import ProviderMessageId
from tests.simulation.provider import Person, Provider
from tests.simulation.siyu import AGAIN

if TYPE_CHECKING:
    from tests.simulation.world import World

COMES_AGAIN_S = (0.2, 20.0)
DELIVERED_WITHIN_S = (0.01, 0.5)
LATE_S = (1.0, 300.0)
WRITES_EVERY_S = (600.0, 30_000.0)
STOP, START = "STOP", "START"


@dataclass(slots=True)
class Customer:
    """Somebody with one account or two. ``said``: what they wrote, by account."""

    world: "World"
    chance: random.Random
    name: str
    accounts: list[tuple[Provider, Person]]
    said: dict[str, list[str]] = field(default_factory=dict)

    async def live(self) -> None:
        """Write now and then, and change their mind now and then."""
        for provider, account in self.accounts:
            await self.says(provider, account, "/start")
        while True:
            await asyncio.sleep(self.chance.uniform(*WRITES_EVERY_S))
            provider, account = self.chance.choice(self.accounts)
            fate = self.chance.random()
            if account.blocks:
                await self._reachable(provider, account, reachable=True)
            elif fate < 0.1:
                await self.says(provider, account, STOP)
            elif fate < 0.2:
                await self.says(provider, account, START)
            elif fate < 0.25:
                await self._reachable(provider, account, reachable=False)
            else:
                for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
                    await self.says(provider, account, f"{self.name}: {self.world.count()}")

    async def says(self, provider: Provider, account: Person, text: str) -> None:
        """Write something: the provider brings it to us, whatever that takes."""
        self.said.setdefault(account.external_id, []).append(text)
        message = Message(text=text, provider_message=ProviderMessageId(f"in-{self.world.count()}"))
        provider.heard(account.external_id)
        self.world.bring(provider, self._from(provider, account, message))

    async def _reachable(self, provider: Provider, account: Person, *, reachable: bool) -> None:
        account.blocks = not reachable
        self.world.tell(f"{account.external_id} {'is back' if reachable else 'blocks us'}")
        self.world.bring(provider, self._from(provider, account, Reachability(reachable=reachable)))

    def _from(self, provider: Provider, account: Person, content: Content) -> Receive:
        return Receive(
            channel=provider.channel,
            account=provider.account,
            key=f"{self.world.count()}",
            occurred_at=self.world.true_time(),
            content=content,
            sender=Sender(external_id=account.external_id, name=self.name.title()),
            opens=provider.opens if isinstance(content, Message) else None,
        )


async def bring(world: "World", provider: Provider, chance: random.Random, receive: Receive) -> None:
    """Be a provider that comes again until it is told 200; then perhaps once more."""
    late = chance.random() < world.weather.late
    await asyncio.sleep(chance.uniform(*(LATE_S if late else DELIVERED_WITHIN_S)))
    times = 1 + (chance.randint(1, 3) if chance.random() < world.weather.repeated else 0)
    for _ in range(times):
        while not await _handed_in(world, receive):
            await asyncio.sleep(chance.uniform(*COMES_AGAIN_S))
        if times > 1 and chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(*LATE_S))


async def _handed_in(world: "World", receive: Receive) -> bool:
    siyu = world.door()
    if siyu is None:
        return False
    try:
        await siyu.serve(siyu.take(receive))
    except AGAIN:
        return False
    return True
