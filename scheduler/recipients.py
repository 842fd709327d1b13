"""Recipients: whom a run of a campaign means, a chunk at a time, and what is planned for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.campaigns.canary import goes_first
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.occurrences import leaves_at
from domain.campaigns.plan import CONTROL, Cadence, Meant
from domain.campaigns.run import Pass, RunState
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import HOLDOUT, DeliveryClass
from domain.identity import CustomerId, DeliveryId, GroupId, KeyedHash, RunId, Slug, SubjectId, ZoneName
from domain.policies.experiments import drawn, held_out, point
from domain.policies.occasions import OWN, kept
from domain.ports.audience import Audience, Recipient, Whom
from scheduler.chunks import CHUNK

LOOKED_THROUGH = 2_000
"""Customers read at once where few of them go first."""
CAMPAIGN = Slug("campaign")


@dataclass(frozen=True, slots=True)
class Recipients:
    """Those of one run, from where it stands. Reads the views: to be called in a thread."""

    audience: Audience
    digest: KeyedHash
    draft: CampaignDrafted
    run: RunId
    state: RunState

    @property
    def whom(self) -> Whom:
        """Whom the campaign means; where it is each one's own day, on the day of this run."""
        draft, timing = self.draft, self.draft.timing
        own = timing.date if timing.cadence is Cadence.BY_DATE and timing.date in OWN else None
        return Whom(
            tags=draft.selection.tags,
            without=draft.selection.without,
            listed_for=draft.campaign if draft.selection.meant is Meant.LIST else None,
            occasion=own,
            day=kept(self.state.day, timing.offset_days) if own and self.state.day is not None else None,
            topic=draft.topic,
        )

    def size(self) -> int:
        """Return how many are meant now."""
        if self.draft.selection.meant is Meant.GROUPS:
            return len(self.draft.selection.groups)
        return self.audience.size(self.whom)

    def chunk(self) -> tuple[Sequence[PlanDelivery], int]:
        """Return the next deliveries of this pass, and up to which number they go: where it stands already, if that was all."""
        after = self.state.after
        if self.draft.selection.meant is Meant.GROUPS:
            groups = self.draft.selection.groups[after : after + CHUNK]
            return [self._to_group(group) for group in groups], after + len(groups)
        first = self.state.at_pass is Pass.FIRST
        plans: list[PlanDelivery] = []
        for recipient in self.audience.page(self.whom, after, LOOKED_THROUGH if first else CHUNK):
            if len(plans) == CHUNK:
                break
            after = recipient.number
            if not first or self._goes_first(recipient.customer):
                plans.append(self._to_customer(recipient))
        return plans, after

    def _goes_first(self, customer: CustomerId) -> bool:
        at = point(self.digest(self.run, "first", customer))
        return goes_first(at, self.state.sample, self.state.meant)

    def _to_customer(self, recipient: Recipient) -> PlanDelivery:
        draft, customer = self.draft, recipient.customer
        not_before = self._not_before(customer, recipient.zone)
        return PlanDelivery(
            delivery=self._id(f"customer-{customer}"),
            subject=SubjectId(f"contact-{recipient.contact}"),
            kind=DeliveryClass.MARKETING,
            occasion=CAMPAIGN,
            contact=recipient.contact,
            customer=customer,
            not_before=not_before,
            expires_at=not_before + timedelta(seconds=draft.timing.lives_s),
            automatic=True,
            campaign=draft.campaign,
            run=self.run,
            variant=self._variant(customer),
            topic=draft.topic,
            priority=draft.priority,
            reactivation=draft.reactivation,
        )

    def _to_group(self, group: GroupId) -> PlanDelivery:
        draft = self.draft
        not_before = self._not_before(group, None)
        return PlanDelivery(
            delivery=self._id(f"group-{group}"),
            subject=SubjectId(f"group-{group}"),
            kind=DeliveryClass.MARKETING,
            occasion=CAMPAIGN,
            group=group,
            not_before=not_before,
            expires_at=not_before + timedelta(seconds=draft.timing.lives_s),
            automatic=True,
            campaign=draft.campaign,
            run=self.run,
            variant=self._variant(group),
            topic=draft.topic,
            priority=draft.priority,
            reactivation=draft.reactivation,
        )

    def _not_before(self, recipient: CustomerId | GroupId, zone: ZoneName | None) -> datetime:
        """Those who go first are not spread: the others wait for them."""
        spread = 0.0
        if self.draft.timing.over_s and self.state.at_pass is not Pass.FIRST:
            spread = point(self.digest(self.run, "spread", recipient))
        if self.state.at is None:
            raise AssertionError(f"{self.run} was not started")
        return leaves_at(self.draft.timing, self.state.at, zone, spread)

    def _variant(self, recipient: CustomerId | GroupId) -> Slug:
        draft = self.draft
        if held_out(self.digest(draft.campaign, "holdout", recipient), draft.holdout_percent):
            return HOLDOUT
        if not draft.arms:
            return CONTROL
        place = drawn(self.digest(draft.campaign, "arm", recipient), [arm.weight for arm in draft.arms])
        return draft.arms[place].variant

    def _id(self, recipient: str) -> DeliveryId:
        return DeliveryId(self.digest("delivery", f"campaign:{self.draft.campaign}", recipient, self.run, ""))
