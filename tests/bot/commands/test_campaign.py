"""Campaigns by command: written as a form, looked at, tried, agreed to, let go, and stopped."""

from datetime import timedelta

import pytest

from bot.commands.command import Operator
from domain.campaigns import commands
from domain.campaigns.campaign import Stage
from domain.campaigns.commands import LaunchCampaign
from domain.campaigns.events import CampaignDrafted, CampaignListed, CampaignPaused, CampaignScheduled
from domain.conversations.commands import Reachability
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.errors import NotAllowed
from domain.identity import CampaignId, SubjectId, Tag
from domain.message import Personal
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop

FORM = """
name: Summer tea
audience: {tags: [vip]}
when: now
canary: false
content:
  text: "{{ name }}, 上新了 https://tea.example/new"
  buttons:
    - {label: "Look, {{ name }}", url: "https://tea.example/new"}
    - {label: More, says: more}
"""


@pytest.fixture
def audience(shop: Shop) -> Shop:
    """Wang and Li are tagged and can be reached; the others are left out, each for a reason."""
    for who in ("wang", "li", "stopped", "gone", "silent"):
        shop.says(who, "hello")
    shop.says("stopped", "退订")
    shop.receive("gone", Reachability(reachable=False))
    shop.says("shy", "hi all", group="tea")
    for number in range(1, 7):
        shop.orders(f"/tag #{number} vip")
    shop.orders("/untag #5 vip")
    return shop


def drafted(shop: Shop, form: str = FORM, operator: Operator | None = None) -> CampaignId:
    reply = shop.orders(f"/campaign draft {form}", operator=operator)
    assert reply.outcome is CommandOutcome.DONE, reply.text
    return CampaignId(str(reply.rows[0]["campaign"]))


def stage(shop: Shop, campaign: CampaignId) -> Stage:
    return shop.office.outreach.records.state(campaign).stage


def test_a_form_becomes_a_draft_under_the_id_of_its_name(audience: Shop) -> None:
    campaign = drafted(audience)
    (event,) = audience.events_of(CampaignDrafted)
    assert (event.campaign, event.name, event.selection.tags) == (
        campaign,
        Personal("Summer tea"),
        (Tag("vip"),),
    )
    corrected = drafted(audience, FORM.replace("Summer tea", "ＳＵＭＭＥＲ tea").replace("上新了", "新茶"))
    assert corrected == campaign
    assert len(audience.events_of(CampaignDrafted)) == 2


def test_the_same_form_again_changes_nothing_and_takes_no_test_back(audience: Shop) -> None:
    campaign = drafted(audience)
    reply = audience.orders(f"/campaign draft {FORM}")
    assert reply.commands == ()
    assert reply.text == f"{campaign}  Summer tea is written down so already."


def test_everything_wrong_with_a_form_is_told_at_once_and_nothing_is_drafted(audience: Shop) -> None:
    reply = audience.orders(
        "/campaign draft name: x\naudience: {tags: [nobody]}\nwhen: 2024-01-01 10:00\nzone: Mars/Base\n"
        "nope: 1\ncontent: {text: 'Hi {{ nam }}'}"
    )
    assert reply.outcome is CommandOutcome.REFUSED
    assert reply.text.splitlines() == [
        "nope: there is no such key here",
        "zone: this is no time zone: write one like Asia/Shanghai",
        "when: 2024-01-01 10:00 is past: it is 2026-11-20 12:00:08 Asia/Shanghai",
        "audience.tags: nobody has the tag nobody",
        "content.text: nothing is known as nam: there are brand, name, number, username",
    ]
    assert audience.events_of(CampaignDrafted) == []


def test_the_plan_shows_real_recipients_and_who_is_left_out_for_what(audience: Shop) -> None:
    campaign = drafted(audience)
    reply = audience.asks(f"/campaign plan {campaign}")
    assert reply.text.splitlines() == [
        f"{campaign}  Summer tea (draft)",
        "Means: everybody tagged vip",
        "Goes out as soon as it is launched.",
        "#1 Wang:",
        "Wang, 上新了 https://tea.example/new",
        "Look, Wang: https://tea.example/new",
        "#2 Li:",
        "Li, 上新了 https://tea.example/new",
        "Look, Li: https://tea.example/new",
        "Means 5 now.",
        "Reaches 2: telegram 2",
        "Left out 3: unsubscribed 1, blocked us 1, never wrote in private 1",
        "Not counted: whom somebody talks with just then, and campaigns of a higher priority.",
        "How fast it goes is known while Siyu runs and all its accounts are open.",
    ]
    assert reply.rows[0]["reached"] == 2


def test_it_is_launched_by_the_code_it_was_shown_with(audience: Shop) -> None:
    campaign = drafted(audience)
    shown = audience.orders(f"/campaign launch {campaign}")
    assert shown.outcome is CommandOutcome.ASKED
    assert stage(audience, campaign) is Stage.DRAFT
    audience.now += timedelta(minutes=59)
    yes = audience.orders(shown.choices[0][0][1])
    assert yes.text.splitlines()[0] == "Launched: Summer tea."
    assert [(e.campaign, e.meant) for e in audience.events_of(CampaignScheduled)] == [(campaign, 5)]


def test_a_code_counts_no_more_after_a_correction_or_after_two_hours(audience: Shop) -> None:
    campaign = drafted(audience)
    code = audience.orders(f"/campaign launch {campaign}").choices[0][0][1]
    drafted(audience, FORM.replace("上新了", "新茶"))
    assert audience.asks(code).outcome is CommandOutcome.FAILED
    code = audience.orders(f"/campaign launch {campaign}").choices[0][0][1]
    audience.now += timedelta(hours=2)
    assert audience.asks(code).outcome is CommandOutcome.FAILED


@pytest.mark.parametrize(
    "line", ["/campaign launch {} --yes", "活动 启动 {} --yes", "/campaign launch Summer tea --yes"]
)
def test_yes_said_at_once_launches_it_once(audience: Shop, line: str) -> None:
    campaign = drafted(audience)
    audience.orders(line.format(campaign))
    audience.orders(line.format(campaign))
    assert len(audience.events_of(CampaignScheduled)) == 1


def test_what_was_launched_is_not_corrected_any_more(audience: Shop) -> None:
    campaign = drafted(audience)
    audience.orders(f"/campaign launch {campaign} --yes")
    reply = audience.asks(f"/campaign draft {FORM.replace('上新了', '新茶')}")
    assert reply.outcome is CommandOutcome.REFUSED
    assert "give the new one another name" in reply.text


def test_it_is_paused_goes_on_and_is_cancelled(audience: Shop) -> None:
    campaign = drafted(audience)
    audience.orders(f"/campaign launch {campaign} --yes")
    seen = []
    for word in ("pause", "resume", "cancel"):
        audience.orders(f"/campaign {word} {campaign[:6]}")
        seen.append(stage(audience, campaign))
    assert seen == [Stage.PAUSED, Stage.SCHEDULED, Stage.CANCELLED]
    assert audience.events_of(CampaignPaused)[0].reason == "operator"


def test_more_than_500_people_need_somebody_else_to_approve(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(501):
        shop.says(f"c{number}", "hello")
    mia = Operator(shop.hires("mia", Role.MARKETER), Role.MARKETER)
    noa = Operator(shop.hires("noa", Role.MARKETER), Role.MARKETER)
    form = FORM.replace("{tags: [vip]}", "{all: true}")
    campaign = drafted(shop, form, operator=mia)
    alone = shop.asks(f"/campaign launch {campaign} --yes", operator=mia)
    launch = alone.commands[0]
    assert isinstance(launch, LaunchCampaign)
    assert (launch.meant, launch.alone) == (501, False)
    refused = shop.append("x", alone, shop.request())
    assert isinstance(refused.error, NotAllowed)  # type: ignore[union-attr]
    asked = shop.asks(f"/campaign launch {campaign}", operator=mia)
    assert (asked.outcome, asked.text) == (
        CommandOutcome.REFUSED,
        "it means 501 people, more than 500: somebody else has to approve it first",
    )
    shop.orders(f"/campaign approve {campaign}", operator=noa)
    shop.orders(f"/campaign launch {campaign} --yes", operator=mia)
    assert stage(shop, campaign) is Stage.SCHEDULED


def test_whoever_is_the_only_marketer_needs_nobody(shop: Shop) -> None:
    shop.says("wang", "hello")
    mia = Operator(shop.hires("mia", Role.MARKETER), Role.MARKETER)
    shop.hires("agent", Role.AGENT)
    campaign = drafted(shop, FORM.replace("{tags: [vip]}", "{all: true}"), operator=mia)
    for operator in (mia, None):
        (launch,) = shop.asks(f"/campaign launch {campaign} --yes", operator=operator).commands
        assert isinstance(launch, LaunchCampaign)
        assert launch.alone


def test_the_machine_is_not_alone_where_two_could_approve(shop: Shop) -> None:
    shop.says("wang", "hello")
    campaign = drafted(shop, FORM.replace("{tags: [vip]}", "{all: true}"))
    alone = []
    for name in ("mia", "noa"):
        shop.hires(name, Role.MARKETER)
        (launch,) = shop.asks(f"/campaign launch {campaign} --yes").commands
        assert isinstance(launch, LaunchCampaign)
        alone.append(launch.alone)
    assert alone == [True, False]


def test_nobody_reached_is_said_and_nothing_launched(audience: Shop) -> None:
    form = FORM.replace("{tags: [vip]}", "{customers: ['#3', '#4']}")
    campaign = drafted(audience, form)
    assert audience.events_of(CampaignListed) == [
        CampaignListed(campaign=campaign, customers=(audience.customer("stopped"), audience.customer("gone")))
    ]
    reply = audience.asks(f"/campaign launch {campaign}")
    assert reply.outcome is CommandOutcome.FAILED
    assert "Reaches nobody now." in reply.text


def test_a_test_goes_to_the_operator_as_a_customer_would_get_it(audience: Shop) -> None:
    olga = audience.binds("olga", Role.MARKETER, "silent")
    campaign = drafted(audience)
    reply = audience.orders(f"/campaign test {campaign} #2", operator=olga)
    plan, tested = reply.commands
    assert isinstance(plan, PlanDelivery)
    assert plan.text == Personal("Li, 上新了 https://tea.example/new\nLook, Li: https://tea.example/new")
    assert plan.choices == Personal([["More", "more"]])
    assert (plan.contact, plan.kind, plan.verbatim, plan.campaign) == (
        olga.contact,
        DeliveryClass.SERVICE,
        True,
        None,
    )
    assert plan.subject == SubjectId(f"contact-{audience.contact('li')}")
    assert tested == commands.TestCampaign(campaign=campaign, operator=olga.id)
    assert stage(audience, campaign) is Stage.TESTED


def test_a_preview_for_somebody_whose_variable_is_empty_says_so(audience: Shop) -> None:
    campaign = drafted(audience, FORM.replace("{{ name }}, 上新了", "{{ username | slice: 99 }} 上新了"))
    assert audience.asks(f"/campaign preview {campaign} #1").outcome is CommandOutcome.DONE
    campaign = drafted(audience, FORM.replace("Summer tea", "x"))
    shown = audience.asks(f"活动 预览 {campaign} #1")
    assert shown.text.splitlines()[:2] == [
        "For #1 Wang, on telegram:",
        "Wang, 上新了 https://tea.example/new",
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
def test_who_is_no_marketer_may_do_none_of_it(audience: Shop, role: Role) -> None:
    assert audience.asks("/campaign list", role).outcome is CommandOutcome.REFUSED


def test_campaigns_are_listed_newest_first(audience: Shop) -> None:
    assert audience.asks("/campaign list").text == "There are no campaigns yet."
    first = drafted(audience)
    audience.now += timedelta(minutes=1)
    second = drafted(audience, FORM.replace("Summer tea", "Autumn tea"))
    assert audience.asks("/campaign list").text.splitlines() == [
        f"{second}  Autumn tea (draft)",
        f"{first}  Summer tea (draft)",
    ]
