"""``/campaigns``: written, tried, agreed to and let go as with /campaign, and what came of them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, status
from pydantic import Field

from bot.api.audit import record_read
from bot.api.auth import Caller, Marketer
from bot.api.commanding import answered, calling, commanded
from bot.api.pages import USUAL, Asked, Cursor, Limit, Page, Told, place
from bot.api.problems import Kind, Problem
from bot.api.results import Results
from bot.campaigns.results import as_json, gather
from bot.commands.campaign import campaign as command
from bot.commands.campaign import kept
from bot.commands.forms import read_here
from domain.campaigns.campaign import Stage
from domain.identity import CampaignId, Slug
from projections import campaigns
from projections.campaign_names import campaigns_listed
from projections.campaigns import Among, Figure, Status

router = APIRouter(tags=["campaigns"])

MOST_LISTED = 10_000
LONGEST_FORM = 100_000
ID = Annotated[str, Path(pattern=r"^[0-9a-f]{6,64}$", description="the campaign's id")]
VARIANT = Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,40}$", description="only of this text")]


class Form(Asked):
    """A campaign's form: YAML as in a file, or the same as an object (docs/campaign.schema.json)."""

    form: Annotated[str, Field(min_length=1, max_length=LONGEST_FORM)] | dict[str, Any]


class Trial(Asked):
    """``customer``: as whom it is seen; the first of those meant where none is named. ``to``: the operator who gets it."""

    customer: Annotated[str, Field(max_length=200, pattern=r"^(#\d{1,9}|\S+:\S+)?$")] = ""
    to: Annotated[str, Field(max_length=64, pattern=r"^\S*$")] = ""


class Listed(Told):
    """Where a campaign stands. ``meant``: how many people when it was launched."""

    id: str
    name: str
    stage: Stage
    meant: int | None
    drafted_at: datetime
    scheduled_for: datetime | None


class Campaign(Listed):
    """All that is known of a campaign. ``form``: as it was written last."""

    pause_reason: str | None
    topic: str
    goal: str | None
    goal_days: int | None
    holdout_percent: int
    operator: str | None
    approved_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    form: str = ""


class Plan(Told):
    """What launching it now would come to. ``left_out``: how many by each reason. ``said``: as an operator is told it."""

    meant: int
    reached: int
    left_out: dict[str, int]
    said: str


class Done(Told):
    """Where it stands now. ``said``: as an operator is told it."""

    id: str
    stage: Stage
    said: str


class Recipient(Told):
    """One of those behind a figure, and what became of their message. ``customer``: null for a group, and for the forgotten."""

    delivery: str
    run: str
    customer: str | None
    variant: str | None
    status: Status
    reason: str | None
    rule: str | None
    planned_at: datetime
    at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    opted_out_at: datetime | None
    converted_at: datetime | None


@router.get("/campaigns")
def list_campaigns(caller: Marketer, limit: Limit = USUAL, cursor: Cursor = None) -> Page[Listed]:
    """Campaigns, the one that was written or corrected last first."""
    begin = min(place(cursor), MOST_LISTED)
    end = begin + limit
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        found = campaigns_listed(connection, end + 1)
    items = [
        Listed(
            id=one.campaign,
            name=one.name,
            stage=one.stage,
            meant=one.meant,
            drafted_at=one.drafted_at,
            scheduled_for=one.at,
        )
        for one in found[begin:end]
    ]
    return Page[Listed](items=items, next=str(end) if len(found) > end else None)


@router.post("/campaigns", status_code=status.HTTP_201_CREATED)
def post_campaign(caller: Marketer, form: Form) -> Done:
    """Write a campaign down; one of the same name that was not launched yet is corrected. All that is wrong is told at once."""
    text = form.form if isinstance(form.form, str) else msgspec.json.encode(form.form).decode()
    call = calling(caller, command, f"draft {text}", "POST /campaigns")
    read = read_here(text, call.office, call.now, call.say, call.operator.id)
    reply = answered(caller, call, kept(call, read))
    if read.draft is None:
        raise AssertionError("a form that is kept has a draft")
    return _done(caller, read.draft.campaign, reply.text)


@router.get("/campaigns/{campaign}")
def show_campaign(caller: Marketer, campaign: ID) -> Campaign:
    """One campaign, with its form."""
    found = Campaign.model_validate(_known(caller, campaign))
    drafted = caller.house.office.outreach.records.state(CampaignId(campaign)).drafted
    return found if drafted is None else found.model_copy(update={"form": drafted.form.value})


@router.post("/campaigns/{campaign}/plan")
def plan_campaign(caller: Marketer, campaign: ID) -> Plan:
    """See whom it would reach, whom not, and why."""
    _known(caller, campaign)
    reply = commanded(caller, command, f"plan {campaign}", f"POST /campaigns/{campaign}/plan")
    (row,) = reply.rows
    return Plan.model_validate({**row, "said": reply.text})


@router.post("/campaigns/{campaign}/test")
def test_campaign(caller: Marketer, campaign: ID, trial: Trial) -> Done:
    """Send it to an operator, as a customer would get it."""
    to = f"--to {trial.to}" if trial.to else ""
    return _moved(caller, campaign, "test", f"{to} {trial.customer}")


@router.post("/campaigns/{campaign}/approve")
def approve_campaign(caller: Marketer, campaign: ID) -> Done:
    """Agree to it."""
    return _moved(caller, campaign, "approve")


@router.post("/campaigns/{campaign}/launch")
def launch_campaign(caller: Marketer, campaign: ID) -> Done:
    """Let it go out when its time comes. What it comes to, /plan tells before."""
    return _moved(caller, campaign, "launch")


@router.post("/campaigns/{campaign}/pause")
def pause_campaign(caller: Marketer, campaign: ID) -> Done:
    """Hold it."""
    return _moved(caller, campaign, "pause")


@router.post("/campaigns/{campaign}/resume")
def resume_campaign(caller: Marketer, campaign: ID) -> Done:
    """Let it go on."""
    return _moved(caller, campaign, "resume")


@router.post("/campaigns/{campaign}/cancel")
def cancel_campaign(caller: Marketer, campaign: ID) -> Done:
    """End it; what has not left will not leave."""
    return _moved(caller, campaign, "cancel")


@router.get("/campaigns/{campaign}/results")
def show_results(caller: Marketer, campaign: ID) -> Results:
    """What became of it, in numbers, its texts compared with each other, and all of it with those who got nothing."""
    known = _known(caller, campaign)
    with caller.house.views.snapshot() as connection:
        found = gather(connection, known.id, now=caller.house.clock())
        by_variant = campaigns.figures_by_variant(connection, Among(campaign=known.id))
    variants = {str(one): figures for one, figures in by_variant.items() if one is not None}
    return Results.model_validate({**as_json(found), "variants": variants})


@router.get("/campaigns/{campaign}/results/{figure}")
def list_recipients(
    caller: Marketer,
    campaign: ID,
    figure: Figure,
    variant: VARIANT = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[Recipient]:
    """Whom a figure counts."""
    wanted = None if variant is None else Slug(variant)
    among = Among(campaign=CampaignId(_known(caller, campaign).id), variant=wanted)
    after = place(cursor)
    with caller.house.views.read() as connection:
        found = campaigns.recipients(connection, among, figure, after=after, limit=limit + 1)
    page = found[:limit]
    about = sorted({one.customer for one in page if one.customer is not None})
    if page:
        record_read(caller, command.name, f"GET /campaigns/{campaign}/results/{figure}", about)
    next_ = str(page[-1].cursor) if len(found) > limit else None
    return Page[Recipient](items=[Recipient.model_validate(one) for one in page], next=next_)


def _known(caller: Caller, campaign: str) -> campaigns.Campaign:
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        found = campaigns.campaign(connection, CampaignId(campaign))
    if found is None:
        raise Problem(Kind.NOT_FOUND, "no such campaign: GET /campaigns lists them")
    return found


def _moved(caller: Caller, campaign: str, verb: str, more: str = "") -> Done:
    _known(caller, campaign)
    reply = commanded(caller, command, f"{verb} {campaign} {more}", f"POST /campaigns/{campaign}/{verb}")
    return _done(caller, CampaignId(campaign), reply.text)


def _done(caller: Caller, campaign: CampaignId, said: str) -> Done:
    return Done(id=campaign, stage=caller.house.office.outreach.records.state(campaign).stage, said=said)
