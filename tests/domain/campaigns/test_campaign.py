"""The campaign's decisions: corrected while open, approved by somebody else, launched once, stopped for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.campaigns.campaign import ALONE_UP_TO, Stage, campaigns
from domain.campaigns.plan import CONTROL, Content, Timing, content_for
from domain.errors import NotAllowed, Rejected, UnknownRecipient
from domain.identity import Channel, Locale, OperatorId, Slug
from domain.message import Event
from tests.domain.controls import commands, events
from tests.domain.controls.ids import LI, NOON, SHANGHAI, SUMMER
from tests.domain.given import given

TAPIR = OperatorId("tapir")
MANY = replace(commands.LAUNCH_CAMPAIGN, meant=ALONE_UP_TO + 1)
UNDER_WAY = (events.CAMPAIGN_DRAFTED, events.CAMPAIGN_SCHEDULED, events.CAMPAIGN_STARTED)


def test_a_campaign_is_drafted_as_it_was_written() -> None:
    state = given(campaigns).when(replace(commands.DRAFT_CAMPAIGN, priority=7)).state
    assert state.stage is Stage.DRAFT
    assert state.drafted is not None
    assert (state.drafted.priority, state.drafted.name.value) == (7, "618")


def test_a_correction_takes_back_the_test_and_the_approval() -> None:
    approved = given(campaigns, events.CAMPAIGN_DRAFTED, events.CAMPAIGN_TESTED, events.CAMPAIGN_APPROVED)
    assert approved.state.stage is Stage.APPROVED
    assert approved.when(commands.DRAFT_CAMPAIGN).state.stage is Stage.DRAFT


def test_whoever_wrote_it_cannot_approve_it() -> None:
    given(campaigns, events.CAMPAIGN_DRAFTED).when(
        replace(commands.APPROVE_CAMPAIGN, operator=LI)
    ).then_rejected("whoever wrote a campaign cannot approve it: ask somebody else", NotAllowed)
    given(campaigns, events.CAMPAIGN_DRAFTED).when(replace(commands.APPROVE_CAMPAIGN, operator=TAPIR)).then(
        replace(events.CAMPAIGN_APPROVED, operator=TAPIR)
    )


def test_many_people_need_a_second_operators_approval_where_there_is_one() -> None:
    drafted = given(campaigns, events.CAMPAIGN_DRAFTED)
    drafted.when(MANY).then_rejected(
        "it means 501 people, more than 500: somebody else has to approve it first", NotAllowed
    )
    drafted.when(replace(MANY, alone=True)).then(replace(events.CAMPAIGN_SCHEDULED, meant=MANY.meant))
    given(campaigns, events.CAMPAIGN_DRAFTED, replace(events.CAMPAIGN_APPROVED, operator=TAPIR)).when(
        MANY
    ).then(replace(events.CAMPAIGN_SCHEDULED, meant=MANY.meant))


def test_nobody_meant_is_told_and_launches_nothing() -> None:
    given(campaigns, events.CAMPAIGN_DRAFTED).when(replace(commands.LAUNCH_CAMPAIGN, meant=0)).then_rejected(
        "nobody is meant by this campaign now: look at its audience", Rejected
    )


def test_one_that_ended_before_it_began_is_not_launched() -> None:
    over = Timing(zone=SHANGHAI, until=NOON - timedelta(days=1))
    given(campaigns, replace(events.CAMPAIGN_DRAFTED, timing=over)).when(
        commands.LAUNCH_CAMPAIGN
    ).then_rejected("it was to end before now: correct its dates")


def test_launching_twice_launches_once() -> None:
    launched = given(campaigns, events.CAMPAIGN_DRAFTED).when(commands.LAUNCH_CAMPAIGN)
    launched.then(events.CAMPAIGN_SCHEDULED)
    given(campaigns, *UNDER_WAY).when(commands.LAUNCH_CAMPAIGN).then_nothing()


def test_it_is_paused_and_goes_on_where_it_was() -> None:
    paused = given(campaigns, *UNDER_WAY).when(commands.PAUSE_CAMPAIGN).then(events.CAMPAIGN_PAUSED)
    assert not paused.running
    resumed = given(campaigns, *UNDER_WAY, events.CAMPAIGN_PAUSED).when(commands.RESUME_CAMPAIGN)
    assert resumed.then(events.CAMPAIGN_RESUMED).stage is Stage.RUNNING
    given(campaigns, *UNDER_WAY).when(commands.RESUME_CAMPAIGN).then_nothing()
    given(campaigns, *UNDER_WAY, events.CAMPAIGN_PAUSED).when(commands.PAUSE_CAMPAIGN).then_nothing()


@pytest.mark.parametrize("before", [(), UNDER_WAY[1:], (*UNDER_WAY[1:], events.CAMPAIGN_PAUSED)])
def test_a_cancel_ends_it_wherever_it_stands_and_once(before: tuple[Event, ...]) -> None:
    history = (events.CAMPAIGN_DRAFTED, *before)
    cancelled = given(campaigns, *history).when(commands.CANCEL_CAMPAIGN)
    assert cancelled.then(events.CAMPAIGN_CANCELLED).stage is Stage.CANCELLED
    given(campaigns, *history, events.CAMPAIGN_CANCELLED).when(commands.CANCEL_CAMPAIGN).then_nothing()
    given(campaigns, *history, events.CAMPAIGN_CANCELLED).when(commands.LAUNCH_CAMPAIGN).then_rejected(
        "this campaign is over (cancelled): draft it anew", Rejected
    )


def test_a_launched_campaign_is_not_changed_any_more() -> None:
    for command in (
        commands.DRAFT_CAMPAIGN,
        commands.LIST_FOR_CAMPAIGN,
        commands.TEST_CAMPAIGN,
        commands.APPROVE_CAMPAIGN,
    ):
        given(campaigns, *UNDER_WAY).when(command).then_rejected(
            "this campaign is running: it cannot be changed any more"
        )


def test_what_is_no_campaign_is_told() -> None:
    given(campaigns).when(commands.LAUNCH_CAMPAIGN).then_rejected("no such campaign", UnknownRecipient)
    given(campaigns, events.CAMPAIGN_DRAFTED).when(commands.PAUSE_CAMPAIGN).then_rejected(
        "this campaign is a draft: launch it first", Rejected
    )


def test_a_finished_one_stays_finished() -> None:
    finished = given(campaigns, *UNDER_WAY).when(commands.FINISH_CAMPAIGN)
    assert finished.then(events.CAMPAIGN_FINISHED).running
    given(campaigns, *UNDER_WAY, events.CAMPAIGN_FINISHED).when(commands.PAUSE_CAMPAIGN).then_nothing()


def test_a_list_is_for_a_campaign_that_has_one() -> None:
    drafted = given(campaigns).when(commands.DRAFT_CAMPAIGN).state.drafted
    assert drafted is not None
    listed = given(campaigns, drafted).when(commands.LIST_FOR_CAMPAIGN)
    assert listed.then(events.CAMPAIGN_LISTED).listed == 1
    given(campaigns, events.CAMPAIGN_DRAFTED).when(commands.LIST_FOR_CAMPAIGN).then_rejected(
        "this campaign has no list: its audience is tags", Rejected
    )


def test_the_most_specific_text_is_taken() -> None:
    zh, wechat, other = Locale("zh"), Channel("wechat"), Channel("telegram")
    for_all, chinese = Content(text="all"), Content(text="chinese", locale="zh")
    on_wechat, second = Content(text="wechat", channel="wechat"), Content(text="b", variant="b")
    contents = [for_all, chinese, on_wechat, second]
    assert content_for(contents, CONTROL, wechat, zh) is on_wechat
    assert content_for(contents, CONTROL, other, zh) is chinese
    assert content_for(contents, CONTROL, other, Locale("en")) is for_all
    assert content_for(contents, Slug("b"), other, zh) is second
    assert content_for(contents, Slug("c"), other, zh) is None


def test_the_commands_name_this_campaign() -> None:
    assert commands.DRAFT_CAMPAIGN.campaign == SUMMER


def test_a_recall_cancels_what_has_not_left_too() -> None:
    given(campaigns, *UNDER_WAY).when(commands.RECALL_CAMPAIGN).then(
        events.CAMPAIGN_CANCELLED, events.CAMPAIGN_RECALLED
    )
    given(campaigns, *UNDER_WAY, events.CAMPAIGN_FINISHED).when(commands.RECALL_CAMPAIGN).then(
        events.CAMPAIGN_RECALLED
    )
    given(campaigns, events.CAMPAIGN_DRAFTED).when(commands.RECALL_CAMPAIGN).then_rejected(
        "this campaign is a draft: launch it first"
    )
