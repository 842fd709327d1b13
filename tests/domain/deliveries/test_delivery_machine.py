"""The delivery's promises, whatever happens in whatever order: the gate, the workers' outcomes, late ones too, and the clock."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.customers.commands import GrantConsent
from domain.customers.customer import customers
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    ConfirmDelivery,
    LoseTrackOfDelivery,
    RefuteDelivery,
    RejectDelivery,
    ResolveDelivery,
    ReturnDelivery,
)
from domain.deliveries.delivery import MAX_ATTEMPTS, RESEND_AFTER_LEASE, DeliveryState, Phase, deliveries
from domain.deliveries.events import (
    Confirmation,
    DeliveryAccepted,
    DeliveryClass,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.errors import Rejected
from domain.identity import DeliveryId, Slug, stream
from domain.message import Command, Event, Recorded
from tests.domain.controls import commands
from tests.domain.controls.ids import HELLO, MRS_WANG
from tests.domain.shop import Shop

LEASE = timedelta(seconds=45)
LAST = (DeliveryRejected, DeliverySuppressed, DeliveryExpired)

attempts = st.integers(1, 4)


class Deliveries(RuleBasedStateMachine):
    """One delivery to one customer; what the log holds of it is held against the promises after every step."""

    @initialize(kind=st.sampled_from(DeliveryClass), consents=st.booleans(), hours=st.integers(1, 40))
    def plan(self, kind: DeliveryClass, consents: bool, hours: int) -> None:
        self.shop = Shop()
        self.shop.given(replace(commands.SEE_CONTACT, private=True))
        if not consents:
            self.shop.given(commands.WITHDRAW_CONSENT)
        expires = self.shop.now + timedelta(hours=hours)
        self.plan_ = replace(commands.PLAN_DELIVERY, kind=kind, expires_at=expires)
        self.shop.given(self.plan_)

    def _do(self, command: Command) -> None:
        done = self.shop.when(command)
        assert done.error is None or isinstance(done.error, Rejected), done.error

    @rule()
    def plan_again(self) -> None:
        self._do(self.plan_)

    @rule(seconds=st.sampled_from([1, 20, 45, 80, 3_600, 9 * 3_600, 30 * 3_600]))
    def wait(self, seconds: int) -> None:
        self.shop.now += timedelta(seconds=seconds)

    @rule(defect=st.sampled_from([None, None, None, Slug("missing_variable")]))
    def claim(self, defect: Slug | None) -> None:
        self._do(replace(commands.CLAIM_DELIVERY, until=self.shop.now + LEASE, defect=defect))

    @rule(attempt=attempts)
    def accept(self, attempt: int) -> None:
        self._do(AcceptDelivery(delivery=HELLO, attempt=attempt))

    @rule(attempt=attempts, seconds=st.sampled_from([0, 5, 3_600]))
    def give_back(self, attempt: int, seconds: int) -> None:
        later = self.shop.now + timedelta(seconds=seconds)
        self._do(ReturnDelivery(delivery=HELLO, attempt=attempt, reason=Slug("refused"), not_before=later))

    @rule(attempt=attempts, unreachable=st.booleans())
    def reject(self, attempt: int, unreachable: bool) -> None:
        self._do(
            RejectDelivery(delivery=HELLO, attempt=attempt, reason=Slug("gone"), unreachable=unreachable)
        )

    @rule(attempt=attempts)
    def lose_track(self, attempt: int) -> None:
        self._do(LoseTrackOfDelivery(delivery=HELLO, attempt=attempt, reason=Slug("timed-out")))

    @rule(how=st.sampled_from(Confirmation))
    def confirm(self, how: Confirmation) -> None:
        self._do(ConfirmDelivery(delivery=HELLO, how=how))

    @rule()
    def refute(self) -> None:
        self._do(RefuteDelivery(delivery=HELLO, reason=Slug("blocked")))

    @rule(sent=st.booleans())
    def resolve(self, sent: bool) -> None:
        self._do(ResolveDelivery(delivery=HELLO, sent=sent))

    @rule()
    def cancel(self) -> None:
        self._do(CancelDelivery(delivery=HELLO, reason=Slug("recalled"), rule=Slug("operator")))

    @rule(command=st.sampled_from([commands.WITHDRAW_CONSENT, commands.GRANT_CONSENT]))
    def change_of_mind(self, command: GrantConsent) -> None:
        self._do(command)

    @precondition(lambda self: self.state.phase is Phase.STARTED)
    @rule()
    def the_lease_breaks(self) -> None:
        self.shop.now += LEASE
        self._do(LoseTrackOfDelivery(delivery=HELLO, attempt=self.state.attempt, reason=Slug("lease-ended")))

    @property
    def state(self) -> DeliveryState:
        return self.shop.state(deliveries, HELLO)

    @property
    def recorded(self) -> list[Recorded]:
        return self.shop.log.read_stream(stream("delivery", HELLO))

    @property
    def events(self) -> list[Event]:
        return [recorded.event for recorded in self.recorded]

    @invariant()
    def it_is_planned_once(self) -> None:
        assert [type(event) for event in self.events].count(DeliveryPlanned) == 1

    @invariant()
    def attempts_are_counted_one_by_one(self) -> None:
        numbers = [event.attempt for event in self.events if isinstance(event, DeliveryStarted)]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def an_attempt_has_its_outcome_before_the_next_begins(self) -> None:
        running = False
        for event in self.events:
            if isinstance(event, DeliveryStarted):
                assert not running
            running = isinstance(event, DeliveryStarted) or (
                running and isinstance(event, DeliveryPostponed) and event.rule is not None
            )

    @invariant()
    def nothing_that_may_have_arrived_is_sent_again_beyond_the_rules(self) -> None:
        uncertain = 0
        lease: DeliveryStarted | None = None
        open_ = False
        for recorded in self.recorded:
            event = recorded.event
            if isinstance(event, DeliveryUnknown):
                uncertain, open_ = uncertain + 1, True
            elif isinstance(event, DeliveryPostponed) and event.rule is None:
                uncertain, open_ = uncertain - open_, False
            elif isinstance(event, DeliveryStarted):
                assert not (uncertain and self.plan_.kind is DeliveryClass.MARKETING)
                assert uncertain < MAX_ATTEMPTS
                if open_ and lease is not None:
                    assert recorded.recorded_at >= lease.until + RESEND_AFTER_LEASE
                lease, open_ = event, False

    @invariant()
    def it_starts_in_its_time_only(self) -> None:
        not_before = self.plan_.not_before
        for recorded in self.recorded:
            if isinstance(recorded.event, DeliveryStarted):
                assert not_before <= recorded.recorded_at < self.plan_.expires_at
            elif isinstance(recorded.event, DeliveryPostponed):
                not_before = recorded.event.not_before

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for before, after in pairwise(self.events):
            assert not isinstance(before, LAST), (before, after)
            if isinstance(before, DeliveryAccepted):
                refuted = isinstance(after, DeliveryRejected) and after.reason == Slug("blocked")
                assert refuted or isinstance(after, DeliveryConfirmed)
            if isinstance(before, DeliveryConfirmed):
                assert isinstance(after, DeliveryConfirmed)

    @invariant()
    def each_way_it_is_confirmed_counts_once(self) -> None:
        shown = [event.how for event in self.events if isinstance(event, DeliveryConfirmed)]
        assert len(shown) == len(set(shown))

    @invariant()
    def what_may_have_arrived_is_not_called_suppressed(self) -> None:
        for before, after in pairwise(self.events):
            assert not (isinstance(before, DeliveryUnknown) and isinstance(after, DeliverySuppressed))

    @invariant()
    def the_cap_is_spent_exactly_while_a_marketing_message_may_be_out(self) -> None:
        held = [reservation.delivery for reservation in self.shop.state(customers, MRS_WANG).reservations]
        state = self.state
        given_back = state.phase in {Phase.REJECTED, Phase.SUPPRESSED, Phase.EXPIRED}
        spent = state.kind is DeliveryClass.MARKETING and state.attempt > 0 and not given_back
        assert held == [DeliveryId(HELLO)] * spent

    @invariant()
    def nobody_is_written_to_for_marketing_after_they_withdrew(self) -> None:
        withdrawn = False
        for recorded in self.shop.recorded():
            name = type(recorded.event).__name__
            withdrawn = (withdrawn or name == "ConsentWithdrawn") and name != "ConsentGranted"
            marketing = self.plan_.kind is DeliveryClass.MARKETING
            assert not (withdrawn and marketing and name == "DeliveryStarted")


Deliveries.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestDeliveries = Deliveries.TestCase
