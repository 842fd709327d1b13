"""Linking: two records turn out to be one person, and one turns out to be two."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.contacts.commands import IssueLinkCode, LinkContacts, RedeemLinkCode
from domain.contacts.events import (
    ContactIdentified,
    ContactLinked,
    IdentifierHeld,
    LinkCodeIssued,
    LinkCodeUsed,
    LinkRefused,
)
from domain.conversations.commands import Message, Sender
from domain.conversations.events import ContentKind
from domain.customers.commands import (
    GrantConsent,
    MergeCustomers,
    NameCustomer,
    TagCustomer,
    UnmergeCustomer,
    UntagCustomer,
)
from domain.customers.events import (
    MARKETING,
    ConsentSource,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerMerged,
    CustomerNamed,
    CustomerReleased,
    CustomerTagged,
    CustomerUnmerged,
    SendReserved,
)
from domain.deliveries.commands import PlanDelivery, RejectDelivery
from domain.deliveries.events import DeliveryPostponed, DeliveryStarted, DeliverySuppressed
from domain.errors import Rejected, UnknownRecipient
from domain.identity import CustomerId, DeliveryId, Digest, Slug, SubjectId, Tag
from domain.message import Personal
from domain.processes.identifying import PHONE, UNIONID, identified_by
from tests.domain.controls import commands
from tests.domain.controls.ids import CODE, NOON, SPRING, VIP
from tests.domain.logs import EventfulLog
from tests.domain.outbound import DAY, claim, offer
from tests.domain.shop import LIN, WANG, Shop, came, said

ZHAO = Sender(external_id="44", name="赵敏")
QUARTER = timedelta(minutes=15)
NUMBER = "+8613800138000"


@pytest.fixture
def shop() -> Shop:
    """Wang and Lin, whom we take for two."""
    return Shop().given(said("你好"), said("hello", LIN), said("hi", ZHAO))


def merge(shop: Shop, one: Sender = WANG, other: Sender = LIN) -> MergeCustomers:
    """Merge the records that the two were first known as."""
    return MergeCustomers(customer=record(shop, one), other=record(shop, other))


def record(shop: Shop, who: Sender) -> CustomerId:
    """Return the record somebody was first known as."""
    seen = shop.log.read_stream(f"contact-{shop.contact(who)}")[0].event  # type: ignore[arg-type]  # a plain stream id
    return CustomerId(seen.customer)  # type: ignore[attr-defined]  # ContactSeen


def unmerge(shop: Shop, who: Sender = LIN) -> UnmergeCustomer:
    return UnmergeCustomer(customer=record(shop, who))


def to(shop: Shop, who: Sender, name: str = "second") -> PlanDelivery:
    """An offer to somebody, as it was planned when they were known as their own record."""
    return replace(
        offer(shop, DeliveryId(name)),
        subject=SubjectId(f"contact-{shop.contact(who)}"),
        contact=shop.contact(who),
        customer=record(shop, who),
    )


def people(shop: Shop) -> list[frozenset[str]]:
    """Who is one person, as the contacts say."""
    senders = {"wang": WANG, "lin": LIN, "zhao": ZHAO}
    owners = {name: shop.customer(sender) for name, sender in senders.items()}
    return sorted({frozenset(n for n in owners if owners[n] == one) for one in owners.values()}, key=sorted)


def test_a_merge_is_written_to_both_customers_and_to_each_contact_that_moves(shop: Shop) -> None:
    wang, lin = record(shop, WANG), record(shop, LIN)
    mine, theirs = (shop.customer_state(who).parts[0] for who in (WANG, LIN))
    shop.when(merge(shop)).then(
        CustomerMerged(customer=lin, into=wang, basis=Slug("operator")),
        CustomerAbsorbed(customer=wang, other=lin, parts=(mine, replace(theirs, into=wang))),
        ContactLinked(contact=shop.contact(LIN), customer=wang, before=lin),
    )
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    assert shop.customer_state().contacts == {shop.contact(WANG), shop.contact(LIN)}


def test_merging_those_who_are_one_changes_nothing_whichever_record_is_named(shop: Shop) -> None:
    shop.given(merge(shop), merge(shop, LIN, ZHAO))
    assert people(shop) == [{"lin", "wang", "zhao"}]
    for one, other in ((WANG, LIN), (LIN, WANG), (ZHAO, LIN), (LIN, LIN)):
        shop.when(merge(shop, one, other)).then()


def test_an_un_merge_is_written_to_both_sides_and_to_each_contact_that_goes_back(shop: Shop) -> None:
    wang, lin = record(shop, WANG), record(shop, LIN)
    before = [shop.customer_state(who).parts for who in (WANG, LIN)]
    shop.given(merge(shop)).when(unmerge(shop)).then(
        CustomerReleased(customer=wang, other=lin, parts=before[0]),
        CustomerUnmerged(customer=lin, before=wang, parts=before[1]),
        ContactLinked(contact=shop.contact(LIN), customer=lin, before=wang),
    )
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]


def test_who_was_never_merged_cannot_be_un_merged(shop: Shop) -> None:
    shop.when(unmerge(shop)).then_failed("This customer was not merged into another.", Rejected)
    shop.when(UnmergeCustomer(customer=CustomerId("nobody"))).then_failed(
        "no such customer", UnknownRecipient
    )
    shop.when(MergeCustomers(customer=record(shop, WANG), other=CustomerId("nobody"))).then_failed(
        "no such customer", UnknownRecipient
    )


def test_in_a_chain_the_middle_leaves_with_what_was_merged_into_it(shop: Shop) -> None:
    shop.given(merge(shop, LIN, ZHAO), merge(shop, WANG, LIN), unmerge(shop, LIN))
    assert people(shop) == [{"lin", "zhao"}, {"wang"}]
    shop.given(unmerge(shop, ZHAO))
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]


def test_in_a_chain_the_end_leaves_alone(shop: Shop) -> None:
    shop.given(merge(shop, LIN, ZHAO), merge(shop, WANG, LIN), unmerge(shop, ZHAO))
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    shop.given(unmerge(shop, LIN))
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]


def test_a_record_that_was_merged_away_forwards_its_commands(shop: Shop) -> None:
    shop.given(merge(shop, LIN, ZHAO), merge(shop, WANG, LIN))
    wang = record(shop, WANG)
    remark = Personal("王阿姨")
    shop.when(NameCustomer(customer=record(shop, ZHAO), remark=remark)).then(
        CustomerNamed(customer=wang, remark=remark)
    )
    shop.when(TagCustomer(customer=record(shop, LIN), tag=VIP)).then(CustomerTagged(customer=wang, tag=VIP))


def test_tags_are_those_of_both_and_go_back_without_what_was_taken_away(shop: Shop) -> None:
    tags = [(WANG, "mine"), (WANG, "both"), (LIN, "both"), (LIN, "theirs"), (LIN, "wrong")]
    shop.given(*(TagCustomer(customer=record(shop, who), tag=Tag(tag)) for who, tag in tags), merge(shop))
    assert shop.customer_state().tags == {"mine", "both", "theirs", "wrong"}
    together = record(shop, LIN)
    shop.given(
        TagCustomer(customer=together, tag=Tag("new")), UntagCustomer(customer=together, tag=Tag("wrong"))
    )
    shop.given(unmerge(shop))
    assert shop.customer_state(WANG).tags == {"mine", "both", "new"}
    assert shop.customer_state(LIN).tags == {"both", "theirs"}


# --- consent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stopping", [WANG, LIN], ids=["the-one-that-stays", "the-one-merged-away"])
def test_a_stop_on_any_linked_channel_ends_marketing_on_all(shop: Shop, stopping: Sender) -> None:
    shop.given(to(shop, WANG, "first"), to(shop, LIN), merge(shop), said("退订", stopping))
    for name in ("first", "second"):
        delivery = DeliveryId(name)
        shop.when(claim(shop, delivery)).then(
            DeliverySuppressed(delivery=delivery, reason=Slug("opted-out"), rule=Slug("consent"))
        )


def test_who_stopped_before_they_were_linked_is_not_written_to_as_the_other(shop: Shop) -> None:
    shop.given(said("退订", LIN), to(shop, WANG, "first"), merge(shop))
    shop.when(claim(shop, DeliveryId("first"))).then_kinds(DeliverySuppressed)


def test_both_keep_a_stop_that_was_said_while_they_were_linked(shop: Shop) -> None:
    shop.given(merge(shop), said("退订", LIN), unmerge(shop))
    assert [shop.customer_state(who).withdrawn for who in (WANG, LIN)] == [{MARKETING}] * 2


def test_a_start_while_linked_holds_for_both_and_apart_for_who_said_it(shop: Shop) -> None:
    shop.given(said("退订", WANG), merge(shop), said("START", LIN))
    assert shop.customer_state().consents == {MARKETING}
    shop.given(unmerge(shop))
    assert shop.customer_state(LIN).consents == {MARKETING}
    assert shop.customer_state(WANG).withdrawn == {MARKETING}
    shop.given(merge(shop))
    assert shop.customer_state().withdrawn == {MARKETING}  # the strictest wins again


def test_who_agrees_while_the_other_has_agreed_takes_it_along() -> None:
    shop = Shop(implied_consent=False).given(said("hello"), said("START", LIN), said("hi", ZHAO))
    start = GrantConsent(contact=shop.contact(), topic=MARKETING, source=ConsentSource.START_WORD)
    shop.given(merge(shop), start, unmerge(shop))
    assert shop.customer_state(WANG).consents == shop.customer_state(LIN).consents == {MARKETING}


def test_a_duplicate_of_a_stop_after_a_new_start_changes_nothing_whatever_was_merged_meanwhile(
    shop: Shop,
) -> None:
    stop = said("退订", LIN, key="stop")
    shop.given(stop, merge(shop), said("START", LIN))
    assert shop.when(stop).duplicate
    assert shop.given(unmerge(shop)).when(stop).duplicate
    assert shop.customer_state(LIN).consents == {MARKETING}
    assert len(shop.all_of(ConsentWithdrawn)) == 1


# --- the gate ------------------------------------------------------------------------------------------------------


def test_the_gate_decides_on_whom_the_contact_belongs_to_now(shop: Shop) -> None:
    shop.given(to(shop, LIN), merge(shop)).when(claim(shop, DeliveryId("second"))).then_kinds(
        SendReserved, DeliveryStarted
    )
    assert shop.all_of(SendReserved)[0].customer == record(shop, WANG)


def test_a_merged_customer_has_one_cap(shop: Shop) -> None:
    late = replace(to(shop, LIN), expires_at=NOON + 2 * DAY)
    shop.given(to(shop, WANG, "first"), claim(shop, DeliveryId("first")), late, merge(shop))
    shop.when(claim(shop, late.delivery)).then_kinds(DeliveryPostponed)


def test_of_one_broadcast_a_merged_customer_gets_one(shop: Shop) -> None:
    shop.given(replace(commands.DRAFT_BROADCAST, tag=None), commands.CONFIRM_BROADCAST)
    both = [
        replace(to(shop, who, name), broadcast=SPRING, text=None) for who, name in ((WANG, "a"), (LIN, "b"))
    ]
    shop.given(*both, claim(shop, DeliveryId("a")), merge(shop))
    shop.now += 2 * DAY / 3  # the cap is not what keeps it back
    shop.when(claim(shop, DeliveryId("b"))).then(
        DeliverySuppressed(delivery=DeliveryId("b"), reason=Slug("merged-duplicate"), rule=Slug("identity"))
    )


def test_where_the_first_never_went_out_the_second_may(shop: Shop) -> None:
    shop.given(replace(commands.DRAFT_BROADCAST, tag=None), commands.CONFIRM_BROADCAST)
    both = [
        replace(to(shop, who, name), broadcast=SPRING, text=None) for who, name in ((WANG, "a"), (LIN, "b"))
    ]
    refused = RejectDelivery(delivery=DeliveryId("a"), attempt=1, reason=Slug("refused"))
    shop.given(*both, claim(shop, DeliveryId("a")), merge(shop), refused)
    shop.when(claim(shop, DeliveryId("b"))).then_kinds(SendReserved, DeliveryStarted)


def test_both_keep_what_was_reserved_while_they_were_linked_until_it_is_given_back(shop: Shop) -> None:
    shop.given(merge(shop), to(shop, LIN), claim(shop, DeliveryId("second")), unmerge(shop))
    held = [[r.delivery for r in shop.customer_state(who).reservations] for who in (WANG, LIN)]
    assert held == [["second"], ["second"]]
    shop.given(RejectDelivery(delivery=DeliveryId("second"), attempt=1, reason=Slug("refused")))
    assert [shop.customer_state(who).reservations for who in (WANG, LIN)] == [(), ()]


# --- codes ---------------------------------------------------------------------------------------------------------


def code(shop: Shop) -> IssueLinkCode:
    return IssueLinkCode(
        code=CODE, customer=record(shop, WANG), contact=shop.contact(), expires_at=shop.now + QUARTER
    )


def redeem(shop: Shop, who: Sender = LIN) -> RedeemLinkCode:
    return RedeemLinkCode(code=CODE, contact=shop.contact(who))


def test_whoever_sends_a_code_from_another_account_is_the_same_person(shop: Shop) -> None:
    shop.when(code(shop)).then_kinds(LinkCodeIssued)
    shop.when(code(shop)).then()
    shop.when(redeem(shop)).then_kinds(LinkCodeUsed, CustomerMerged, CustomerAbsorbed, ContactLinked)
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    assert shop.all_of(CustomerMerged)[0].basis == "code"


def test_a_code_leads_to_whoever_asked_for_it_also_when_their_record_was_merged_meanwhile(shop: Shop) -> None:
    shop.given(code(shop), merge(shop, ZHAO, WANG), redeem(shop))
    assert people(shop) == [{"lin", "wang", "zhao"}]


@pytest.mark.parametrize("contact", [True, False], ids=["a-customer-s", "an-operator-s"])
def test_a_code_works_once_and_for_a_quarter_of_an_hour(shop: Shop, *, contact: bool) -> None:
    issue = code(shop) if contact else replace(code(shop), contact=None)
    shop.given(issue, redeem(shop))
    refused = LinkRefused(contact=shop.contact(ZHAO), at=NOON)
    shop.when(redeem(shop, ZHAO)).then(refused)
    late = replace(issue, code=commands.HOLD_IDENTIFIER.digest)
    shop.given(late)
    shop.now += QUARTER
    shop.when(RedeemLinkCode(code=late.code, contact=shop.contact(ZHAO))).then(replace(refused, at=shop.now))


def test_of_two_who_send_a_code_at_once_one_is_linked(shop: Shop) -> None:
    shop.given(code(shop)).batch(redeem(shop, LIN), redeem(shop, ZHAO))
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    assert len(shop.all_of(LinkRefused)) == 1


def test_five_wrong_codes_an_hour_may_be_tried_and_then_not_even_the_right_one(shop: Shop) -> None:
    wrong = RedeemLinkCode(code=commands.HOLD_IDENTIFIER.digest, contact=shop.contact(LIN))
    shop.given(*[wrong] * 5)
    assert len(shop.all_of(LinkRefused)) == 5
    shop.given(code(shop)).when(redeem(shop)).then()
    shop.when(wrong).then()
    shop.now += timedelta(hours=1)
    shop.given(replace(code(shop), code=Digest("again"))).when(
        RedeemLinkCode(code=Digest("again"), contact=shop.contact(LIN))
    ).then_kinds(LinkCodeUsed, CustomerMerged, CustomerAbsorbed, ContactLinked)


# --- identifiers ---------------------------------------------------------------------------------------------------


def own_phone(who: Sender, phone: str = NUMBER) -> Message:
    return Message(kind=ContentKind.CONTACT, details={"own": True, "phone": phone})


def test_two_who_share_the_same_phone_as_their_own_are_one(shop: Shop) -> None:
    shop.given(came(own_phone(WANG)))
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]
    shop.given(came(own_phone(LIN, NUMBER.removeprefix("+")), LIN))
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    assert [event.basis for event in shop.all_of(CustomerMerged)] == ["phone"]
    assert {event.value.value for event in shop.all_of(ContactIdentified)} == {NUMBER}


def test_somebody_else_s_phone_tells_nothing(shop: Shop) -> None:
    shared = Message(kind=ContentKind.CONTACT, details={"own": False, "phone": NUMBER})
    forwarded = replace(own_phone(WANG), forwarded=True)
    shop.given(came(shared), came(shared, LIN), came(forwarded), came(own_phone(WANG, "no number")))
    assert shop.all_of(ContactIdentified) == []


def test_what_an_operator_noted_links_nobody_until_a_channel_vouches_for_it(shop: Shop) -> None:
    noted = [
        identified_by(shop.contact(who), PHONE, NUMBER, verified=False, digest=shop.digest)
        for who in (WANG, LIN)
    ]
    shop.given(*noted, came(own_phone(ZHAO), ZHAO))
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]
    shop.given(came(own_phone(LIN), LIN))
    assert people(shop) == [{"lin", "zhao"}, {"wang"}]


def test_equal_unionids_link_at_once_and_a_person_s_un_merge_is_not_undone_by_hearing_it_again(
    shop: Shop,
) -> None:
    ids = [
        identified_by(shop.contact(who), UNIONID, "o6_bm", verified=True, digest=shop.digest)
        for who in (WANG, LIN)
    ]
    shop.given(*ids)
    assert people(shop) == [{"lin", "wang"}, {"zhao"}]
    shop.given(unmerge(shop), *ids)
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]
    shop.given(identified_by(shop.contact(ZHAO), UNIONID, "o6_bm", verified=True, digest=shop.digest))
    assert people(shop) == [{"lin"}, {"wang", "zhao"}]


def test_two_processes_that_learn_the_same_identifier_at_once_agree() -> None:
    log = EventfulLog()
    one = Shop(log=log).given(said("你好"), said("hello", LIN), said("hi", ZHAO))
    two = Shop(log=one.log, identities=one.identities)
    first, second = (
        identified_by(one.contact(who), UNIONID, "o6_bm", verified=True, digest=one.digest)
        for who in (WANG, LIN)
    )
    log.before.append(lambda: two.given(second))
    one.given(first)
    assert people(one) == [{"lin", "wang"}, {"zhao"}]
    assert len(one.all_of(IdentifierHeld)) == 2


def test_one_of_us_is_nobody_s_customer(shop: Shop) -> None:
    shop.given(
        commands.ADD_OPERATOR,
        commands.ISSUE_BIND_CODE,
        replace(commands.BIND_OPERATOR, contact=shop.contact(LIN)),
    )
    told = "One of the two is one of us: operators are nobody's customers."
    shop.when(merge(shop)).then_failed(told, Rejected)
    shop.when(LinkContacts(contact=shop.contact(), other=shop.contact(LIN), basis=PHONE)).then()
    shop.given(came(own_phone(WANG)), came(own_phone(LIN), LIN))
    assert people(shop) == [{"lin"}, {"wang"}, {"zhao"}]
