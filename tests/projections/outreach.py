"""Campaigns, as moves of the house: two of them, in two runs each, to people who answer, order, or want no more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.campaigns.commands import (
    ApproveCampaign,
    CancelCampaign,
    DraftCampaign,
    FinishCampaign,
    LaunchCampaign,
    PauseCampaign,
    ResumeCampaign,
    StartRun,
    TestCampaign,
)
from domain.campaigns.plan import Arm, Content, Goal, Meant, Selection, Timing
from domain.customers.commands import GrantConsent, WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    ConfirmDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import HOLDOUT, Confirmation, DeliveryClass
from domain.identity import (
    CampaignId,
    ContactId,
    CustomerId,
    DeliveryId,
    OperatorId,
    RunId,
    Slug,
    SubjectId,
    ZoneName,
)
from domain.message import Command, Personal

if TYPE_CHECKING:
    from tests.projections.house import House

TEA, COFFEE = CampaignId("tea"), CampaignId("coffee")
A, B = Slug("a"), Slug("b")
VARIANTS = (A, B, HOLDOUT)
GOALS = {TEA: Goal(goal=Slug("order"), days=7), COFFEE: Goal(goal=Slug("visit"), days=1)}


def draft(campaign: CampaignId = TEA) -> DraftCampaign:
    """A campaign with two texts and a holdout."""
    return DraftCampaign(
        campaign=campaign,
        name=Personal(f"{campaign} in spring"),
        form=Personal("name: spring"),
        contents=Personal([Content(text="spring tea")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
        operator=OperatorId("ann"),
        arms=(Arm(variant=A), Arm(variant=B)),
        holdout_percent=20,
        goal=GOALS[campaign],
    )


def launched(house: "House", campaign: CampaignId = TEA) -> None:
    """Let it run."""
    house.do(draft(campaign))
    house.do(LaunchCampaign(campaign=campaign, meant=3, alone=True))
    house.do(StartRun(run=run_of(campaign), campaign=campaign, at=house.now, meant=3))


def run_of(campaign: CampaignId, number: int = 1) -> RunId:
    """Return the id of one of its runs."""
    return RunId(f"{campaign}-{number}")


def plan(
    house: "House",
    contact: ContactId,
    customer: CustomerId,
    campaign: CampaignId = TEA,
    variant: Slug = A,
    number: int = 1,
) -> PlanDelivery:
    """Return the delivery of a run to somebody; the same one whoever plans it."""
    run = run_of(campaign, number)
    return PlanDelivery(
        delivery=DeliveryId(house.digest("delivery", run, customer)),
        subject=SubjectId(f"contact-{contact}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("campaign"),
        contact=contact,
        customer=customer,
        campaign=campaign,
        run=run,
        variant=variant,
        not_before=house.now,
        expires_at=house.now + timedelta(days=1),
        automatic=True,
    )


def campaign_moves(house: "House", a: int, b: int) -> object:
    """What operators do with campaigns."""
    campaign = (TEA, COFFEE)[a % 2]
    choices: Sequence[Command] = (
        draft(campaign),
        TestCampaign(campaign=campaign),
        ApproveCampaign(campaign=campaign, operator=OperatorId("bo")),
        LaunchCampaign(campaign=campaign, meant=3, alone=True),
        StartRun(run=run_of(campaign, a), campaign=campaign, at=house.now, meant=3, sample=b % 2),
        PauseCampaign(campaign=campaign, reason=Slug("operator")),
        ResumeCampaign(campaign=campaign),
        CancelCampaign(campaign=campaign),
        FinishCampaign(campaign=campaign),
    )
    return house.do(choices[b % len(choices)])


def outreach(house: "House", a: int, b: int) -> object:
    """A message of a campaign from its plan to an outcome, and what they do then, some hours or days later."""
    who = ("wang", "li", "zhao")[a % 3]
    house.says(who, "hi")
    campaign, variant = (TEA, COFFEE)[b % 2], VARIANTS[(a + b) % 3]
    planned = plan(house, house.contact(who), house.customer(who), campaign, variant, a % 2)
    delivery = planned.delivery
    house.do(planned)
    house.claims(delivery)
    later = house.now + timedelta(minutes=5)
    outcomes: Sequence[Command] = (
        AcceptDelivery(delivery=delivery, attempt=1),
        LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout")),
        RejectDelivery(delivery=delivery, attempt=1, reason=Slug("refused")),
        ReturnDelivery(delivery=delivery, attempt=1, reason=Slug("refused"), not_before=later),
        CancelDelivery(delivery=delivery, reason=Slug("cancelled"), rule=Slug("campaign")),
    )
    house.do(outcomes[b % len(outcomes)])
    house.now += timedelta(hours=7 * b)
    stop = ConsentSource.OPERATOR
    then: Sequence[Command] = (
        ConfirmDelivery(delivery=delivery, how=list(Confirmation)[b % 4]),
        WithdrawConsent(contact=house.contact(who), topic=MARKETING, source=stop),
        GrantConsent(contact=house.contact(who), topic=MARKETING, source=stop),
    )
    return house.do(then[(a * b) % 3])
