"""Forgetting, as the log records it; that everything is destroyed is shown in tests/bot and tests/scenarios."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.contacts.contact import contacts
from domain.contacts.events import AddressSuppressed, ContactForgotten, ContactSeen
from domain.contacts.suppression import address_digest
from domain.conversations.commands import Edit, Join, Message, Press, Reachability
from domain.conversations.events import ButtonPressed, MessageEdited, MessageReceived
from domain.customers.commands import AddNote, NameCustomer, TagCustomer
from domain.customers.customer import CustomerState
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerForgotten,
)
from domain.deliveries.commands import AcceptDelivery, LoseTrackOfDelivery, PlanDelivery, RejectDelivery
from domain.deliveries.delivery import Phase, deliveries
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryClass,
    DeliveryPlanned,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.errors import Rejected, SubjectForgotten, UnknownEvent, UnknownRecipient
from domain.forgetting import ForgetCustomer
from domain.gate import ClaimDelivery
from domain.identity import (
    Address,
    CustomerId,
    DeliveryId,
    Digest,
    OperatorId,
    Party,
    ProviderMessageId,
    ScheduleId,
    Slug,
    SubjectId,
    Tag,
    stream,
)
from domain.message import Personal, subject_of
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode
from domain.operators.events import Role
from domain.schedules.commands import CreateSchedule, FireSchedule
from domain.schedules.events import ScheduleEnded, ScheduleFired
from tests.domain.controls.commands import CLAIM_DELIVERY
from tests.domain.controls.ids import BOT, CODE, NOON, SHANGHAI, TELEGRAM
from tests.domain.logs import EventfulLog
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, came, said

OFFER = DeliveryId("offer")
WEEKLY = ScheduleId("weekly-tea")


def met() -> Shop:
    """Mrs. Wang has written, and Lin has."""
    return Shop().given(said("hello"), said("hello", LIN))


def digest_of(shop: Shop) -> Digest:
    return address_digest(shop.digest, TELEGRAM, BOT, WANG.external_id)


def forgetting(shop: Shop, **also: object) -> ForgetCustomer:
    return ForgetCustomer(
        customer=shop.customer(),
        addresses=((shop.contact(), digest_of(shop)),),
        **also,  # type: ignore[arg-type]  # fields of the command
    )


def planned(shop: Shop, kind: DeliveryClass = DeliveryClass.SERVICE) -> PlanDelivery:
    return PlanDelivery(
        delivery=OFFER,
        subject=SubjectId(f"contact-{shop.contact()}"),
        kind=kind,
        occasion=Slug("send"),
        contact=shop.contact(),
        customer=shop.customer(),
        text=Personal("您好"),
        not_before=NOON,
        expires_at=NOON + timedelta(hours=24),
        even_at_night=True,
    )


def claimed() -> ClaimDelivery:
    return ClaimDelivery(
        delivery=OFFER, worker=Slug("w"), until=NOON + timedelta(seconds=45), controls=CLAIM_DELIVERY.controls
    )


def returned(shop: Shop) -> None:
    """Their address leads to nobody any more, as after the destruction, and they write again."""
    shop.identities.alias(Address(Party.CONTACT, TELEGRAM, BOT, WANG.external_id), shop.fresh())


def test_the_promise_is_in_the_streams_of_the_customer_and_every_contact_and_the_address_is_suppressed() -> (
    None
):
    shop = met()
    orders, operator = (CODE,), OperatorId("li")
    shop.when(forgetting(shop, orders=orders, operator=operator)).then(
        CustomerForgotten(
            customer=shop.customer(),
            customers=(shop.customer(),),
            contacts=(shop.contact(),),
            orders=orders,
            operator=operator,
        ),
        ContactForgotten(contact=shop.contact()),
        AddressSuppressed(address=digest_of(shop)),
    )
    assert shop.customer_state() == CustomerState(id=shop.customer(), forgotten=True)
    assert not shop.state(contacts, shop.contact()).reachable
    assert shop.customer_state(LIN).consents == {MARKETING}


def test_saying_it_twice_changes_nothing() -> None:
    shop = met()
    shop.given(forgetting(shop)).when(forgetting(shop)).then()


def test_somebody_unknown_and_a_contact_linked_just_now_are_refused() -> None:
    shop = met()
    shop.when(ForgetCustomer(customer=CustomerId("nobody"), addresses=())).then_failed(
        "no such customer", UnknownRecipient
    )
    shop.when(ForgetCustomer(customer=shop.customer(), addresses=())).then_failed(
        "a contact was linked to this customer just now: try again", Rejected
    )


def test_one_of_us_is_not_forgotten() -> None:
    shop, li = met(), OperatorId("li")
    shop.given(
        AddOperator(operator=li, name=Personal("Li"), name_digest=Digest("n"), role=Role.AGENT),
        IssueBindCode(operator=li, code=CODE, expires_at=NOON + timedelta(hours=1)),
        BindOperator(code=CODE, contact=shop.contact()),
    )
    shop.when(forgetting(shop)).then_failed("this is an operator: take them out of the team first", Rejected)


def test_what_is_planned_ends_in_the_same_append() -> None:
    shop = met()
    shop.given(planned(shop))
    done = shop.when(forgetting(shop, deliveries=(OFFER,)))
    assert DeliverySuppressed(delivery=OFFER, reason=Slug("forgotten"), rule=Slug("forgotten")) in [
        recorded.event for recorded in done.events
    ]


def test_what_the_view_did_not_show_is_refused_by_the_gate() -> None:
    shop = met()
    shop.given(planned(shop), forgetting(shop))
    shop.when(claimed()).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("forgotten"), rule=Slug("reachability"))
    )


def test_one_of_unknown_outcome_is_not_sent_again() -> None:
    shop = met()
    shop.given(planned(shop), claimed(), LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("reset")))
    shop.given(forgetting(shop, deliveries=(OFFER,)))
    shop.now = NOON + timedelta(minutes=5)
    shop.when(claimed()).then(
        DeliveryRejected(delivery=OFFER, reason=Slug("forgotten"), rule=Slug("reachability"))
    )


def test_a_late_outcome_is_recorded_and_says_nothing_more_of_the_contact() -> None:
    shop = met()
    shop.given(planned(shop), claimed(), forgetting(shop))
    shop.when(AcceptDelivery(delivery=OFFER, attempt=1)).then(DeliveryAccepted(delivery=OFFER))
    assert shop.state(deliveries, OFFER).phase is Phase.ACCEPTED
    shop = met()
    shop.given(planned(shop, DeliveryClass.MARKETING), claimed(), forgetting(shop))
    shop.when(LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("reset"))).then(
        DeliveryUnknown(delivery=OFFER, reason=Slug("reset"))
    )
    shop.when(RejectDelivery(delivery=OFFER, attempt=1, reason=Slug("blocked"), unreachable=True)).then(
        DeliveryRejected(delivery=OFFER, reason=Slug("blocked"), unreachable=True)
    )


def test_a_schedule_for_them_ends_and_one_that_fires_all_the_same_says_nothing() -> None:
    shop = met()
    weekly = CreateSchedule(
        schedule=WEEKLY,
        recurrence=Slug("mon@12:00"),
        zone=SHANGHAI,
        text=Personal("tea, Mrs. Wang?"),
        starts_at=NOON,
        customer=shop.customer(),
        contact=shop.contact(),
    )
    fire = FireSchedule(schedule=WEEKLY, day=NOON.date(), at=NOON)
    fired = ScheduleFired(schedule=WEEKLY, day=NOON.date(), at=NOON)
    shop.given(weekly, forgetting(shop)).when(fire).then(fired, ScheduleEnded(schedule=WEEKLY))
    shop = met()
    shop.given(weekly, forgetting(shop, schedules=(WEEKLY,))).when(fire).then(fired)


def test_nothing_is_written_down_about_them_any_more() -> None:
    shop = met()
    customer = shop.customer()
    shop.given(forgetting(shop))
    for command in (
        AddNote(customer=customer, operator=None, note=Personal("likes tea")),
        NameCustomer(customer=customer, remark=Personal("aunt Wang")),
        TagCustomer(customer=customer, tag=Tag("vip")),
    ):
        shop.when(command).then_failed("this customer was forgotten", UnknownRecipient)


def test_what_comes_from_an_id_that_is_only_remembered_is_to_be_looked_up_again() -> None:
    shop = met()
    shop.given(forgetting(shop))
    for came_in in (
        said("hello again"),
        came(Reachability(reachable=False)),
        came(Join(members=(WANG,)), LIN, chat=TEA_FANS),
    ):
        shop.when(came_in).then_failed(
            "this contact was forgotten: look the address up again", SubjectForgotten
        )


def test_whoever_returns_is_somebody_new_who_agreed_to_nothing_until_they_say_start() -> None:
    shop = met()
    before = shop.contact(), shop.customer()
    shop.given(forgetting(shop))
    returned(shop)
    shop.when(said("hello again"))
    assert not set(before) & {shop.contact(), shop.customer()}
    seen = [event for event in shop.all_of(ContactSeen) if event.contact == shop.contact()]
    assert [event.customer for event in seen] == [shop.customer()]
    assert CustomerCreated(customer=shop.customer(), contact=shop.contact()) in shop.all_of(CustomerCreated)
    assert ConsentWithdrawn(
        customer=shop.customer(), contact=shop.contact(), topic=MARKETING, source=ConsentSource.FORGOTTEN
    ) in shop.all_of(ConsentWithdrawn)
    assert not shop.customer_state().consents
    assert shop.customer_state().withdrawn == {MARKETING}
    shop.when(said("START"))
    assert shop.customer_state().consents == {MARKETING}
    assert not shop.customer_state().withdrawn
    granted = [event for event in shop.all_of(ConsentGranted) if event.contact == shop.contact()]
    assert [event.source for event in granted] == [ConsentSource.START_WORD]


def test_somebody_seen_in_a_group_first_agrees_to_nothing_by_writing_in_private_either() -> None:
    shop = met()
    shop.given(forgetting(shop))
    returned(shop)
    shop.given(said("hi all", chat=TEA_FANS), said("hello"))
    assert shop.customer_state().withdrawn == {MARKETING}


def test_an_automatic_answer_to_what_they_said_before_is_planned_for_nobody() -> None:
    """The log here has no keys: that the plan itself cannot be stored, tests/bot/test_forgetting.py shows."""
    shop = met()
    shop.given(forgetting(shop), planned(shop))
    assert [event.delivery for event in shop.all_of(DeliveryPlanned)].count(OFFER) == 1
    shop.when(claimed()).then_kinds(DeliverySuppressed)


def test_an_operators_words_have_a_key_of_their_own_and_an_edit_has_its_message_s() -> None:
    shop, li = met(), OperatorId("li")
    shop.given(
        AddOperator(operator=li, name=Personal("Li"), name_digest=Digest("n"), role=Role.AGENT),
        IssueBindCode(operator=li, code=CODE, expires_at=NOON + timedelta(hours=1)),
        BindOperator(code=CODE, contact=shop.contact()),
    )
    eight = ProviderMessageId("8")
    shop.given(
        came(Message(text="/note #2 tea", provider_message=eight)),
        came(Edit(text="/note #2 green tea", provider_message=eight)),
        came(Message(text="/note #2 more", provider_message=ProviderMessageId("9"))),
        came(Press(data="/tag #2 vip", query="q")),
        said("hello", chat=TEA_FANS),
        said("hello", LIN),
    )
    first, second = shop.all_of(MessageReceived)[2:4]
    (edit,), (press,) = shop.all_of(MessageEdited), shop.all_of(ButtonPressed)
    in_group, from_a_customer = shop.all_of(MessageReceived)[4:]
    assert edit.order == first.order
    assert len({first.order, second.order, press.order, None}) == 4
    assert (in_group.order, from_a_customer.order) == (None, None)
    assert subject_of(first) == f"order-{first.order}"
    assert subject_of(from_a_customer) == f"contact-{shop.contact(LIN)}"


@pytest.mark.parametrize("kind", [DeliveryClass.MARKETING, DeliveryClass.SERVICE])
def test_a_consent_event_that_cannot_be_read_blocks_what_is_sent_to_that_customer_and_to_nobody_else(
    kind: DeliveryClass,
) -> None:
    """D13: nobody knows whether they withdrew."""
    log = EventfulLog()
    shop = Shop(log=log).given(said("hello"), said("hello", LIN))
    shop.given(planned(shop, kind))
    log.damaged.add(stream("customer", shop.customer()))
    here = Shop(log=log, identities=shop.identities)
    blocked = here.when(claimed())
    assert (type(blocked.error), blocked.events) == (UnknownEvent, ())
    to_lin = replace(
        planned(shop, kind),
        delivery=DeliveryId("to-lin"),
        contact=shop.contact(LIN),
        customer=shop.customer(LIN),
    )
    started = here.given(to_lin).when(replace(claimed(), delivery=DeliveryId("to-lin")))
    assert DeliveryStarted in [type(recorded.event) for recorded in started.events]
    log.damaged.clear()  # a Siyu that knows the event
    assert DeliveryStarted in [type(recorded.event) for recorded in here.when(claimed()).events]
