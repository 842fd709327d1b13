"""The delivery's table: every command in every phase."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.deliveries.commands import AskRecall, EndRecall, PlanDelivery, ResolveDelivery
from domain.deliveries.delivery import MAX_ATTEMPTS, DeliveryState, Phase, deliveries
from domain.deliveries.events import DeliveryClass
from domain.errors import UnknownRecipient
from domain.identity import Slug
from domain.message import Command, Event, Personal
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, CONTEXT, MRS_WANG, NOON, TO_ALICE
from tests.domain.given import given

PLANNED, STARTED = events.DELIVERY_PLANNED, events.DELIVERY_STARTED
RECALLED = replace(events.DELIVERY_SUPPRESSED, reason=Slug("recalled"), rule=Slug("operator"))
NOT_SENT = replace(events.DELIVERY_REJECTED, reason=Slug("resolved-not-sent"), unreachable=False)
RESOLVED_SENT = replace(events.DELIVERY_ACCEPTED, provider_message=None)

PATHS: dict[Phase, list[Event]] = {
    Phase.PLANNED: [PLANNED],
    Phase.STARTED: [PLANNED, STARTED],
    Phase.ACCEPTED: [PLANNED, STARTED, events.DELIVERY_ACCEPTED],
    Phase.CONFIRMED: [PLANNED, STARTED, events.DELIVERY_ACCEPTED, events.DELIVERY_CONFIRMED],
    Phase.REJECTED: [PLANNED, STARTED, events.DELIVERY_REJECTED],
    Phase.UNKNOWN: [PLANNED, STARTED, events.DELIVERY_UNKNOWN],
    Phase.SUPPRESSED: [PLANNED, events.DELIVERY_SUPPRESSED],
    Phase.EXPIRED: [PLANNED, events.DELIVERY_EXPIRED],
}
OPEN = {Phase.STARTED, Phase.UNKNOWN}

# Command, what it leads to, and in which phases; in every other phase it changes nothing.
REFUTED = replace(events.DELIVERY_REJECTED, reason=Slug("blocked"), unreachable=False)
TABLE: list[tuple[Command, Event, set[Phase]]] = [
    (commands.ACCEPT_DELIVERY, events.DELIVERY_ACCEPTED, OPEN),
    (commands.RETURN_DELIVERY, events.DELIVERY_POSTPONED, OPEN),
    (commands.REJECT_DELIVERY, events.DELIVERY_REJECTED, OPEN),
    (commands.LOSE_TRACK_OF_DELIVERY, events.DELIVERY_UNKNOWN, {Phase.STARTED}),
    (commands.CONFIRM_DELIVERY, events.DELIVERY_CONFIRMED, OPEN | {Phase.ACCEPTED}),
    (commands.REFUTE_DELIVERY, REFUTED, OPEN | {Phase.ACCEPTED}),
    (commands.CANCEL_DELIVERY, RECALLED, {Phase.PLANNED}),
]


def test_a_delivery_is_planned_once_with_everything_it_says() -> None:
    state = given(deliveries).when(commands.PLAN_DELIVERY).then(PLANNED)
    assert state == DeliveryState(
        phase=Phase.PLANNED,
        kind=DeliveryClass.SERVICE,
        contact=ALICE,
        customer=MRS_WANG,
        occasion=Slug("send"),
        not_before=NOON,
        expires_at=NOON + timedelta(hours=24),
        by_operator=True,
        subject=TO_ALICE,
    )


def test_every_field_of_the_plan_is_recorded() -> None:
    plan = commands.PLAN_DELIVERY
    (event,) = deliveries.decide(DeliveryState(), plan, CONTEXT)
    assert {name: getattr(event, name) for name in PlanDelivery.__dataclass_fields__} == {
        name: getattr(plan, name) for name in PlanDelivery.__dataclass_fields__
    }


@pytest.mark.parametrize("phase", PATHS)
def test_planning_again_changes_nothing(phase: Phase) -> None:
    other = replace(commands.PLAN_DELIVERY, text=Personal("anders"), kind=DeliveryClass.MARKETING)
    given(deliveries, *PATHS[phase]).when(other).then_nothing()


@pytest.mark.parametrize(
    "command",
    [c for c in commands.COMMANDS if isinstance(c, deliveries.commands) and not isinstance(c, PlanDelivery)],
    ids=lambda command: type(command).__name__,
)
def test_a_delivery_never_planned_is_unknown(command: Command) -> None:
    given(deliveries).when(command).then_rejected("no such delivery", UnknownRecipient)


@pytest.mark.parametrize("phase", PATHS)
@pytest.mark.parametrize(
    "command, event, phases", TABLE, ids=[type(command).__name__ for command, _, _ in TABLE]
)
def test_a_command_counts_in_its_phases_only(
    command: Command, event: Event, phases: set[Phase], phase: Phase
) -> None:
    given(deliveries, *PATHS[phase]).when(command).then(*[event] * (phase in phases))


@pytest.mark.parametrize("phase", PATHS)
def test_events_lead_to_their_phase(phase: Phase) -> None:
    assert given(deliveries, *PATHS[phase]).state.phase is phase


@pytest.mark.parametrize("sent, event", [(True, RESOLVED_SENT), (False, NOT_SENT)])
def test_an_operator_resolves_an_unknown_one(sent: bool, event: Event) -> None:
    resolve = ResolveDelivery(delivery=PLANNED.delivery, sent=sent)
    given(deliveries, *PATHS[Phase.UNKNOWN]).when(resolve).then(event)


@pytest.mark.parametrize("phase", sorted(PATHS.keys() - {Phase.UNKNOWN}))
def test_nothing_else_can_be_resolved(phase: Phase) -> None:
    given(deliveries, *PATHS[phase]).when(commands.RESOLVE_DELIVERY).then_rejected(
        f"this delivery is {phase}: only an unknown one can be resolved"
    )


OLD = [
    commands.ACCEPT_DELIVERY,
    commands.RETURN_DELIVERY,
    commands.REJECT_DELIVERY,
    commands.LOSE_TRACK_OF_DELIVERY,
]
SECOND = replace(STARTED, attempt=2, until=NOON + timedelta(minutes=3))


@pytest.mark.parametrize("command", OLD, ids=lambda command: type(command).__name__)
def test_the_outcome_of_an_old_attempt_does_not_end_a_newer_one(command: Command) -> None:
    given(deliveries, *PATHS[Phase.UNKNOWN], SECOND).when(command).then_nothing()


def test_of_an_old_attempt_only_a_yes_counts_while_nobody_knows() -> None:
    unknown_again = given(deliveries, *PATHS[Phase.UNKNOWN], SECOND, events.DELIVERY_UNKNOWN)
    unknown_again.when(commands.ACCEPT_DELIVERY).then(events.DELIVERY_ACCEPTED)
    unknown_again.when(commands.REJECT_DELIVERY).then_nothing()
    unknown_again.when(commands.RETURN_DELIVERY).then_nothing()


def test_what_comes_back_too_late_has_expired() -> None:
    late = replace(commands.RETURN_DELIVERY, not_before=PLANNED.expires_at)
    given(deliveries, *PATHS[Phase.STARTED]).when(late).then(events.DELIVERY_EXPIRED)


def test_what_comes_back_waits_for_its_new_time() -> None:
    state = given(deliveries, *PATHS[Phase.STARTED]).when(commands.RETURN_DELIVERY)
    waiting = state.then(events.DELIVERY_POSTPONED)
    until = commands.RETURN_DELIVERY.not_before
    assert not waiting.may_start(until - timedelta(seconds=1))
    assert waiting.may_start(until)


def test_an_unknown_one_that_a_rule_postpones_stays_unknown_and_waits() -> None:
    by_rule = replace(events.DELIVERY_POSTPONED, rule=Slug("quiet-hours"))
    state = given(deliveries, *PATHS[Phase.UNKNOWN], by_rule).state
    assert state.phase is Phase.UNKNOWN
    assert not state.may_start(by_rule.not_before - timedelta(seconds=1))
    assert state.may_start(by_rule.not_before)


LEASE_OVER = STARTED.until + timedelta(seconds=30)


def unknown(kind: DeliveryClass, attempt: int = 1) -> DeliveryState:
    planned, started = replace(PLANNED, kind=kind), replace(STARTED, attempt=attempt)
    return given(deliveries, planned, started, events.DELIVERY_UNKNOWN).state


@pytest.mark.parametrize("kind", [DeliveryClass.REPLY, DeliveryClass.SERVICE])
def test_an_unknown_reply_or_service_is_sent_again_when_its_lease_is_long_over(kind: DeliveryClass) -> None:
    assert not unknown(kind).may_start(LEASE_OVER - timedelta(seconds=1))
    assert unknown(kind).may_start(LEASE_OVER)


def test_unknown_marketing_is_never_sent_again_by_itself() -> None:
    assert not unknown(DeliveryClass.MARKETING).may_start(NOON + timedelta(hours=23))


def test_after_the_last_attempt_an_unknown_one_is_left_to_people() -> None:
    assert unknown(DeliveryClass.SERVICE, MAX_ATTEMPTS - 1).may_start(LEASE_OVER)
    assert not unknown(DeliveryClass.SERVICE, MAX_ATTEMPTS).may_start(LEASE_OVER)


def test_an_unknown_one_is_not_sent_again_after_its_time() -> None:
    assert unknown(DeliveryClass.SERVICE).may_start(PLANNED.expires_at - timedelta(seconds=1))
    assert not unknown(DeliveryClass.SERVICE).may_start(PLANNED.expires_at)


@pytest.mark.parametrize("phase", sorted(PATHS.keys() - {Phase.PLANNED, Phase.UNKNOWN}))
def test_no_other_phase_may_start(phase: Phase) -> None:
    assert not given(deliveries, *PATHS[phase]).state.may_start(LEASE_OVER + timedelta(hours=1))


def test_a_planned_one_waits_for_its_time() -> None:
    state = given(deliveries, PLANNED).state
    assert not state.may_start(NOON - timedelta(seconds=1))
    assert state.may_start(NOON)


def test_the_table_above_covers_every_command_and_every_phase() -> None:
    tabled: Sequence[type] = [type(command) for command, _, _ in TABLE]
    assert {*tabled, PlanDelivery, ResolveDelivery, AskRecall, EndRecall} == set(deliveries.commands)
    assert PATHS.keys() | {Phase.NONE} == set(Phase)


def test_what_has_not_left_is_left_out_when_it_is_recalled() -> None:
    given(deliveries, events.DELIVERY_PLANNED).when(commands.ASK_RECALL).then(RECALLED)


def test_what_left_is_asked_back_once_and_once_more_after_a_refusal() -> None:
    sent = (events.DELIVERY_PLANNED, events.DELIVERY_STARTED, events.DELIVERY_ACCEPTED)
    asked = given(deliveries, *sent).when(commands.ASK_RECALL)
    assert asked.then(events.DELIVERY_RECALL_ASKED).phase is Phase.ACCEPTED
    again = given(deliveries, *sent, events.DELIVERY_RECALL_ASKED)
    again.when(commands.ASK_RECALL).then_nothing()
    again.when(commands.END_RECALL).then(events.DELIVERY_RECALLED)
    refused = replace(commands.END_RECALL, refused=Slug("too-late"))
    again.when(refused).then(events.DELIVERY_RECALL_REFUSED)
    given(deliveries, *sent, events.DELIVERY_RECALL_ASKED, events.DELIVERY_RECALL_REFUSED).when(
        commands.ASK_RECALL
    ).then(events.DELIVERY_RECALL_ASKED)
    given(deliveries, *sent).when(commands.END_RECALL).then_nothing()


def test_what_never_left_cannot_be_recalled() -> None:
    over = given(deliveries, events.DELIVERY_PLANNED, events.DELIVERY_SUPPRESSED)
    over.when(commands.ASK_RECALL).then_rejected("this message never left: it is suppressed")
