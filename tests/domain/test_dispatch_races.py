"""The dispatcher when others write first: several processes on one log, and batches in which a unit is dropped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.contacts.events import ContactSeen
from domain.conversations.events import MessageReceived
from domain.customers.commands import AddNote, GrantConsent, TagCustomer, UntagCustomer, WithdrawConsent
from domain.customers.events import (
    MARKETING,
    ConsentSource,
    ConsentWithdrawn,
    CustomerTagged,
    NoteAdded,
    SendReserved,
)
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryStarted, DeliverySuppressed
from domain.dispatch import Done, Failed, Result
from domain.errors import StoreUnavailable, VersionConflict
from domain.gate import ClaimDelivery
from domain.identity import CustomerId, DeliveryId, Slug, SubjectId, Tag
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.installation.installation import INSTALLATION, installation
from domain.message import Command, Personal
from domain.operators.commands import AddOperator, RemoveOperator
from domain.rules.commands import RemoveRule
from tests.domain.controls import commands
from tests.domain.controls.ids import NOON, PRICES, VIP
from tests.domain.logs import EventfulLog, away
from tests.domain.shop import LIN, Shop, said

OFFER = DeliveryId("offer")
TRIES = 5


@pytest.fixture
def log() -> EventfulLog:
    return EventfulLog()


@pytest.fixture
def ours(log: EventfulLog) -> Shop:
    return Shop(log=log).given(said("你好"))


@pytest.fixture
def theirs(ours: Shop) -> Shop:
    """Another process of the same installation."""
    return Shop(log=ours.log, identities=ours.identities)


def tag(shop: Shop, name: str = VIP) -> TagCustomer:
    return TagCustomer(customer=shop.customer(), tag=Tag(name))


def stop(shop: Shop) -> WithdrawConsent:
    return WithdrawConsent(contact=shop.contact(), topic=MARKETING, source=ConsentSource.STOP_WORD)


def offer(shop: Shop) -> PlanDelivery:
    return PlanDelivery(
        delivery=OFFER,
        subject=SubjectId(f"contact-{shop.contact()}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("broadcast"),
        contact=shop.contact(),
        customer=shop.customer(),
        text=Personal("春茶上新"),
        not_before=NOON,
        expires_at=NOON + timedelta(days=1),
    )


CLAIM: ClaimDelivery = replace(commands.CLAIM_DELIVERY, delivery=OFFER)


def by(shop: Shop, *wanted: Command) -> Callable[[], object]:
    """Somebody else does this meanwhile."""
    return lambda: shop.given(*wanted)


def tags(shop: Shop) -> list[str]:
    return [event.tag for event in shop.all_of(CustomerTagged)]


def done(results: list[Result]) -> list[bool]:
    return [isinstance(result, Done) for result in results]


def test_a_command_is_decided_again_on_what_somebody_else_wrote_first(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    log.before.append(by(theirs, tag(ours)))
    ours.when(tag(ours), tag(ours, "new")).then(CustomerTagged(customer=ours.customer(), tag=Tag("new")))
    assert tags(ours) == [VIP, "new"]


def test_it_is_decided_five_times_at_most(ours: Shop, theirs: Shop, log: EventfulLog) -> None:
    log.before = [step for n in range(TRIES) for step in (by(theirs, tag(ours, f"theirs-{n}")), lambda: None)]
    ours.when(tag(ours)).then_failed("others wrote the same streams 5 times: try again", VersionConflict)
    ours.when(tag(ours)).then_kinds(CustomerTagged)
    assert tags(ours) == [*(f"theirs-{n}" for n in range(TRIES)), VIP]


def test_the_fifth_time_may_succeed(ours: Shop, theirs: Shop, log: EventfulLog) -> None:
    log.before = [
        step for n in range(TRIES - 1) for step in (by(theirs, tag(ours, f"theirs-{n}")), lambda: None)
    ]
    ours.when(tag(ours)).then_kinds(CustomerTagged)


def test_neighbours_of_a_conflict_are_done_once_and_in_the_same_batch(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    ours.given(said("hello", LIN))
    lin = ours.customer(LIN)
    log.before.append(by(theirs, tag(ours, "theirs")))
    note = AddNote(customer=lin, operator=None, note=Personal("friendly"))
    results = ours.batch(replace(note), tag(ours), note)
    assert done(results) == [True, True, True]
    assert len(ours.all_of(NoteAdded)) == 2
    assert tags(ours) == ["theirs", VIP]


def test_neighbours_of_a_duplicate_are_done(ours: Shop) -> None:
    first = said("再见", key="1")
    ours.given(first)
    results = ours.batch(said("a"), first, said("b"), tag(ours))
    assert [isinstance(result, Done) and result.duplicate for result in results] == [
        False,
        True,
        False,
        False,
    ]
    assert [message.text.value for message in ours.all_of(MessageReceived)][2:] == ["a", "b"]
    assert tags(ours) == [VIP]


def test_an_opt_out_that_commits_before_the_claim_wins(ours: Shop, theirs: Shop, log: EventfulLog) -> None:
    ours.given(offer(ours))
    log.before.append(by(theirs, said("退订")))
    ours.when(CLAIM).then(DeliverySuppressed(delivery=OFFER, reason=Slug("opted-out"), rule=Slug("consent")))
    assert ours.all_of(SendReserved) == []


@pytest.mark.parametrize("between", [0, 1, 3])
def test_an_opt_out_wins_too_where_it_takes_the_very_version_a_dropped_neighbour_meant_to_write(
    ours: Shop, theirs: Shop, log: EventfulLog, between: int
) -> None:
    """Our batch tags the customer, so the claim behind it expects the customer one version further: where the stop now stands."""
    ours.given(offer(ours))
    log.before.append(by(theirs, stop(ours)))
    others = [said(f"{n}", LIN) for n in range(between)]
    assert done(ours.batch(tag(ours), *others, CLAIM)) == [True] * (between + 2)
    assert ours.all_of(DeliveryStarted) == []
    assert [event.reason for event in ours.all_of(DeliverySuppressed)] == ["opted-out"]
    assert tags(ours) == [VIP]


def test_nothing_to_do_is_decided_again_where_it_relied_on_a_neighbour_that_was_dropped(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    """Ours: untag, then tag; theirs: a note meanwhile. The second of ours must not find the tag it is about to put still there."""
    ours.given(tag(ours))
    untag = UntagCustomer(customer=ours.customer(), tag=VIP)
    log.before.append(by(theirs, untag))
    assert done(
        ours.batch(AddNote(customer=ours.customer(), operator=None, note=Personal("x")), tag(ours))
    ) == [
        True,
        True,
    ]
    assert ours.customer_state().tags == {VIP}


def test_a_refusal_is_decided_again_where_it_relied_on_a_neighbour_that_was_dropped(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    """In our batch the rule is removed twice: the second is refused. That must hold for what is, not for what was meant."""
    ours.given(commands.ADD_RULE)
    remove = RemoveRule(rule=PRICES)
    log.before.append(by(theirs, remove, replace(commands.ADD_RULE, pattern=Personal("new"))))
    assert done(ours.batch(remove, remove)) == [True, False]


def test_a_repeated_message_is_stored_once_though_its_first_copy_met_a_conflict(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    renamed = replace(said("名字变了", key="1"), sender=replace(LIN, name="Lin"))
    ours.given(said("hello", LIN))
    log.before.append(by(theirs, replace(renamed, key="2")))
    results = ours.batch(*[renamed] * 3)
    assert [isinstance(result, Done) and result.duplicate for result in results] == [False, True, True]
    assert [message.text.value for message in ours.all_of(MessageReceived)] == [
        "你好",
        "hello",
        "名字变了",
        "名字变了",
    ]


def test_a_copy_of_a_message_is_no_duplicate_while_the_message_itself_is_not_stored(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    """Whoever is told "duplicate" answers 200, and the provider never sends it again."""
    renamed = replace(said("名字变了", key="1"), sender=replace(LIN, name="Lin"))
    ours.given(said("hello", LIN))
    log.before = [by(theirs, replace(renamed, key="2")), lambda: None, away]
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        ours.batch(renamed, renamed)
    assert [isinstance(result, Done) and result.duplicate for result in ours.batch(renamed, renamed)] == [
        False,
        True,
    ]


def test_two_processes_that_meet_somebody_new_at_once_make_one_customer(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    log.before.append(by(theirs, said("hi", LIN)))
    ours.given(said("hello", LIN))
    assert len(ours.all_of(ContactSeen)) == 2  # Wang, and Lin once
    assert [message.text.value for message in ours.all_of(MessageReceived)] == ["你好", "hi", "hello"]


def test_two_processes_that_receive_the_same_stop_withdraw_once(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    received = said("退订", key="1")
    log.before.append(by(theirs, received))
    assert ours.when(received).duplicate
    assert len(ours.all_of(ConsentWithdrawn)) == 1


def test_what_this_process_knows_of_a_stream_may_be_old(ours: Shop, theirs: Shop) -> None:
    """It paused, another process resumed: saying pause again is not what is already so."""
    ours.given(PauseMarketing())
    theirs.given(ResumeMarketing())
    ours.given(PauseMarketing())
    assert ours.state(installation, INSTALLATION).marketing_paused


def test_a_claim_sees_that_another_process_resumed(ours: Shop, theirs: Shop) -> None:
    ours.given(offer(ours), PauseMarketing()).when(CLAIM).then()
    theirs.given(ResumeMarketing())
    ours.when(CLAIM).then_kinds(SendReserved, DeliveryStarted)


def test_a_stop_counts_though_this_process_remembers_an_older_one(ours: Shop, theirs: Shop) -> None:
    ours.given(stop(ours))
    start = GrantConsent(contact=ours.contact(), topic=MARKETING, source=ConsentSource.START_WORD)
    theirs.given(start)
    ours.given(stop(ours))
    assert ours.customer_state().withdrawn == {MARKETING}


def test_a_refusal_is_checked_against_the_log_too(ours: Shop, theirs: Shop) -> None:
    ours.given(commands.ADD_OPERATOR)
    theirs.given(RemoveOperator(operator=commands.ADD_OPERATOR.operator))
    again: AddOperator = commands.ADD_OPERATOR
    assert ours.when(again).error is None


def test_while_the_store_is_away_nobody_is_told_it_was_done(ours: Shop, log: EventfulLog) -> None:
    log.before.append(away)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        ours.batch(tag(ours), said("hi"))
    assert tags(ours) == []
    assert done(ours.batch(tag(ours), said("hi"))) == [True, True]
    assert tags(ours) == [VIP]


def test_where_the_store_goes_away_between_two_tries_each_is_told_what_became_of_theirs(
    ours: Shop, theirs: Shop, log: EventfulLog
) -> None:
    ours.given(said("hello", LIN))
    note = AddNote(customer=ours.customer(LIN), operator=None, note=Personal("once"))
    log.before = [by(theirs, tag(ours, "theirs")), lambda: None, away]
    first, second = ours.batch(note, tag(ours))
    assert isinstance(first, Done)
    assert isinstance(second, Failed)
    assert (type(second.error), str(second.error)) == (StoreUnavailable, "the disk is full")
    assert (len(ours.all_of(NoteAdded)), tags(ours)) == (1, ["theirs"])


def test_customers_do_not_mix(ours: Shop) -> None:
    ours.given(said("hello", LIN)).batch(tag(ours), TagCustomer(customer=ours.customer(LIN), tag=Tag("new")))
    both = [ours.customer_state(), ours.customer_state(LIN)]
    assert [state.tags for state in both] == [{VIP}, {"new"}]
    assert CustomerId(ours.customer()) != ours.customer(LIN)
