"""Operators: they broadcast, launch campaigns, send, tag, merge, pause and cancel.

An order that nobody answered is given again, as the same order.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.campaigns.commands import (
    CancelCampaign,
    DraftCampaign,
    LaunchCampaign,
    PauseCampaign,
    ResumeCampaign,
)
from domain.campaigns.plan import Arm, Canary, Content, Meant, Selection, Timing
from domain.conversations.commands import HandOver
from domain.customers.commands import DescribeCustomer, MergeCustomers, TagCustomer, UnmergeCustomer
from domain.deliveries.commands import PlanDelivery, ResolveDelivery
from domain.deliveries.events import DeliveryClass, DeliveryUnknown
from domain.errors import SiyuError
from domain.identity import (
    BroadcastId,
    CampaignId,
    ContactId,
    CustomerId,
    DeliveryId,
    OperatorId,
    RuleId,
    ScheduleId,
    Slug,
    SubjectId,
    Tag,
    ZoneName,
)
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.message import Command, Personal
from domain.rules.commands import AddRule, SetWelcome
from domain.rules.events import Match
from domain.schedules.commands import CreateSchedule, EndSchedule
from tests.simulation.siyu import AGAIN, DIGEST

if TYPE_CHECKING:
    from tests.simulation.world import World

Commands = Sequence[Command]
COMES_AGAIN_S = (0.2, 20.0)
ORDERS_EVERY_S = (1_000.0, 16_000.0)
HURRIED_S = 4.0
SECOND_THOUGHTS = 0.4
THOUGHTS_S = (-1.0, 0.3)
"""Just before it begins, or while it is being sent."""
PAUSED_FOR_S = (10.0, 900.0)
"""Not longer: what waits is looked at every few seconds, and that is all that would happen."""
LATER = (timedelta(0), timedelta(0), timedelta(hours=2), timedelta(hours=9))
LIVES = timedelta(hours=24)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
VIP = Tag("vip")
HOMES = (ZoneName("Asia/Tokyo"), ZoneName("Europe/Lisbon"), ZoneName("America/St_Johns"))


@dataclass(slots=True)
class Operator:
    """``broadcasts``, ``campaigns``: what this one began; ``begins``: when the newest of them is to."""

    world: "World"
    chance: random.Random
    broadcasts: list[BroadcastId] = field(default_factory=list)
    campaigns: list[CampaignId] = field(default_factory=list)
    begins: datetime = LONG_AGO

    async def work(self) -> None:
        """Give an order now and then."""
        await self.order(
            [
                SetWelcome(in_group=False, text=Personal("welcome")),
                AddRule(
                    rule=RuleId("any"), match=Match.ANY, pattern=Personal(""), answer=Personal("we heard you")
                ),
            ]
        )
        if self.world.weather.brief:
            await asyncio.sleep(HURRIED_S)
            await self.order([*self._broadcast(), *self._campaign(), *self._send()])
            return
        orders: tuple[Callable[[], Commands], ...] = (
            self._broadcast,
            self._broadcast,
            self._broadcast,
            self._recurring_broadcast,
            self._campaign,
            self._campaign,
            self._campaign,
            self._pause_campaign,
            self._cancel_campaign,
            self._home,
            self._cancel,
            self._send,
            self._send,
            self._recurring,
            self._tag,
            self._answer,
            self._merge,
            self._merge,
            self._unmerge,
            self._pause,
            self._resolve,
        )
        while True:
            await asyncio.sleep(self.chance.uniform(*ORDERS_EVERY_S))
            if self.world.persons.seen:
                chosen = self.chance.choice(orders)
                await self.order(chosen())
                if chosen in {self._broadcast, self._campaign} and self.chance.random() < SECOND_THOUGHTS:
                    until_then_s = (self.begins - self.world.wall()).total_seconds()
                    await asyncio.sleep(max(0.0, until_then_s + self.chance.uniform(*THOUGHTS_S)))
                    chosen = self.chance.choice(
                        (self._pause, self._cancel, self._pause_campaign, self._cancel_campaign)
                    )
                    await self.order(chosen())
                goes_on = {self._pause: self._resume, self._pause_campaign: self._resume_campaign}.get(chosen)
                if goes_on is not None:
                    await asyncio.sleep(self.chance.uniform(*PAUSED_FOR_S))
                    await self.order(goes_on())

    async def order(self, commands: Commands) -> None:
        """Give an order until somebody carries it out, or says why not."""
        if not commands:
            return
        self.world.tell(f"operator: {' '.join(type(command).__name__ for command in commands)}")
        while True:
            siyu = self.world.door()
            if siyu is not None:
                try:
                    await siyu.serve(siyu.do(commands))
                except AGAIN:
                    pass
                except SiyuError as refused:
                    self.world.tell(f"operator is told: {refused}")
                    return
                else:
                    return
            await asyncio.sleep(self.chance.uniform(*COMES_AGAIN_S))

    def _somebody(self) -> tuple[ContactId, CustomerId]:
        contact = self.chance.choice(list(self.world.persons.seen.values()))
        return ContactId(contact), CustomerId(self.world.persons.customer_of(contact))

    def _new(self, kind: str) -> str:
        return DIGEST(kind, str(self.world.count()))

    def _text(self, kind: str) -> Personal[str]:
        name = self.chance.choice(("", " for {{ name }}"))
        return Personal(f"{kind} {self.world.count()}{name}")

    def _broadcast(self) -> Commands:
        broadcast = BroadcastId(self._new("broadcast"))
        self.broadcasts.append(broadcast)
        tagged = self.chance.random() < 0.3
        self.begins = self.world.wall() + self.chance.choice(LATER)
        draft = DraftBroadcast(
            broadcast=broadcast,
            audience=AudienceKind.TAG if tagged else AudienceKind.ALL,
            tag=VIP if tagged else None,
            text=self._text("offer"),
            not_before=self.begins,
        )
        return draft, ConfirmBroadcast(broadcast=broadcast)

    def _recurring_broadcast(self) -> Commands:
        broadcast = BroadcastId(self._new("broadcast"))
        draft = DraftBroadcast(
            broadcast=broadcast,
            audience=AudienceKind.ALL,
            text=self._text("daily"),
            not_before=self.world.wall(),
            recurrence=self._daily(),
            zone=self.world.controls.zone,
        )
        return draft, ConfirmBroadcast(broadcast=broadcast)

    def _campaign(self) -> Commands:
        """Write a campaign and launch it: sometimes twice at once, which must be once."""
        campaign = CampaignId(self._new("campaign"))
        self.campaigns.append(campaign)
        self.begins = self.world.wall() + self.chance.choice(LATER)
        tried_first = Canary(at_least=1, wait_s=600, failures_percent=60.0, opt_outs_percent=60.0)
        draft = DraftCampaign(
            campaign=campaign,
            name=Personal("sale"),
            form=Personal("name: sale"),
            contents=Personal(
                [Content(text=f"sale {campaign[:6]}"), Content(text=f"sale {campaign[:6]} b", variant="b")]
            ),
            selection=Selection(meant=Meant.TAGS, tags=(VIP,))
            if self.chance.random() < 0.2
            else Selection(meant=Meant.ALL),
            timing=Timing(
                zone=self.world.controls.zone,
                at=self.begins,
                local=self.chance.random() < 0.2,
            ),
            priority=self.chance.choice((3, 5, 8)),
            arms=self.chance.choice(((), (Arm(variant=Slug("a")), Arm(variant=Slug("b"))))),
            holdout_percent=self.chance.choice((0, 0, 30)),
            canary=self.chance.choice((None, None, tried_first)),
        )
        launch = LaunchCampaign(campaign=campaign, meant=1, alone=True)
        return draft, *self.chance.choice(((launch,), (launch, launch)))

    def _pause_campaign(self) -> Commands:
        campaign = self.campaigns[-1:]
        return [PauseCampaign(campaign=one, reason=Slug("operator")) for one in campaign]

    def _resume_campaign(self) -> Commands:
        return [ResumeCampaign(campaign=one) for one in self.campaigns[-1:]]

    def _cancel_campaign(self) -> Commands:
        return [CancelCampaign(campaign=one) for one in self.campaigns[-1:]]

    def _home(self) -> Commands:
        """Note where somebody lives: their nights are there."""
        zone = self.chance.choice(HOMES)
        return [DescribeCustomer(customer=self._somebody()[1], zone=zone, source=Slug("operator"))]

    def _daily(self) -> Slug:
        return Slug(f"daily@{self.chance.choice((1, 2, 10, 20)):02}:{self.chance.choice((0, 15, 30)):02}")

    def _cancel(self) -> Commands:
        return [CancelBroadcast(broadcast=self.broadcasts[-1])] if self.broadcasts else []

    def _send(self) -> Commands:
        contact, customer = self._somebody()
        begins = self.world.wall() + self.chance.choice(LATER)
        plan = PlanDelivery(
            delivery=DeliveryId(self._new("send")),
            subject=SubjectId(f"contact-{contact}"),
            kind=DeliveryClass.SERVICE,
            occasion=Slug("send"),
            contact=contact,
            customer=customer,
            text=self._text("service"),
            not_before=begins,
            expires_at=begins + LIVES,
            even_at_night=self.chance.random() < 0.3,
            operator=OperatorId("cli") if self.chance.random() < 0.5 else None,
        )
        return [plan]

    def _recurring(self) -> Commands:
        contact, customer = self._somebody()
        schedule = CreateSchedule(
            schedule=ScheduleId(self._new("schedule")),
            recurrence=self._daily(),
            zone=self.world.controls.zone,
            text=self._text("recurring"),
            starts_at=self.world.wall(),
            customer=customer,
            contact=contact,
            service=Personal("booked") if self.chance.random() < 0.3 else None,
        )
        return [schedule]

    def _tag(self) -> Commands:
        return [TagCustomer(customer=self._somebody()[1], tag=VIP)]

    def _answer(self) -> Commands:
        contact, _ = self._somebody()
        until = self.world.wall() + self.world.silence
        return [HandOver(contact=contact, operator=OperatorId("cli"), until=until), *self._send()]

    def _merge(self) -> Commands:
        one, other = self._somebody()[1], self._somebody()[1]
        return [MergeCustomers(customer=one, other=other)] if one != other else []

    def _unmerge(self) -> Commands:
        merged = self.world.persons.merged_away()
        return [UnmergeCustomer(customer=CustomerId(self.chance.choice(merged)))] if merged else []

    def _pause(self) -> Commands:
        return [PauseMarketing(operator=None)]

    def _resume(self) -> Commands:
        return [ResumeMarketing(operator=None)]

    def _resolve(self) -> Commands:
        """Say of what nobody can tell what became of it: this operator asked the customer."""
        for delivery, story in self.world.promises.stories.items():
            if isinstance(story.events[-1], DeliveryUnknown) and story.marketing:
                sent = any(one.delivery == delivery for p in self.world.providers for one in p.taken)
                if not sent and story.claims[-1].at > self.world.loop.time() - 300.0:
                    continue  # it may still be on its way
                return [ResolveDelivery(delivery=DeliveryId(delivery), sent=sent)]
        return []

    async def go_on(self) -> None:
        """Resume the campaigns that wait for it, those that stopped by themselves too."""
        for campaign in self.world.promises.paused_campaigns():
            await self.order([ResumeCampaign(campaign=CampaignId(campaign))])

    async def end_all(self) -> None:
        """Let marketing go on, and nothing recur any more."""
        await self.order([ResumeMarketing(operator=None)])
        await self.go_on()
        for schedule in self.world.promises.recurring():
            await self.order([EndSchedule(schedule=ScheduleId(schedule))])
