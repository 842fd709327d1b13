from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import UnknownRecipient
from domain.identity import Digest
from domain.message import Command
from domain.operators.events import OperatorBound, Role
from domain.operators.roster import MOST_TOKENS, Code, Member, RosterState, audit, roster
from tests.domain.controls import commands, events
from tests.domain.controls.ids import ALICE, BOB, CHEN, CODE, LI
from tests.domain.given import given

ADDED, ISSUED, BOUND = events.OPERATOR_ADDED, events.BIND_CODE_ISSUED, events.OPERATOR_BOUND
CHEN_ADDED = replace(ADDED, operator=CHEN, name_digest=Digest("n-chen"), role=Role.OWNER)
HER_CODE = Digest("c0de-2")
CHEN_ISSUED = replace(ISSUED, operator=CHEN, code=HER_CODE)
FROM_BOB = replace(commands.BIND_OPERATOR, contact=BOB)


def test_an_operator_is_added() -> None:
    state = given(roster).when(commands.ADD_OPERATOR).then(ADDED)
    assert state == RosterState(members={LI: Member(Role.AGENT, Digest("n-li"))})


def test_two_operators_never_have_one_name() -> None:
    namesake = replace(commands.ADD_OPERATOR, operator=CHEN)
    given(roster, ADDED).when(namesake).then_rejected("an operator of this name exists already")


def test_a_name_is_free_again_when_its_operator_left() -> None:
    namesake = replace(commands.ADD_OPERATOR, operator=CHEN)
    left = given(roster, ADDED, events.OPERATOR_REMOVED)
    left.when(namesake).then(replace(ADDED, operator=CHEN))


@pytest.mark.parametrize(
    "command", [commands.ISSUE_BIND_CODE, commands.CHANGE_ROLE, commands.REMOVE_OPERATOR]
)
def test_nobody_else_is_an_operator(command: Command) -> None:
    given(roster).when(command).then_rejected("no such operator", UnknownRecipient)
    given(roster, ADDED, events.OPERATOR_REMOVED).when(command).then_rejected(
        "no such operator", UnknownRecipient
    )


def test_a_code_binds_the_contact_that_says_it() -> None:
    issued = given(roster, ADDED).when(commands.ISSUE_BIND_CODE).then(ISSUED)
    assert issued.codes == {CODE: Code(LI, ISSUED.expires_at)}
    bound = given(roster, ADDED, ISSUED).when(commands.BIND_OPERATOR).then(BOUND)
    assert (bound.operator_of(ALICE), bound.operator_of(BOB), bound.codes) == (LI, None, {})


def test_a_code_works_once() -> None:
    given(roster, ADDED, ISSUED, BOUND).when(FROM_BOB).then(events.BINDING_REFUSED)


def test_binding_uses_up_all_codes_of_that_operator_and_no_other() -> None:
    second = replace(ISSUED, code=Digest("second"))
    given_all = given(roster, ADDED, CHEN_ADDED, ISSUED, second, CHEN_ISSUED, BOUND)
    assert given_all.state.codes == {HER_CODE: Code(CHEN, ISSUED.expires_at)}


def test_a_code_ends_with_its_time() -> None:
    in_time = given(roster, ADDED, ISSUED).when(FROM_BOB, at=ISSUED.expires_at - timedelta(seconds=1))
    in_time.then(replace(BOUND, contact=BOB))
    late = given(roster, ADDED, ISSUED).when(FROM_BOB, at=ISSUED.expires_at)
    late.then(events.BINDING_REFUSED)


def test_a_code_nobody_issued_is_refused() -> None:
    given(roster, ADDED).when(FROM_BOB).then(events.BINDING_REFUSED)


def test_the_code_of_somebody_who_left_is_refused() -> None:
    given(roster, ADDED, ISSUED, events.OPERATOR_REMOVED).when(FROM_BOB).then(events.BINDING_REFUSED)


def test_a_refused_binding_leaves_the_team_as_it_was() -> None:
    assert given(roster, ADDED, events.BINDING_REFUSED).state == given(roster, ADDED).state


def test_an_operator_may_have_several_contacts() -> None:
    state = given(roster, ADDED, BOUND, replace(BOUND, contact=BOB)).state
    assert state.members == {LI: Member(Role.AGENT, Digest("n-li"), frozenset({ALICE, BOB}))}


def test_a_contact_belongs_to_the_operator_whose_code_it_said_last() -> None:
    again = given(roster, ADDED, CHEN_ADDED, BOUND, CHEN_ISSUED)
    state = again.when(replace(commands.BIND_OPERATOR, code=HER_CODE)).then(
        OperatorBound(operator=CHEN, contact=ALICE)
    )
    assert state.operator_of(ALICE) == CHEN
    assert [member.contacts for member in state.members.values()] == [frozenset(), frozenset({ALICE})]


def test_a_role_changes_once_and_keeps_the_contacts() -> None:
    state = given(roster, ADDED, BOUND).when(commands.CHANGE_ROLE).then(events.ROLE_CHANGED)
    assert state.members == {LI: Member(Role.MANAGER, Digest("n-li"), frozenset({ALICE}))}
    given(roster, ADDED, events.ROLE_CHANGED).when(commands.CHANGE_ROLE).then_nothing()


def test_who_left_is_nobody() -> None:
    state = given(roster, ADDED, BOUND).when(commands.REMOVE_OPERATOR).then(events.OPERATOR_REMOVED)
    assert (state.operator_of(ALICE), state.members) == (None, {})


def test_each_role_includes_those_before_it() -> None:
    order = [Role.VIEWER, Role.AGENT, Role.MARKETER, Role.MANAGER, Role.OWNER]
    for place, role in enumerate(order):
        assert [other for other in order if role.includes(other)] == order[: place + 1]


def test_a_command_is_recorded_once_a_request() -> None:
    given(audit).when(commands.RECORD_COMMAND).then(events.COMMAND_GIVEN)
    given(audit, events.COMMAND_GIVEN).when(commands.RECORD_COMMAND).then_nothing()


TOKEN = events.OPERATOR_TOKEN_ISSUED


def test_an_operators_programs_have_tokens_until_they_are_revoked() -> None:
    state = given(roster, ADDED).when(commands.ISSUE_OPERATOR_TOKEN).then(TOKEN)
    assert state.tokens == {TOKEN.token: LI}
    revoked = given(roster, ADDED, CHEN_ADDED, TOKEN, replace(TOKEN, operator=CHEN, token=HER_CODE))
    state = revoked.when(commands.REVOKE_OPERATOR_TOKENS).then(events.OPERATOR_TOKENS_REVOKED)
    assert state.tokens == {HER_CODE: CHEN}


def test_there_is_nothing_to_revoke_where_there_is_no_token() -> None:
    given(roster, ADDED).when(commands.REVOKE_OPERATOR_TOKENS).then_nothing()
    gone = given(roster, ADDED, TOKEN, events.OPERATOR_TOKENS_REVOKED)
    gone.when(commands.REVOKE_OPERATOR_TOKENS).then_nothing()


@pytest.mark.parametrize("command", [commands.ISSUE_OPERATOR_TOKEN, commands.REVOKE_OPERATOR_TOKENS])
def test_nobody_else_has_tokens(command: Command) -> None:
    given(roster).when(command).then_rejected("no such operator", UnknownRecipient)


def test_the_tokens_of_somebody_who_left_count_no_more_also_where_they_come_back() -> None:
    left = given(roster, ADDED, TOKEN, events.OPERATOR_REMOVED)
    assert left.state.tokens == {}
    assert given(roster, ADDED, TOKEN, events.OPERATOR_REMOVED, ADDED).state.tokens == {}


def test_a_token_stays_when_the_role_changes_or_an_account_is_bound() -> None:
    state = given(roster, ADDED, ISSUED, TOKEN, events.ROLE_CHANGED, BOUND).state
    assert state.tokens == {TOKEN.token: LI}


def test_an_operator_has_ten_tokens_at_most() -> None:
    ten = [replace(TOKEN, token=Digest(f"token-{number}")) for number in range(MOST_TOKENS)]
    given(roster, ADDED, CHEN_ADDED, *ten).when(commands.ISSUE_OPERATOR_TOKEN).then_rejected(
        "this operator has 10 tokens already: revoke them, and give each program a new one"
    )
    hers = replace(commands.ISSUE_OPERATOR_TOKEN, operator=CHEN)
    given(roster, ADDED, CHEN_ADDED, *ten).when(hers).then(replace(TOKEN, operator=CHEN))
