from dataclasses import replace
from datetime import timedelta

import pytest

from domain.customers.commands import CreateCustomer
from domain.customers.customer import CustomerState, customers
from domain.customers.events import MARKETING, ConsentSource, Part, Reservation
from domain.errors import UnknownRecipient
from domain.identity import DeliveryId, Slug
from domain.message import Command
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, HELLO, MRS_WANG, NOON, VIP
from tests.domain.given import given

CREATED = events.CUSTOMER_CREATED
NONE: frozenset[Slug] = frozenset()
AGREED = ENDED = frozenset({MARKETING})
GRANTED = replace(events.CONSENT_GRANTED, source=ConsentSource.START_WORD)
IMPLIED = replace(commands.GRANT_CONSENT, source=ConsentSource.CONTACT_STARTED)


def test_a_customer_is_created_once() -> None:
    state = given(customers).when(commands.CREATE_CUSTOMER).then(CREATED)
    assert state == CustomerState(id=MRS_WANG, parts=(Part(customer=MRS_WANG, contacts=(ALICE,)),))
    given(customers, CREATED).when(commands.CREATE_CUSTOMER).then_nothing()


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in commands.COMMANDS
        if isinstance(command, customers.commands) and not isinstance(command, CreateCustomer)
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_customer_never_created_is_unknown(command: Command) -> None:
    given(customers).when(command).then_rejected("no such customer", UnknownRecipient)


def test_a_tag_is_put_once_and_taken_once() -> None:
    assert given(customers, CREATED).when(commands.TAG_CUSTOMER).then(events.CUSTOMER_TAGGED).tags == {VIP}
    tagged = given(customers, CREATED, events.CUSTOMER_TAGGED)
    tagged.when(commands.TAG_CUSTOMER).then_nothing()
    assert tagged.when(commands.UNTAG_CUSTOMER).then(events.CUSTOMER_UNTAGGED).tags == frozenset()
    given(customers, CREATED).when(commands.UNTAG_CUSTOMER).then_nothing()


def test_names_and_notes_are_written_down_and_kept_out_of_the_state() -> None:
    known = given(customers, CREATED)
    assert known.when(commands.NAME_CUSTOMER).then(events.CUSTOMER_NAMED) == known.state
    assert known.when(commands.ADD_NOTE).then(events.NOTE_ADDED) == known.state


def test_consent_is_granted_once() -> None:
    state = given(customers, CREATED).when(commands.GRANT_CONSENT).then(GRANTED)
    assert (state.consents, state.withdrawn) == (AGREED, NONE)
    given(customers, CREATED, GRANTED).when(commands.GRANT_CONSENT).then_nothing()


def test_consent_is_withdrawn_once_also_by_somebody_who_never_gave_it() -> None:
    for before in ([CREATED], [CREATED, GRANTED]):
        state = given(customers, *before).when(commands.WITHDRAW_CONSENT).then(events.CONSENT_WITHDRAWN)
        assert (state.consents, state.withdrawn) == (NONE, ENDED)
    stopped = given(customers, CREATED, events.CONSENT_WITHDRAWN)
    stopped.when(commands.WITHDRAW_CONSENT).then_nothing()


def test_writing_again_implies_no_consent_after_a_stop() -> None:
    given(customers, CREATED).when(IMPLIED).then(events.CONSENT_GRANTED)
    given(customers, CREATED, events.CONSENT_WITHDRAWN).when(IMPLIED).then_nothing()


def test_a_start_word_after_a_stop_grants_again() -> None:
    stopped = given(customers, CREATED, events.CONSENT_WITHDRAWN)
    state = stopped.when(commands.GRANT_CONSENT).then(GRANTED)
    assert (state.consents, state.withdrawn) == (AGREED, NONE)


def test_a_stop_that_comes_again_after_a_new_start_ends_it_again() -> None:
    given(customers, CREATED, events.CONSENT_WITHDRAWN, GRANTED).when(commands.WITHDRAW_CONSENT).then(
        events.CONSENT_WITHDRAWN
    )


def test_a_reservation_is_keyed_by_its_delivery_and_counts_from_its_last_attempt() -> None:
    later = replace(events.SEND_RESERVED, at=NOON + timedelta(hours=2))
    state = given(customers, CREATED, events.SEND_RESERVED, later).state
    assert state.reservations == (Reservation(HELLO, later.at),)


def test_reservations_older_than_any_cap_are_let_go() -> None:
    other = replace(events.SEND_RESERVED, delivery=DeliveryId("other"), at=NOON + timedelta(days=8))
    state = given(customers, CREATED, events.SEND_RESERVED, other).state
    assert state.reservations == (Reservation(other.delivery, other.at),)
    sooner = replace(other, at=NOON + timedelta(days=7))
    assert len(given(customers, CREATED, events.SEND_RESERVED, sooner).state.reservations) == 2


def test_a_reservation_is_released_once() -> None:
    reserved = given(customers, CREATED, events.SEND_RESERVED)
    state = reserved.when(commands.RELEASE_RESERVATION).then(events.RESERVATION_RELEASED)
    assert state.reservations == ()
    given(customers, CREATED).when(commands.RELEASE_RESERVATION).then_nothing()
