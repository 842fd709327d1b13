"""Consent by topic and by contact, and what is told of a customer."""

from dataclasses import replace

import pytest

from domain.customers import parts
from domain.customers.commands import DescribeCustomer, GrantConsent, WithdrawConsent
from domain.customers.customer import CustomerState, customers
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerReleased,
    Part,
)
from domain.errors import Rejected, UnknownRecipient
from domain.identity import Digest, Locale, Slug, ZoneName
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, BOB, MRS_WANG, MRS_WANG_TOO
from tests.domain.given import given

NEWS, SALE = Slug("news"), Slug("sale")
CREATED = events.CUSTOMER_CREATED
TOKYO, BERLIN = ZoneName("Asia/Tokyo"), ZoneName("Europe/Berlin")


def grants(topic: Slug, contact: object = ALICE) -> ConsentGranted:
    return replace(events.CONSENT_GRANTED, topic=topic, contact=contact)  # type: ignore[arg-type]  # an id


def ends(topic: Slug) -> ConsentWithdrawn:
    return replace(events.CONSENT_WITHDRAWN, topic=topic)


def standing(*happened: ConsentGranted | ConsentWithdrawn) -> dict[str, bool]:
    """Whether each topic may be written about to Alice."""
    state = given(customers, CREATED, *happened).state
    return {topic: state.agrees(ALICE, topic) for topic in (MARKETING, NEWS, SALE)}


@pytest.mark.parametrize(
    "happened, agreed",
    [
        ([], []),
        ([grants(MARKETING)], [MARKETING, NEWS, SALE]),
        ([grants(NEWS)], [NEWS]),
        ([grants(MARKETING), ends(NEWS)], [MARKETING, SALE]),
        ([grants(MARKETING), grants(NEWS), ends(MARKETING)], []),
        ([grants(MARKETING), ends(MARKETING), grants(NEWS)], [NEWS]),
        ([grants(MARKETING), ends(MARKETING), grants(NEWS), ends(NEWS)], []),
        ([grants(MARKETING), ends(MARKETING), grants(NEWS), ends(MARKETING)], []),
        ([grants(MARKETING), ends(NEWS), ends(MARKETING), grants(MARKETING)], [MARKETING, SALE]),
        ([grants(MARKETING), ends(NEWS), grants(NEWS)], [MARKETING, NEWS, SALE]),
        ([ends(NEWS), grants(MARKETING)], [MARKETING, SALE]),
        ([ends(MARKETING), grants(MARKETING)], [MARKETING, NEWS, SALE]),
    ],
)
def test_the_umbrella_covers_what_was_not_ended_by_itself_and_ends_everything(
    happened: list[ConsentGranted | ConsentWithdrawn], agreed: list[Slug]
) -> None:
    assert [topic for topic, may in standing(*happened).items() if may] == agreed


def test_the_evidence_is_written_down_with_the_version_of_the_text() -> None:
    agreed = GrantConsent(
        contact=ALICE, topic=NEWS, source=ConsentSource.BUTTON, text_version=Slug("2026-11")
    )
    given(customers, CREATED).when(agreed).then(
        ConsentGranted(
            customer=MRS_WANG,
            contact=ALICE,
            topic=NEWS,
            source=ConsentSource.BUTTON,
            text_version=Slug("2026-11"),
        )
    )


def test_ending_a_topic_again_changes_nothing_but_ending_everything_after_it_does() -> None:
    ended = given(customers, CREATED, grants(MARKETING), ends(NEWS))
    stop_news = WithdrawConsent(contact=ALICE, topic=NEWS, source=ConsentSource.STOP_WORD)
    ended.when(stop_news).then_nothing()
    ended.when(commands.WITHDRAW_CONSENT).then(ends(MARKETING))
    stopped = given(customers, CREATED, grants(MARKETING), ends(MARKETING), grants(NEWS))
    stopped.when(commands.WITHDRAW_CONSENT).then(ends(MARKETING))


def linked(*records: Part) -> CustomerState:
    absorbed = CustomerAbsorbed(customer=MRS_WANG, other=MRS_WANG_TOO, parts=records)
    return given(customers, CREATED, absorbed).state


def test_a_consent_counts_for_the_contact_that_gave_it_also_once_it_is_linked_to_another() -> None:
    state = linked(
        Part(customer=MRS_WANG, contacts=(ALICE,), consents=(MARKETING,)),
        Part(customer=MRS_WANG_TOO, into=MRS_WANG, contacts=(BOB,)),
    )
    assert (state.agrees(ALICE, NEWS), state.agrees(BOB, NEWS)) == (True, False)
    both = given(
        customers, CREATED, CustomerAbsorbed(customer=MRS_WANG, other=MRS_WANG_TOO, parts=state.parts)
    )
    both.when(replace(commands.GRANT_CONSENT, contact=BOB)).then(
        replace(grants(MARKETING, BOB), source=ConsentSource.START_WORD)
    )


def test_after_a_stop_each_contact_agrees_anew_whatever_it_had_agreed_to_by_itself() -> None:
    state = linked(
        Part(customer=MRS_WANG, contacts=(ALICE,), consents=(NEWS,)),
        Part(customer=MRS_WANG_TOO, into=MRS_WANG, contacts=(BOB,)),
    )
    started_again = parts.agreed(parts.ended(state.parts, MARKETING), BOB, MARKETING)
    assert [parts.agrees(started_again, contact, NEWS) for contact in (ALICE, BOB)] == [False, True]


def test_a_stop_said_while_linked_is_kept_by_both_even_where_one_had_stopped_before() -> None:
    absorbed = CustomerAbsorbed(
        customer=MRS_WANG,
        other=MRS_WANG_TOO,
        parts=(
            Part(customer=MRS_WANG, contacts=(ALICE,), consents=(MARKETING,)),
            Part(customer=MRS_WANG_TOO, into=MRS_WANG, contacts=(BOB,), withdrawn=(MARKETING,)),
        ),
    )
    state = given(customers, CREATED, absorbed).when(commands.WITHDRAW_CONSENT).then(ends(MARKETING))
    left, gone = parts.parted(state.parts, MRS_WANG_TOO)
    assert [parts.is_ended(apart, MARKETING) for apart in (left, gone)] == [True, True]


def test_a_topic_taken_up_while_linked_lifts_the_others_stop_for_this_topic_and_while_they_are_linked() -> (
    None
):
    state = linked(
        Part(customer=MRS_WANG, contacts=(ALICE,), consents=(MARKETING,)),
        Part(customer=MRS_WANG_TOO, into=MRS_WANG, contacts=(BOB,), withdrawn=(MARKETING,)),
    )
    taken_up = parts.agreed(state.parts, ALICE, NEWS)
    assert [parts.agrees(taken_up, ALICE, topic) for topic in (NEWS, SALE)] == [True, False]
    assert not parts.agrees(taken_up, BOB, NEWS)
    _, gone = parts.parted(taken_up, MRS_WANG_TOO)
    assert parts.is_ended(gone, NEWS)


# --- what is told of them ------------------------------------------------------------------------------------------


def test_what_is_told_is_written_down_once_for_each_thing_told() -> None:
    state = given(customers, CREATED).when(commands.DESCRIBE_CUSTOMER).then(events.CUSTOMER_DESCRIBED)
    assert (state.zone, state.language) == (TOKYO, commands.DESCRIBE_CUSTOMER.language)
    known = given(customers, CREATED, events.CUSTOMER_DESCRIBED)
    known.when(commands.DESCRIBE_CUSTOMER).then_nothing()
    moved = DescribeCustomer(customer=MRS_WANG, zone=BERLIN, source=Slug("api"), digest=Digest("d2"))
    assert (
        known.when(moved)
        .then(
            replace(
                events.CUSTOMER_DESCRIBED,
                birthday=None,
                member_since=None,
                language=None,
                zone=BERLIN,
                source=Slug("api"),
                digest=Digest("d2"),
            )
        )
        .zone
        == BERLIN
    )
    undigested = replace(commands.DESCRIBE_CUSTOMER, digest=None)
    known.when(undigested).then(replace(events.CUSTOMER_DESCRIBED, digest=None))


@pytest.mark.parametrize("zone", ["Mars/Base", "Asia", "../etc/passwd", ""])
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    told = replace(commands.DESCRIBE_CUSTOMER, zone=ZoneName(zone))
    text = f"{zone!r} is no time zone: write one like Asia/Shanghai"
    given(customers, CREATED).when(told).then_rejected(text, Rejected)


def test_of_the_forgotten_nothing_more_is_noted() -> None:
    gone = given(customers, CREATED, events.CUSTOMER_FORGOTTEN)
    gone.when(commands.DESCRIBE_CUSTOMER).then_rejected("this customer was forgotten", UnknownRecipient)


def test_the_record_that_stays_is_believed_first_and_apart_each_has_its_own() -> None:
    made_of = (
        Part(customer=MRS_WANG, contacts=(ALICE,)),
        Part(customer=MRS_WANG_TOO, into=MRS_WANG, contacts=(BOB,), zone=TOKYO, language=Locale("ja")),
    )
    absorbed = CustomerAbsorbed(customer=MRS_WANG, other=MRS_WANG_TOO, parts=made_of)
    both = given(customers, CREATED, absorbed)
    assert (both.state.zone, both.state.language) == (TOKYO, Locale("ja"))
    told = replace(events.CUSTOMER_DESCRIBED, zone=BERLIN, language=None)
    later = given(customers, CREATED, absorbed, told)
    assert (later.state.zone, later.state.language) == (BERLIN, Locale("ja"))
    left, gone = parts.parted(later.state.parts, MRS_WANG_TOO)
    assert (parts.zone(left), parts.zone(gone)) == (BERLIN, TOKYO)
    released = CustomerReleased(customer=MRS_WANG, other=MRS_WANG_TOO, parts=left)
    assert given(customers, CREATED, absorbed, told, released).state.zone == BERLIN
