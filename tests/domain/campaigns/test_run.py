"""A run: begun once, fanned out step by step, in two passes where some go first."""

from dataclasses import replace
from datetime import timedelta

from domain.campaigns.campaign import Stage, campaigns
from domain.campaigns.run import Pass, runs
from domain.errors import VersionConflict
from domain.message import Command
from tests.domain.controls import commands, events
from tests.domain.controls.ids import JUNE, NOON, SUMMER
from tests.domain.given import given
from tests.domain.shop import Shop

SAMPLED = replace(events.RUN_STARTED, meant=3_000, sample=30)
LAUNCHED: tuple[Command, ...] = (
    commands.DRAFT_CAMPAIGN,
    replace(commands.LAUNCH_CAMPAIGN, alone=True),
)


def test_the_first_run_of_a_campaign_starts_it() -> None:
    shop = Shop().given(*LAUNCHED)
    shop.when(commands.START_RUN).then(events.RUN_STARTED, events.CAMPAIGN_STARTED)
    assert shop.state(campaigns, SUMMER).stage is Stage.RUNNING


def test_a_run_begins_once_however_often_it_is_asked_for() -> None:
    shop = Shop().given(*LAUNCHED, commands.START_RUN)
    shop.when(replace(commands.START_RUN, meant=9)).then()
    assert shop.state(runs, JUNE).meant == 3


def test_no_run_of_a_paused_cancelled_or_unlaunched_campaign_begins() -> None:
    Shop().given(commands.DRAFT_CAMPAIGN).when(commands.START_RUN).then()
    Shop().given(*LAUNCHED, commands.PAUSE_CAMPAIGN).when(commands.START_RUN).then()
    Shop().given(*LAUNCHED, commands.CANCEL_CAMPAIGN).when(commands.START_RUN).then()


def test_a_fan_out_at_a_place_that_was_planned_already_is_told_so_and_plans_nobody() -> None:
    shop = Shop().given(*LAUNCHED, commands.START_RUN)
    shop.when(commands.ADVANCE_RUN).then(events.RUN_ADVANCED)
    late = shop.when(commands.ADVANCE_RUN, commands.PLAN_DELIVERY)
    late.then_failed("others have planned this run further meanwhile", VersionConflict)
    further = replace(commands.ADVANCE_RUN, since=200, after=400, planned=5)
    shop.when(further).then(replace(events.RUN_ADVANCED, after=400, planned=8))


def test_nobody_is_planned_while_the_campaign_is_paused_or_after_it_was_cancelled() -> None:
    for stop in (commands.PAUSE_CAMPAIGN, commands.CANCEL_CAMPAIGN):
        shop = Shop().given(*LAUNCHED, commands.START_RUN, stop)
        late = shop.when(commands.ADVANCE_RUN, commands.PLAN_DELIVERY)
        late.then_failed("this campaign is not running any more", VersionConflict)
    Shop().when(commands.ADVANCE_RUN).then_failed("this run was not started", VersionConflict)


def test_where_some_go_first_the_others_wait_until_they_are_cleared() -> None:
    first = given(runs, SAMPLED)
    assert first.state.at_pass is Pass.FIRST
    first.when(commands.FINISH_RUN).then_nothing()
    sampled = given(runs, SAMPLED, events.RUN_ADVANCED).when(commands.SAMPLE_RUN)
    waiting = sampled.then(replace(events.RUN_SAMPLED, planned=3))
    assert (waiting.at_pass, waiting.until) == (Pass.WAITING, NOON + timedelta(minutes=10))
    cleared = given(runs, SAMPLED, events.RUN_ADVANCED, events.RUN_SAMPLED).when(commands.CLEAR_RUN)
    everybody = cleared.then(events.RUN_CLEARED)
    assert (everybody.at_pass, everybody.after, everybody.planned) == (Pass.EVERYBODY, 0, 0)


def test_a_run_is_planned_once() -> None:
    done = given(runs, events.RUN_STARTED, events.RUN_ADVANCED).when(commands.FINISH_RUN)
    assert done.then(events.RUN_PLANNED).at_pass is Pass.PLANNED
    given(runs, events.RUN_STARTED, events.RUN_PLANNED).when(commands.FINISH_RUN).then_nothing()
    given(runs, events.RUN_STARTED).when(commands.SAMPLE_RUN).then_nothing()
    given(runs, events.RUN_STARTED).when(commands.CLEAR_RUN).then_nothing()
