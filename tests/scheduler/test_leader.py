"""The leader: one of several, and nothing is written by one that was deposed, whatever it believes."""

import pytest

from domain.dispatch import Done, Failed, Request
from domain.errors import StoreUnavailable, VersionConflict
from domain.identity import Slug
from domain.message import Context, Personal
from domain.rules.commands import SetWelcome
from domain.rules.events import WelcomeSet
from scheduler.leader import EPOCH, FROZEN_S, Leader
from tests.scheduler.world import World


class Throne:
    """One for several processes. ``of``: whose it is."""

    def __init__(self) -> None:
        self.of: str | None = None
        self.away = False


class Pretender:
    """One process's part in it."""

    def __init__(self, throne: Throne, name: str) -> None:
        self._throne, self._name = throne, name

    def lead(self) -> bool:
        if self._throne.away:
            raise StoreUnavailable("away")
        self._throne.of = self._throne.of or self._name
        return self._throne.of == self._name

    def give_up(self) -> None:
        if self._throne.of == self._name:
            self._throne.of = None


def leader(world: World, throne: Throne, name: str) -> Leader:
    return Leader(
        Pretender(throne, name), world.log, world.dispatch, lambda: world.now, lambda: world.boottime
    )


def welcome(world: World, text: str) -> Request:
    """A request that changes something each time."""
    context = Context(actor=Slug("scheduler"), occurred_at=world.now, now=world.now)
    return Request(context, (SetWelcome(in_group=False, text=Personal(text)),))


def written(world: World) -> list[str]:
    return [event.text.value for event in world.all_of(WelcomeSet)]


async def test_one_leads_and_what_it_writes_is_under_its_epoch() -> None:
    world, throne = World(), Throne()
    one, two = leader(world, throne, "one"), leader(world, throne, "two")
    await one.step()
    await two.step()
    assert (one.epoch, one.leads(), two.epoch, two.leads()) == (1, True, None, False)
    assert isinstance(await one.dispatch(welcome(world, "a")), Done)
    refused = await two.dispatch(welcome(world, "b"))
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, VersionConflict)
    assert (written(world), world.log.progress(EPOCH)) == (["a"], 1)


async def test_who_leads_again_does_so_in_another_epoch() -> None:
    world, throne = World(), Throne()
    one = leader(world, throne, "one")
    epochs = []
    for of in (None, "somebody else", None, "somebody else", None):
        throne.of = of
        await one.step()
        epochs.append(one.epoch)
    assert epochs == [1, None, 2, None, 3]


async def test_nothing_is_written_under_an_old_epoch_by_one_that_does_not_know() -> None:
    world, throne = World(), Throne()
    one, two = leader(world, throne, "one"), leader(world, throne, "two")
    await one.step()
    throne.of = None  # the server has ended its session; it still believes
    await two.step()
    assert one.leads()
    refused = await one.dispatch(welcome(world, "too late"))
    assert isinstance(refused, Failed)
    assert not one.leads()  # that taught it
    assert isinstance(await two.dispatch(welcome(world, "b")), Done)
    assert written(world) == ["b"]


async def test_who_was_frozen_does_not_even_ask() -> None:
    world, throne = World(), Throne()
    one = leader(world, throne, "one")
    await one.step()
    world.pass_time(FROZEN_S)
    assert not one.leads()
    assert isinstance(await one.dispatch(welcome(world, "too late")), Failed)
    assert written(world) == []
    await one.step()
    assert (one.leads(), one.epoch) == (True, 1)  # nobody else has led meanwhile


async def test_who_loses_the_store_leads_no_more_and_begins_anew() -> None:
    world, throne = World(), Throne()
    one = leader(world, throne, "one")
    await one.step()
    throne.away = True
    with pytest.raises(StoreUnavailable):
        await one.step()
    assert not one.leads()
    throne.away = False
    await one.step()
    assert one.epoch == 2
