"""Recalls, on the real dispatcher and courier; the channel is in memory."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.broadcasts.commands import CancelBroadcast
from domain.campaigns.commands import RecallCampaign
from domain.deliveries.commands import AskRecall
from domain.deliveries.delivery import LEFT, Phase, deliveries
from domain.deliveries.events import (
    DeliveryClass,
    DeliveryPlanned,
    DeliveryRecallAsked,
    DeliveryRecalled,
    DeliveryRecallRefused,
)
from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import BroadcastId, CampaignId, DeliveryId, Slug
from domain.message import Event, Personal
from domain.ports.messenger import MemoryMessenger
from domain.ports.recalls import MemoryRecalls
from scheduler.follower import Follower
from scheduler.recalling import TRIES, Recaller
from tests.domain.controls import commands
from tests.domain.controls.ids import BOT, SPRING, SUMMER, TELEGRAM
from tests.scheduler.world import World


class Desk:
    """The recaller of one start of Siyu; nothing of it sleeps."""

    def __init__(self, world: World, *, knows: bool = True) -> None:
        self.world, self.channel = world, MemoryRecalls()
        self.rested_s: list[float] = []
        follower = Follower("recalls", world.log, world.dispatch, lambda: world.now)
        accounts = {(TELEGRAM, BOT): self.channel} if knows else {}
        self._recaller = Recaller(
            lambda: accounts, self._left, world.log, world.identities, follower, self._rest
        )

    async def work(self) -> None:
        while await self._recaller.step() is not None:
            pass

    async def _rest(self, seconds: float) -> None:
        self.rested_s.append(seconds)

    def _left(
        self, of: CampaignId | BroadcastId, after: DeliveryId | None, limit: int
    ) -> Sequence[DeliveryId]:
        planned = [
            plan for plan in self.world.all_of(DeliveryPlanned) if of in (plan.broadcast, plan.campaign)
        ]
        phases = {plan.delivery: self.world.state(deliveries, plan.delivery).phase for plan in planned}
        left = sorted(delivery for delivery, phase in phases.items() if phase in {*LEFT, Phase.PLANNED})
        return [delivery for delivery in left if after is None or delivery > after][:limit]


@pytest.fixture
def world() -> World:
    return World()


async def sent(world: World, name: str = "hello", **fields: object) -> DeliveryId:
    """A message that went out, and the provider said under which number."""
    plan = world.plan(name, world.meet("wang"))
    world.given(replace(plan, **fields))  # type: ignore[arg-type]  # its fields
    await world.settle(world.courier(MemoryMessenger()))
    assert world.state(deliveries, plan.delivery).phase is Phase.ACCEPTED
    return plan.delivery


def outcome(world: World) -> list[Event]:
    return [*world.all_of(DeliveryRecalled), *world.all_of(DeliveryRecallRefused)]


async def test_what_was_sent_is_taken_back_and_the_log_says_so(world: World) -> None:
    desk = Desk(world)
    await desk.work()
    delivery = await sent(world)
    world.given(AskRecall(delivery=delivery))
    await desk.work()
    message = world.state(deliveries, delivery).message
    assert [number for _, number in desk.channel.taken] == [message]
    assert outcome(world) == [DeliveryRecalled(delivery=delivery)]


async def test_another_start_does_not_take_it_back_again(world: World) -> None:
    desk = Desk(world)
    await desk.work()
    world.given(AskRecall(delivery=await sent(world)))
    await desk.work()
    second = Desk(world)
    await second.work()
    assert second.channel.taken == []


@pytest.mark.parametrize(
    "failure", [TemporaryFailure("rate-limited", retry_after_s=3.0), OutcomeUnknown("timeout")]
)
async def test_a_channel_that_stumbles_is_asked_again(failure: SendFailed, world: World) -> None:
    desk = Desk(world)
    await desk.work()
    desk.channel.failures = [failure]
    delivery = await sent(world)
    world.given(AskRecall(delivery=delivery))
    await desk.work()
    assert outcome(world) == [DeliveryRecalled(delivery=delivery)]
    assert (3.0 in desk.rested_s) == isinstance(failure, TemporaryFailure)


async def test_a_channel_that_never_answers_or_will_not_leaves_it_and_says_why(world: World) -> None:
    desk = Desk(world)
    await desk.work()
    desk.channel.failures = [OutcomeUnknown("timeout") for _ in range(TRIES)]
    world.given(AskRecall(delivery=await sent(world)))
    await desk.work()
    desk.channel.failures = [PermanentFailure("too-late")]
    world.given(AskRecall(delivery=await sent(world, "second")))
    await desk.work()
    assert [event.reason for event in world.all_of(DeliveryRecallRefused)] == ["timeout", "too-late"]
    assert desk.channel.taken == []


async def test_a_channel_that_cannot_and_a_person_who_was_forgotten(world: World) -> None:
    delivery = await sent(world)
    desk = Desk(world, knows=False)
    await desk.work()
    world.given(AskRecall(delivery=delivery))
    await desk.work()
    world.given(AskRecall(delivery=delivery))
    world.forget_addresses()
    await Desk(world, knows=False).work()
    reasons = [event.reason for event in world.all_of(DeliveryRecallRefused)]
    assert reasons == [Slug("channel-cannot"), Slug("forgotten")]


async def test_a_whole_broadcast_is_asked_back_and_what_waits_does_not_leave(world: World) -> None:
    desk = Desk(world)
    await desk.work()
    world.given(commands.DRAFT_BROADCAST, commands.CONFIRM_BROADCAST)
    gone = await sent(world, "one", broadcast=SPRING)
    waits = replace(world.plan("two", world.meet("wang"), kind=DeliveryClass.MARKETING), broadcast=SPRING)
    world.given(waits, CancelBroadcast(broadcast=SPRING, recall=True))
    await desk.work()
    assert [event.delivery for event in world.all_of(DeliveryRecallAsked)] == [gone]
    assert outcome(world) == [DeliveryRecalled(delivery=gone)]
    assert world.state(deliveries, waits.delivery).phase is Phase.SUPPRESSED


async def test_a_whole_campaign_is_asked_back(world: World) -> None:
    desk = Desk(world)
    await desk.work()
    launch = replace(commands.LAUNCH_CAMPAIGN, alone=True)
    world.given(replace(commands.DRAFT_CAMPAIGN, name=Personal("x")), launch)
    gone = await sent(world, "one", campaign=SUMMER, text=Personal("hi"))
    world.given(RecallCampaign(campaign=SUMMER))
    await desk.work()
    assert outcome(world) == [DeliveryRecalled(delivery=gone)]
