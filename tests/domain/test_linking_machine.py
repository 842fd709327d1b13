"""Whatever is merged, un-merged, said and sent in whatever order: held against a model that knows only what each record was told."""

from dataclasses import dataclass, field, replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.contacts.contact import contacts
from domain.conversations.commands import Sender
from domain.customers.commands import (
    GrantConsent,
    MergeCustomers,
    TagCustomer,
    UnmergeCustomer,
    UntagCustomer,
    WithdrawConsent,
)
from domain.customers.customer import CustomerState, customers
from domain.customers.events import MARKETING, ConsentGranted, ConsentSource, ConsentWithdrawn, SendReserved
from domain.deliveries.commands import RejectDelivery
from domain.deliveries.delivery import Phase, deliveries
from domain.errors import Rejected
from domain.identity import ContactId, CustomerId, DeliveryId, Slug, SubjectId, Tag
from tests.domain.controls import commands
from tests.domain.controls.ids import SPRING
from tests.domain.outbound import DAY, claim, offer
from tests.domain.shop import WANG, Shop, said

NAMES = ("ann", "ben", "cai", "dai")
SENDERS = {name: Sender(external_id=name, name=name) for name in NAMES} | {"ann": WANG}
TAGS = ("vip", "tea")
NEWS = Slug("news")
TOPICS = (MARKETING, NEWS)

who = st.sampled_from(NAMES)
tag = st.sampled_from(TAGS)
topic = st.sampled_from(TOPICS)


@dataclass(slots=True)
class Record:
    """What the model knows of one record.

    ``into``: whom it was merged into. ``agreed``, ``ended``: topics. ``lifted``: which topics were taken up again, and by whom.
    """

    into: str | None = None
    tags: set[str] = field(default_factory=set)
    agreed: set[Slug] = field(default_factory=lambda: {MARKETING})
    ended: set[Slug] = field(default_factory=set)
    lifted: set[tuple[Slug, str]] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)


class Linking(RuleBasedStateMachine):
    """Four records; every message of marketing that went out had to be allowed by the model."""

    @initialize()
    def open(self) -> None:
        self.shop = Shop().given(*(said("hello", sender) for sender in SENDERS.values()))
        self.shop.given(replace(commands.DRAFT_BROADCAST, tag=None), commands.CONFIRM_BROADCAST)
        self.contacts: dict[str, ContactId] = {n: self.shop.contact(s) for n, s in SENDERS.items()}
        self.records: dict[str, CustomerId] = {n: self.shop.customer(s) for n, s in SENDERS.items()}
        self.model = {name: Record() for name in NAMES}
        self.sent: dict[str, str] = {}
        self.to: dict[str, str] = {}
        self.plans = self.days = 0

    # the model

    def whole(self, name: str) -> str:
        """Who answers for a record."""
        while (into := self.model[name].into) is not None:
            name = into
        return name

    def one_person(self, name: str) -> list[Record]:
        return [self.model[other] for other in self.together(name)]

    def together(self, name: str) -> list[str]:
        return [other for other in NAMES if self.whole(other) == self.whole(name)]

    def withdrew(self, name: str, topic: Slug) -> bool:
        def lifted(part: Record, about: Slug) -> bool:
            return any((about, by) in part.lifted for by in self.together(name))

        return any(
            about in part.ended and not lifted(part, about) and not lifted(part, topic)
            for part in self.one_person(name)
            for about in {topic, MARKETING}
        )

    def agrees(self, name: str, topic: Slug) -> bool:
        """Whether they may be written to by this account: others that are linked agree for themselves only."""
        return not self.withdrew(name, topic) and bool({topic, MARKETING} & self.model[name].agreed)

    # what happens

    @rule(one=who, other=who)
    def merge(self, one: str, other: str) -> None:
        self.shop.given(MergeCustomers(customer=self.records[one], other=self.records[other]))
        stays, goes = self.whole(one), self.whole(other)
        if stays != goes:
            self.model[goes].into = stays

    @rule(name=who)
    def unmerge(self, name: str) -> None:
        done = self.shop.when(UnmergeCustomer(customer=self.records[name]))
        assert isinstance(done.error, Rejected) == (self.model[name].into is None)
        self.model[name].into = None
        for other in NAMES:
            here = self.together(other)
            self.model[other].lifted = {lift for lift in self.model[other].lifted if lift[1] in here}

    @rule(name=who, tag=tag)
    def put(self, name: str, tag: str) -> None:
        self.shop.given(TagCustomer(customer=self.records[name], tag=Tag(tag)))
        if not any(tag in part.tags for part in self.one_person(name)):
            self.model[self.whole(name)].tags.add(tag)

    @rule(name=who, tag=tag)
    def take(self, name: str, tag: str) -> None:
        self.shop.given(UntagCustomer(customer=self.records[name], tag=Tag(tag)))
        for part in self.one_person(name):
            part.tags.discard(tag)

    @rule(name=who)
    def stop(self, name: str) -> None:
        self.shop.given(said("退订", SENDERS[name]))
        for part in self.one_person(name):
            part.agreed, part.lifted = set(), set()
            part.ended.add(MARKETING)

    @rule(name=who)
    def stop_the_news(self, name: str) -> None:
        stop = WithdrawConsent(contact=self.contacts[name], topic=NEWS, source=ConsentSource.STOP_WORD)
        self.shop.given(stop)
        for part in self.one_person(name):
            part.agreed.discard(NEWS)
            part.ended.add(NEWS)
            part.lifted = {lift for lift in part.lifted if lift[0] != NEWS}

    @rule(name=who, topic=topic)
    def start(self, name: str, topic: Slug) -> None:
        start = GrantConsent(contact=self.contacts[name], topic=topic, source=ConsentSource.START_WORD)
        self.shop.given(start)
        me = self.model[name]
        if topic in me.agreed and not self.withdrew(name, topic):
            return
        me.agreed.add(topic)
        me.ended.discard(topic)
        me.lifted = {lift for lift in me.lifted if lift[0] != topic}
        for part in self.one_person(name):
            if {topic, MARKETING} & part.ended:
                part.lifted.add((topic, name))

    @rule(name=who, broadcast=st.booleans(), topic=topic)
    def send(self, name: str, broadcast: bool, topic: Slug) -> None:
        """Plan for the record, and claim at once; a day later the cap is free again."""
        self.plans += 1
        delivery = DeliveryId(f"d{self.plans}")
        plan = replace(
            offer(self.shop, delivery),
            subject=SubjectId(f"contact-{self.contacts[name]}"),
            contact=self.contacts[name],
            customer=self.records[name],
            topic=topic,
        )
        plan = replace(plan, broadcast=SPRING, text=None) if broadcast else plan
        had = {d for part in self.one_person(name) for d in part.spent if self.sent.get(d) == "broadcast"}
        self.shop.given(plan, claim(self.shop, delivery))
        started = self.shop.state(deliveries, delivery).phase is Phase.STARTED
        if started:
            assert self.agrees(name, topic)
            assert not (broadcast and had)
            self.sent[delivery], self.to[delivery] = "broadcast" if broadcast else "offer", name
            for part in self.one_person(name):
                part.spent.add(delivery)

    @rule(number=st.integers(1, 30))
    def give_back(self, number: int) -> None:
        """Provably not sent: whoever holds the reservation and is, or was, one with its contact has it back."""
        delivery = DeliveryId(f"d{number}")
        if self.shop.state(deliveries, delivery).phase is Phase.STARTED:
            self.shop.given(RejectDelivery(delivery=delivery, attempt=1, reason=Slug("refused")))
            assert delivery not in {spent.delivery for spent in self.state(self.to[delivery]).reservations}
            for name in NAMES:
                held = {spent.delivery for spent in self.state(name).reservations}
                if delivery not in held:
                    for part in self.one_person(name):
                        part.spent.discard(delivery)

    @rule()
    def a_day_passes(self) -> None:
        if self.days < 7:  # reservations are kept for eight days
            self.shop.now += DAY
            self.days += 1

    # what holds

    def state(self, name: str) -> CustomerState:
        customer = self.shop.state(contacts, self.contacts[name]).customer
        assert customer is not None
        return self.shop.state(customers, customer)

    @invariant()
    def contacts_belong_to_whoever_answers_for_their_record(self) -> None:
        for name in NAMES:
            whole = self.whole(name)
            assert self.shop.state(contacts, self.contacts[name]).customer == self.records[whole]
            assert self.state(name).contacts == {self.contacts[other] for other in self.together(name)}

    @invariant()
    def commands_are_forwarded_to_them(self) -> None:
        for name in NAMES:
            state = self.shop.state(customers, self.records[name])
            assert (state.merged_into is None) == (self.model[name].into is None)
            if state.merged_into is not None:
                assert self.model[name].into is not None
                assert state.merged_into == self.records[self.model[name].into or name]

    @invariant()
    def tags_are_those_of_all_parts(self) -> None:
        for name in NAMES:
            assert self.state(name).tags == {t for part in self.one_person(name) for t in part.tags}

    @invariant()
    def a_withdrawal_of_any_part_holds_for_all_until_they_themselves_start_again(self) -> None:
        for name in NAMES:
            state = self.state(name)
            for topic in TOPICS:
                assert state.ended(topic) == self.withdrew(name, topic)
                agreed = any(topic in part.agreed for part in self.one_person(name))
                assert (topic in state.consents) == (agreed and not self.withdrew(name, topic))

    @invariant()
    def a_consent_counts_for_the_contact_that_gave_it_and_no_other(self) -> None:
        for name in NAMES:
            for topic in TOPICS:
                assert self.state(name).agrees(self.contacts[name], topic) == self.agrees(name, topic)

    @invariant()
    def both_sides_hold_what_was_reserved_while_they_were_one(self) -> None:
        for name in NAMES:
            held = {spent.delivery for spent in self.state(name).reservations}
            assert held == {d for part in self.one_person(name) for d in part.spent}

    @invariant()
    def nobody_has_one_broadcast_twice(self) -> None:
        for name in NAMES:
            spent = {d for part in self.one_person(name) for d in part.spent}
            if len(self.together(name)) == 1:
                assert len([d for d in spent if self.sent[d] == "broadcast"]) <= 1

    @invariant()
    def no_marketing_starts_between_a_stop_and_the_next_start_of_the_same_contact(self) -> None:
        stopped: set[str] = set()
        for recorded in self.shop.recorded():
            match recorded.event:
                case ConsentWithdrawn(contact=contact, topic=topic) if topic == MARKETING:
                    stopped.add(contact)
                case SendReserved(contact=contact):
                    assert contact not in stopped
                case ConsentGranted():
                    stopped.clear()  # by them, or by somebody who was one with them
                case _:
                    continue


Linking.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLinking = Linking.TestCase
