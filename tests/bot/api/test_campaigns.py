"""Campaigns, written and let go by a program, and codes that are used up."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.campaigns.results import as_json, gather
from domain.campaigns.commands import LaunchCampaign, StartRun
from domain.campaigns.events import CampaignApproved, CampaignDrafted, CampaignScheduled
from domain.deliveries.commands import AcceptDelivery, ConfirmDelivery
from domain.deliveries.events import HOLDOUT, Confirmation, DeliveryClass
from domain.identity import CampaignId
from domain.operators.events import CommandGiven, CommandOutcome, Role
from tests.bot.api.programs import Answer, Programs, is_problem, operator_id
from tests.domain.controls.commands import CLAIM_DELIVERY
from tests.projections import outreach

FORM = """\
name: Spring tea
audience:
  all: true
when: now
content:
  text: New tea is here
"""
MARKETER = Role.MARKETER


async def drafted(programs: Programs, form: object = FORM) -> str:
    answer = await programs.asks("POST", "/campaigns", {"form": form}, MARKETER)
    assert (answer.status, answer.body.get("stage")) == (201, "draft"), answer
    return str(answer.body["id"])


async def does(programs: Programs, campaign: str, verb: str, body: object = None) -> Answer:
    return await programs.asks("POST", f"/campaigns/{campaign}/{verb}", body, MARKETER)


async def test_a_campaign_is_written_planned_agreed_to_and_let_go(programs: Programs) -> None:
    campaign = await drafted(programs)
    plan = await does(programs, campaign, "plan")
    assert (plan.status, plan.body["meant"]) == (200, 2)
    assert plan.body["reached"] + sum(plan.body["left_out"].values()) == 2
    stages = []
    for verb in ("approve", "launch", "pause", "resume", "cancel"):
        role = Role.MANAGER if verb == "approve" else MARKETER
        moved = await programs.asks("POST", f"/campaigns/{campaign}/{verb}", role=role)
        assert (moved.status, moved.body.get("id")) == (200, campaign), moved
        stages.append(moved.body["stage"])
    assert stages == ["approved", "scheduled", "paused", "scheduled", "cancelled"]
    operator, other = (operator_id(programs.premises, f"the {role}") for role in (MARKETER, Role.MANAGER))
    (written,) = programs.premises.events(CampaignDrafted)
    (agreed,) = programs.premises.events(CampaignApproved)
    (launched,) = programs.premises.events(CampaignScheduled)
    assert (written.operator, agreed.operator, launched.operator) == (operator, other, operator)
    lines = [
        given.line.value for given in programs.premises.events(CommandGiven) if given.operator == operator
    ]
    assert lines[0] == "POST /campaigns"
    assert f"POST /campaigns/{campaign}/launch" in lines


async def test_a_campaign_is_told_with_its_form(programs: Programs) -> None:
    campaign = await drafted(programs)
    (listed,) = (await programs.gets("/campaigns", MARKETER)).items
    whole = await programs.gets(f"/campaigns/{campaign}", MARKETER)
    assert whole.body.items() >= {**listed, "form": FORM, "topic": "marketing"}.items()
    assert (listed["id"], listed["name"], listed["stage"]) == (campaign, "Spring tea", "draft")


async def test_a_form_may_be_an_object_and_the_same_name_is_the_same_campaign(programs: Programs) -> None:
    form = {
        "name": "Spring tea",
        "audience": {"all": True},
        "when": "now",
        "content": {"text": "New tea is here"},
    }
    assert await drafted(programs) == await drafted(programs, form) == await drafted(programs, form)
    assert len((await programs.gets("/campaigns", MARKETER)).items) == 1


@pytest.mark.parametrize(
    "form,told",
    [
        ("name: Spring\nname: Autumn", "name"),
        ("name: Spring\ncolour: green", "colour"),
        ("name: Spring\naudience: {tags: nobody}\ncontent: {text: hi}", "tags"),
        ("name: Spring\naudience: {all: true}\ncontent: {text: '{{ nobody.knows }}'}", "content.text"),
        ("name: Spring\naudience: {list: /etc/passwd}\ncontent: {text: hi}", "only a form that is a file"),
        ("{" * 50_000, ""),
        ({"name": {"deep": [[[[]]]]}}, "name"),
    ],
    ids=range(7),
)
async def test_a_form_with_something_wrong_is_refused_and_nothing_is_kept(
    programs: Programs, form: object, told: str
) -> None:
    answer = await programs.asks("POST", "/campaigns", {"form": form}, MARKETER)
    assert told in is_problem(answer, 422)
    assert programs.premises.events(CampaignDrafted) == []


async def test_what_a_campaign_does_not_allow_now_is_told_and_written_down(programs: Programs) -> None:
    campaign = await drafted(programs)
    is_problem(await does(programs, campaign, "pause"), 409)
    assert "ask somebody else" in is_problem(await does(programs, campaign, "approve"), 409)
    refused = [g for g in programs.premises.events(CommandGiven) if g.outcome is CommandOutcome.REFUSED]
    assert [given.line.value for given in refused] == [
        f"POST /campaigns/{campaign}/pause",
        f"POST /campaigns/{campaign}/approve",
    ]
    is_problem(await does(programs, "ffffffffff", "launch"), 404)
    is_problem(await programs.gets("/campaigns/ffffffffff/results", MARKETER), 404)


async def test_every_figure_is_as_long_as_its_list(programs: Programs) -> None:
    campaign = await drafted(programs)
    results = (await programs.gets(f"/campaigns/{campaign}/results", MARKETER)).body
    assert {"planned", "sent", "left-out", "clicked", "opted-out"} <= set(results["figures"])
    for figure, count in results["figures"].items():
        listed = await programs.gets(f"/campaigns/{campaign}/results/{figure}", MARKETER)
        assert (len(listed.items), listed.body["next"]) == (count, None)
    is_problem(await programs.gets(f"/campaigns/{campaign}/results/everything", MARKETER), 422)


async def test_results_have_the_statistics_that_operators_are_told(programs: Programs) -> None:
    """Two texts and a holdout: Wang got the first, Li the second and clicked, Chen nothing."""
    house, campaign = programs.premises.house, CampaignId("7ea7ea")
    house.do("operator-cli", replace(outreach.draft(), campaign=campaign, goal=None))
    house.do("operator-cli", LaunchCampaign(campaign=campaign, meant=3, alone=True))
    run = outreach.run_of(campaign)
    house.do("scheduler", StartRun(run=run, campaign=campaign, at=programs.premises.now, meant=3))
    for who, variant in (("wang", outreach.A), ("li", outreach.B), ("chen", HOLDOUT)):
        programs.premises.says(who, "hi")
        plan = replace(
            programs.premises.plan(who, "tea", DeliveryClass.MARKETING),
            campaign=campaign,
            run=run,
            variant=variant,
        )
        house.do("scheduler", plan)
        house.do("scheduler", replace(CLAIM_DELIVERY, delivery=plan.delivery, until=plan.expires_at))
        house.do("scheduler", AcceptDelivery(delivery=plan.delivery, attempt=1))
        if who == "li":
            house.do("scheduler", ConfirmDelivery(delivery=plan.delivery, how=Confirmation.CLICKED))
    found = (await programs.gets(f"/campaigns/{campaign}/results", MARKETER)).body
    with house.views.read() as connection:
        told = as_json(gather(connection, campaign, now=programs.premises.now))
    told.pop("run")
    variants, ends = found.pop("variants"), found.pop("open_until")
    assert datetime.fromisoformat(ends) == datetime.fromisoformat(told.pop("open_until"))
    assert found == told
    assert {one: figures["planned"] for one, figures in variants.items()} == {"a": 1, "b": 1, "holdout": 1}
    first, second = found["arms"]
    assert (first["against_first"], second["against_first"]["value"]) == (None, 1.0)
    assert [held["figure"] for held in found["holdouts"]] == ["held-out"]
    assert found["rates"]["clicked"]["hits"] == 1
    assert 0 < found["sample_ratio_p_value"] <= 1


async def test_a_test_that_nobody_could_get_is_refused(programs: Programs) -> None:
    campaign = await drafted(programs)
    is_problem(await does(programs, campaign, "test", {}), 409)
    is_problem(await does(programs, campaign, "test", {"to": "nobody"}), 404)


async def test_a_code_that_nobody_was_given_is_not_redeemed_and_is_in_no_entry(programs: Programs) -> None:
    answer = await programs.asks("POST", "/coupons/S3CR3T/redemption", role=Role.AGENT)
    assert "no code that we gave" in is_problem(answer, 404)
    assert "S3CR3T" not in str(programs.premises.events(CommandGiven))
