"""Campaigns: each run goes to everybody who is meant, once, whoever plans it and however often it is interrupted."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.campaigns.campaign import Stage, campaigns
from domain.campaigns.canary import FAILURES
from domain.campaigns.commands import (
    CancelCampaign,
    DraftCampaign,
    LaunchCampaign,
    ListForCampaign,
    PauseCampaign,
    ResumeCampaign,
)
from domain.campaigns.events import (
    CampaignFinished,
    CampaignPaused,
    CampaignStarted,
    RunAdvanced,
    RunCleared,
    RunPlanned,
    RunSampled,
    RunStarted,
)
from domain.campaigns.plan import Arm, Canary, Content, Meant, Selection, Timing
from domain.campaigns.run import runs
from domain.contacts.commands import BlockContact
from domain.customers.commands import TagCustomer
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import (
    HOLDOUT,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.dispatch import Failed, Request, Result
from domain.errors import PermanentFailure, StoreUnavailable, VersionConflict
from domain.identity import CampaignId, ContactId, ProviderMessageId, Slug, SubjectId, Tag
from domain.message import Command, Personal
from domain.ports.agenda import MemoryAgenda, UnderWay
from domain.ports.messenger import Outbound
from scheduler.campaigns import PATIENCE, CampaignFanOut, CampaignSources
from scheduler.chunks import CHUNK, CHUNKS_A_STEP
from scheduler.follower import Dispatch
from tests.domain.controls.ids import BOT, LI, SHANGHAI, SUMMER, TELEGRAM, VIP
from tests.scheduler.world import Provider, World

EVERYBODY = Selection(meant=Meant.ALL)
NOW = Timing(zone=SHANGHAI)
TRIED_FIRST = Canary(percent=1.0, at_least=20, wait_s=600)


def fan_out(
    world: World, dispatch: Dispatch | None = None, agenda: MemoryAgenda | None = None
) -> CampaignFanOut:
    """Return what carries campaigns out, as a start of Siyu makes it."""
    sources = CampaignSources(agenda or world.view, world.view, world.view, world.log)
    return CampaignFanOut(sources, dispatch or world.dispatch, world.digest, lambda: world.now)


def launch(world: World, campaign: CampaignId = SUMMER, *lists: Command, **parts: Any) -> None:  # noqa: ANN401  # fields of DraftCampaign
    """Somebody writes a campaign to everybody, for now unless ``parts`` say otherwise, and launches it."""
    draft = DraftCampaign(
        campaign=campaign,
        name=Personal("summer"),
        form=Personal("name: summer"),
        contents=parts.pop("contents", Personal([Content(text="Summer is here")])),
        selection=parts.pop("selection", EVERYBODY),
        timing=parts.pop("timing", NOW),
        **parts,
    )
    world.given(draft, *lists, LaunchCampaign(campaign=campaign, meant=1, alone=True))


async def rest(*some: CampaignFanOut) -> None:
    """Let fan-outs work until nothing is left to do."""
    for _ in range(1_000):
        if not any(await asyncio.gather(*(one.step() for one in some))):
            return
    raise AssertionError("they never end")


def planned(world: World) -> list[DeliveryPlanned]:
    return world.all_of(DeliveryPlanned)


def meet(world: World, people: int) -> list[ContactId]:
    return [world.meet(f"p{i}") for i in range(people)]


# --- who is planned for ------------------------------------------------------------------------------------------------


async def test_everybody_meant_gets_one_delivery_that_refers_to_the_campaign_and_its_run() -> None:
    world = World()
    wang = world.meet("wang")
    launch(world, topic=Slug("news"), priority=7, reactivation=True)
    await rest(fan_out(world))
    (started,), (plan,) = world.all_of(RunStarted), planned(world)
    assert started == RunStarted(run=started.run, campaign=SUMMER, at=world.now, meant=1)
    assert plan == DeliveryPlanned(
        delivery=plan.delivery,
        subject=SubjectId(f"contact-{wang}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("campaign"),
        contact=wang,
        customer=world.view.everybody()[0].customer,
        not_before=world.now,
        expires_at=world.now + timedelta(days=1),
        automatic=True,
        campaign=SUMMER,
        run=started.run,
        variant=Slug("a"),
        topic=Slug("news"),
        priority=7,
        reactivation=True,
    )
    assert world.all_of(RunAdvanced) == [RunAdvanced(run=started.run, after=1, planned=1)]
    assert world.all_of(RunPlanned) == [RunPlanned(run=started.run, planned=1)]
    assert world.state(campaigns, SUMMER).stage is Stage.RUNNING


async def test_each_step_says_what_it_was_done_for() -> None:
    world = World()
    world.meet("wang")
    launch(world)
    await rest(fan_out(world))
    because = {type(r.event): r.cause for r in world.recorded()}
    run = world.all_of(RunStarted)[0].run
    assert because[RunStarted] == f"campaign-{SUMMER}@2"
    assert {because[kind] for kind in (DeliveryPlanned, RunAdvanced, RunPlanned)} == {f"run-{run}@1"}


async def test_tags_a_list_and_groups_mean_whom_they_name() -> None:
    world = World()
    wang, lin, chen = (world.meet(name) for name in ("wang", "lin", "chen"))
    fans = world.meet_group("fans")
    one, two, three = (recipient.customer for recipient in world.view.everybody()[:3])
    world.given(TagCustomer(customer=one, tag=VIP), TagCustomer(customer=two, tag=VIP))
    world.given(TagCustomer(customer=two, tag=Tag("had it")))
    tagged, listed, grouped = (CampaignId(name) for name in ("tagged", "listed", "grouped"))
    launch(world, tagged, selection=Selection(meant=Meant.TAGS, tags=(VIP,), without=(Tag("had it"),)))
    launch(
        world,
        listed,
        ListForCampaign(campaign=listed, customers=(three, two)),
        selection=Selection(meant=Meant.LIST),
    )
    launch(world, grouped, selection=Selection(meant=Meant.GROUPS, groups=(fans,)), canary=TRIED_FIRST)
    await rest(fan_out(world))
    reached = {(plan.campaign, plan.contact or plan.group) for plan in planned(world)}
    assert reached == {(tagged, wang), (listed, lin), (listed, chen), (grouped, fans)}


async def test_who_cannot_be_reached_is_planned_for_too_so_that_it_can_be_explained() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(BlockContact(contact=wang, reason=Slug("blocked")))
    launch(world)
    await rest(fan_out(world))
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert [plan.contact for plan in planned(world)] == [wang]
    assert provider.texts == []
    assert [(s.reason, s.rule) for s in world.all_of(DeliverySuppressed)] == [("blocked", "reachability")]


async def test_arms_and_holdout_are_drawn_alike_each_time_and_the_holdout_gets_nothing() -> None:
    world = World()
    meet(world, 300)
    arms = (Arm(variant=Slug("x"), weight=1), Arm(variant=Slug("y"), weight=3))
    texts = Personal([Content(text="X", variant="x"), Content(text="Y", variant="y")])
    launch(world, contents=texts, arms=arms, holdout_percent=10)
    await rest(fan_out(world))
    drawn = [plan.variant for plan in planned(world)]
    assert 15 <= drawn.count(HOLDOUT) <= 50
    assert 40 <= drawn.count(Slug("x")) <= 100
    assert drawn.count(HOLDOUT) + drawn.count(Slug("x")) + drawn.count(Slug("y")) == 300
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert (provider.texts.count("X"), provider.texts.count("Y")) == (
        drawn.count(Slug("x")),
        drawn.count(Slug("y")),
    )
    assert {s.reason for s in world.all_of(DeliverySuppressed)} == {HOLDOUT}


async def test_spread_over_a_time_each_has_a_moment_of_their_own_in_it() -> None:
    world = World()
    meet(world, 100)
    launch(world, timing=replace(NOW, over_s=7_200, lives_s=3_600))
    await rest(fan_out(world))
    after = [(plan.not_before - world.now).total_seconds() for plan in planned(world)]
    assert len(set(after)) > 90
    assert (min(after) >= 0, min(after) < 600, 6_600 < max(after) < 7_200) == (True, True, True)
    assert {plan.expires_at - plan.not_before for plan in planned(world)} == {timedelta(hours=1)}


async def test_one_recipient_who_cannot_be_planned_costs_nobody_else_their_message() -> None:
    world = World()
    people = meet(world, 5)
    launch(world)
    run = world.digest("run", SUMMER, "")
    customer = world.view.everybody()[2].customer
    damaged = world.digest("delivery", f"campaign:{SUMMER}", f"customer-{customer}", run, "")
    world.damage(deliveries.category, damaged)
    world.view.until = world.log.head() - 1
    await fan_out(world, agenda=MemoryAgenda(under_way=[UnderWay(SUMMER)])).step()
    assert [plan.contact for plan in planned(world)] == [*people[:2], *people[3:]]
    assert len(world.all_of(RunPlanned)) == 1


# --- once, whatever happens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
async def test_killed_at_any_step_another_goes_on_there_and_everybody_has_exactly_one(at: int) -> None:
    world = World()
    people = meet(world, 2 * CHUNK + 5)
    launch(world)
    calls = 0

    async def dying(request: Request) -> Result:
        nonlocal calls
        calls += 1
        if calls == at:
            raise StoreUnavailable("away")
        return await world.dispatch(request)

    with pytest.raises(StoreUnavailable):
        await rest(fan_out(world, dying))
    before = len(planned(world))
    assert before == min(max(at - 2, 0) * CHUNK, len(people))
    await rest(fan_out(world))
    assert [plan.contact for plan in planned(world)] == people
    assert [advanced.planned for advanced in world.all_of(RunAdvanced)] == [CHUNK, 2 * CHUNK, len(people)]


async def test_two_fan_outs_at_once_plan_everybody_once() -> None:
    world = World()
    people = meet(world, 3 * CHUNK + 7)
    launch(world)
    beside = World(beside=world)
    await rest(fan_out(world), fan_out(beside), fan_out(world))
    assert [plan.contact for plan in planned(world)] == people
    assert (len(world.all_of(RunStarted)), len(world.all_of(CampaignStarted))) == (1, 1)
    assert [advanced.planned for advanced in world.all_of(RunAdvanced)][-1] == len(people)
    assert len(world.all_of(RunPlanned)) == 1


async def test_one_on_an_old_view_begins_nothing_again() -> None:
    world = World()
    meet(world, 3)
    launch(world)
    old = world.log.head()
    await rest(fan_out(world))
    done = world.log.head()
    beside = World(beside=world)
    beside.view.until = old
    late = fan_out(beside)
    assert [await late.step() for _ in range(3)] == [0, 0, 0]  # nor does it think that there is work
    assert world.log.head() == done


async def test_a_large_audience_is_planned_in_many_short_steps() -> None:
    world = World()
    meet(world, (CHUNKS_A_STEP + 1) * CHUNK)
    launch(world)
    out = fan_out(world)
    assert await out.step() == CHUNKS_A_STEP
    assert len(planned(world)) == CHUNKS_A_STEP * CHUNK
    await rest(out)
    assert len(planned(world)) == (CHUNKS_A_STEP + 1) * CHUNK


async def test_who_becomes_a_customer_while_it_is_planned_is_reached_once() -> None:
    world = World()
    meet(world, CHUNK)
    launch(world)
    calls = 0

    async def joined_by(request: Request) -> Result:
        nonlocal calls
        calls += 1
        if calls == 2:
            world.meet("late")
        return await world.dispatch(request)

    await rest(fan_out(world, joined_by))
    assert len({plan.customer for plan in planned(world)}) == len(planned(world)) == CHUNK + 1


async def test_a_damaged_campaign_stops_no_other() -> None:
    world = World()
    wang = world.meet("wang")
    launch(world)
    launch(world, CampaignId("autumn"))
    world.view.until = world.log.head()
    world.damage(campaigns.category, SUMMER)
    agenda = MemoryAgenda(under_way=[UnderWay(SUMMER), UnderWay(CampaignId("autumn"))])
    await fan_out(world, agenda=agenda).step()
    assert [(plan.campaign, plan.contact) for plan in planned(world)] == [("autumn", wang)]


# --- paused, cancelled, finished ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stop", [PauseCampaign(campaign=SUMMER, reason=Slug("operator")), CancelCampaign(campaign=SUMMER)]
)
async def test_stopped_between_two_chunks_no_more_is_planned_and_nothing_is_sent(stop: Command) -> None:
    world = World()
    meet(world, 2 * CHUNK + 5)
    launch(world)

    async def stopped(request: Request) -> Result:
        result = await world.dispatch(request)
        if len(planned(world)) == CHUNK and not isinstance(result, Failed):
            world.given(stop)
        return result

    await rest(fan_out(world, stopped))
    assert len(planned(world)) == CHUNK
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    cancelled = len(world.all_of(DeliverySuppressed))
    assert cancelled == (CHUNK if isinstance(stop, CancelCampaign) else 0)


async def test_what_is_decided_on_a_campaign_that_was_cancelled_meanwhile_plans_nobody() -> None:
    world = World()
    meet(world, 3)
    launch(world)
    refused = []

    async def raced(request: Request) -> Result:
        if len(request.commands) > 1:
            world.given(CancelCampaign(campaign=SUMMER))
        result = await world.dispatch(request)
        refused.append(isinstance(result, Failed) and isinstance(result.error, VersionConflict))
        return result

    await fan_out(world, raced).step()
    assert (planned(world), refused) == ([], [False, True])


async def test_a_paused_one_goes_on_where_it_was_and_is_looked_at_no_more_meanwhile() -> None:
    world = World()
    people = meet(world, 30)
    launch(world)
    await rest(fan_out(world))
    world.given(PauseCampaign(campaign=SUMMER, reason=Slug("operator"), operator=LI))
    provider = Provider(world)
    courier = world.courier(provider)
    await world.run(courier, 60.0)
    assert (provider.texts, world.view.due(world.now, 10, [(TELEGRAM, BOT)])) == ([], [])
    world.given(ResumeCampaign(campaign=SUMMER, operator=LI))
    await world.run(courier, 60.0)
    assert len(provider.texts) == len(people)


async def test_one_that_went_out_once_is_finished_when_nothing_of_it_is_open() -> None:
    world = World()
    meet(world, 3)
    launch(world)
    out = fan_out(world)
    await rest(out)
    assert world.all_of(CampaignFinished) == []
    await world.settle(world.courier(Provider(world)))
    await rest(out)
    assert world.all_of(CampaignFinished) == [CampaignFinished(campaign=SUMMER)]
    assert await out.step() == 0


async def test_what_was_paused_for_longer_than_its_messages_live_is_left_out_and_the_campaign_ends() -> None:
    world = World()
    meet(world, 3)
    launch(world)
    out = fan_out(world)
    await rest(out)
    world.given(PauseCampaign(campaign=SUMMER, reason=Slug("operator")))
    world.pass_time(timedelta(days=2).total_seconds())
    world.given(ResumeCampaign(campaign=SUMMER))
    provider = Provider(world)
    await world.settle(world.courier(provider))
    await rest(out)
    assert (provider.texts, len(world.all_of(DeliveryExpired))) == ([], 3)
    assert len(world.all_of(CampaignFinished)) == 1


# --- the canary --------------------------------------------------------------------------------------------------------


class Refusing:
    """A provider that refuses the first so many messages."""

    def __init__(self, first: int) -> None:
        self.left = first

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        self.left -= 1
        if self.left >= 0:
            raise PermanentFailure("bad-request")
        return ProviderMessageId(outbound.key)


async def test_a_few_go_first_and_the_others_follow_when_those_fared_well() -> None:
    world = World()
    meet(world, 300)
    launch(world, canary=TRIED_FIRST)
    out, provider = fan_out(world), Provider(world)
    courier = world.courier(provider)
    await rest(out)
    first = len(planned(world))
    assert 20 <= first <= 60
    assert world.all_of(RunSampled)[0].until == world.now + timedelta(seconds=600)
    await world.settle(courier)
    assert len(provider.texts) == first
    world.pass_time(599)
    await rest(out)
    assert len(planned(world)) == first
    world.pass_time(2)
    await rest(out)
    await world.settle(courier)
    assert (len(planned(world)), len(provider.texts)) == (300, 300)
    assert world.all_of(RunPlanned)[0].planned == 300


async def test_where_too_many_of_the_first_fail_the_others_wait_for_somebody_to_resume_it() -> None:
    world = World()
    meet(world, 300)
    launch(world, canary=TRIED_FIRST)
    out = fan_out(world)
    await rest(out)
    first = len(planned(world))
    courier = world.courier(Provider(world, inner=Refusing(5)))
    await world.settle(courier)
    world.pass_time(601)
    await rest(out)
    run = world.all_of(RunStarted)[0].run
    assert world.all_of(CampaignPaused) == [CampaignPaused(campaign=SUMMER, reason=FAILURES, run=run)]
    world.pass_time(3_600)
    await rest(out)
    assert len(planned(world)) == first
    world.given(ResumeCampaign(campaign=SUMMER, operator=LI))
    await rest(out)
    assert (len(planned(world)), len(world.all_of(RunCleared)), len(world.all_of(CampaignPaused))) == (
        300,
        1,
        1,
    )


async def test_of_many_that_come_and_go_while_some_go_first_each_is_carried_out_as_it_stands() -> None:
    world = World()
    meet(world, 300)
    out = fan_out(world)
    for number in range(20):
        passing = CampaignId(f"passing-{number}")
        launch(world, passing, canary=TRIED_FIRST)
        await rest(out)
        world.given(CancelCampaign(campaign=passing))
        await rest(out)
    launch(world, canary=TRIED_FIRST)
    await rest(out)
    world.given(PauseCampaign(campaign=SUMMER, reason=Slug("operator"), operator=LI))
    await rest(out)
    first = [plan for plan in planned(world) if plan.campaign == SUMMER]
    world.given(ResumeCampaign(campaign=SUMMER, operator=LI))
    await rest(out)
    assert [plan for plan in planned(world) if plan.campaign == SUMMER] == first
    await world.settle(world.courier(Provider(world)))
    world.pass_time(601)
    await rest(out)
    of_summer = [plan for plan in planned(world) if plan.campaign == SUMMER]
    assert len({plan.customer for plan in of_summer}) == len(of_summer) == 300
    assert [done.planned for done in world.all_of(RunPlanned)] == [300]


async def test_a_few_people_go_all_at_once() -> None:
    world = World()
    meet(world, 100)
    launch(world, canary=TRIED_FIRST)
    await rest(fan_out(world))
    assert (len(planned(world)), world.all_of(RunSampled)) == (100, [])


async def test_those_whom_quiet_hours_hold_are_waited_for() -> None:
    world = World()
    meet(world, 300)
    world.pass_time(timedelta(hours=11).total_seconds())  # 23:00 in Shanghai
    launch(world, canary=TRIED_FIRST)
    out, provider = fan_out(world), Provider(world)
    courier = world.courier(provider)
    await rest(out)
    first = len(planned(world))
    await world.settle(courier)
    for _ in range(9):
        world.pass_time(3_600)
        await world.settle(courier)
        await rest(out)
        assert len(planned(world)) == first
    world.pass_time(1_800)  # 08:30
    await world.settle(courier)
    assert len(provider.texts) == first
    await rest(out)
    assert len(planned(world)) == first
    world.pass_time(601)
    await rest(out)
    assert len(planned(world)) == 300


async def test_those_who_wait_longer_than_a_night_hold_nobody_back() -> None:
    world = World()
    meet(world, 300)
    launch(world, canary=TRIED_FIRST)
    out = fan_out(world)
    await rest(out)
    world.pass_time(600 + PATIENCE.total_seconds())
    await rest(out)
    assert len(planned(world)) == 300


async def test_killed_while_some_go_first_another_goes_on_there() -> None:
    world = World()
    people = meet(world, 300)
    launch(world, canary=TRIED_FIRST)
    provider = Provider(world)
    for _ in range(20):
        calls = 0

        async def dying(request: Request) -> Result:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise StoreUnavailable("away")
            return await world.dispatch(request)

        try:
            await rest(fan_out(world, dying))
        except StoreUnavailable:
            continue
        await world.settle(world.courier(provider))
        world.pass_time(601)
    assert {plan.contact for plan in planned(world)} == set(people)
    assert len(planned(world)) == 300
    assert len(world.all_of(DeliveryStarted)) == 300
    assert world.state(runs, world.all_of(RunStarted)[0].run).planned == 300
