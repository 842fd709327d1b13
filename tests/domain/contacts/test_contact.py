from dataclasses import replace

from domain.contacts.contact import ContactState, contacts
from domain.identity import CustomerId, Slug
from domain.message import Personal
from tests.domain.controls import commands, events
from tests.domain.controls.ids import BOT, CHEN, LI, MRS_WANG, TELEGRAM, ZH
from tests.domain.given import given

FROM_A_GROUP = replace(events.CONTACT_SEEN, private=False, source=None)
AGAIN = commands.SEE_CONTACT
IN_A_GROUP = replace(AGAIN, private=False, source=None)


def test_somebody_new_is_seen() -> None:
    state = given(contacts).when(commands.SEE_CONTACT).then(events.CONTACT_SEEN)
    assert state == ContactState(
        customer=MRS_WANG,
        channel=TELEGRAM,
        account=BOT,
        language=ZH,
        source=Slug("poster"),
        profile=Slug("p1"),
        private=True,
    )


def test_somebody_seen_as_they_were_changes_nothing() -> None:
    given(contacts, events.CONTACT_SEEN).when(AGAIN).then_nothing()


def test_another_customer_to_create_means_nothing_for_somebody_known() -> None:
    given(contacts, events.CONTACT_SEEN).when(replace(AGAIN, customer=CustomerId("other"))).then_nothing()


def test_another_name_is_another_profile() -> None:
    renamed = replace(AGAIN, name=Personal("Fang"), profile=Slug("p2"))
    given(contacts, events.CONTACT_SEEN).when(renamed).then(events.CONTACT_PROFILE_CHANGED)


def test_a_provider_that_tells_no_language_leaves_the_one_that_is_known() -> None:
    silent = replace(events.CONTACT_PROFILE_CHANGED, language=None)
    state = given(contacts, events.CONTACT_SEEN, silent).state
    assert (state.language, state.profile) == (ZH, Slug("p2"))


def test_somebody_seen_in_a_group_only_cannot_be_written_to() -> None:
    assert not given(contacts, FROM_A_GROUP).state.reachable


def test_who_is_known_from_a_group_is_reached_by_writing_in_private() -> None:
    state = given(contacts, FROM_A_GROUP).when(AGAIN).then(events.CONTACT_REACHED)
    assert state.reachable


def test_who_wrote_in_private_once_stays_reachable_when_seen_in_a_group() -> None:
    given(contacts, events.CONTACT_SEEN).when(IN_A_GROUP).then_nothing()


def test_a_private_message_of_a_blocked_one_makes_them_reachable() -> None:
    state = given(contacts, events.CONTACT_SEEN, events.CONTACT_BLOCKED).when(AGAIN)
    assert state.then(events.CONTACT_UNBLOCKED).reachable


def test_a_blocked_one_who_speaks_in_a_group_stays_blocked() -> None:
    given(contacts, events.CONTACT_SEEN, events.CONTACT_BLOCKED).when(IN_A_GROUP).then_nothing()


def test_everything_that_changed_is_said_at_once() -> None:
    changed = replace(AGAIN, name=Personal("Fang"), profile=Slug("p2"))
    given(contacts, FROM_A_GROUP, events.CONTACT_BLOCKED).when(changed).then(
        events.CONTACT_REACHED, events.CONTACT_UNBLOCKED, events.CONTACT_PROFILE_CHANGED
    )


def test_blocking_is_noted_once() -> None:
    state = given(contacts, events.CONTACT_SEEN).when(commands.BLOCK_CONTACT).then(events.CONTACT_BLOCKED)
    assert (state.blocked, state.reachable) == (Slug("blocked"), False)
    gone = replace(commands.BLOCK_CONTACT, reason=Slug("deactivated"))
    given(contacts, events.CONTACT_SEEN, events.CONTACT_BLOCKED).when(gone).then_nothing()


def test_somebody_never_seen_cannot_block_us() -> None:
    given(contacts).when(commands.BLOCK_CONTACT).then_nothing()


def test_unblocking_is_noted_once() -> None:
    blocked = given(contacts, events.CONTACT_SEEN, events.CONTACT_BLOCKED)
    assert blocked.when(commands.UNBLOCK_CONTACT).then(events.CONTACT_UNBLOCKED).reachable
    given(contacts, events.CONTACT_SEEN).when(commands.UNBLOCK_CONTACT).then_nothing()
    given(contacts).when(commands.UNBLOCK_CONTACT).then_nothing()


def test_a_contact_is_bound_to_one_operator() -> None:
    bind = commands.BIND_CONTACT_TO_OPERATOR
    state = given(contacts, events.CONTACT_SEEN).when(bind).then(events.CONTACT_BOUND_TO_OPERATOR)
    assert state.operator == LI
    bound = given(contacts, events.CONTACT_SEEN, events.CONTACT_BOUND_TO_OPERATOR)
    bound.when(bind).then_nothing()
    to_another = replace(events.CONTACT_BOUND_TO_OPERATOR, operator=CHEN)
    assert bound.when(replace(bind, operator=CHEN)).then(to_another).operator == CHEN


def test_what_a_provider_tells_is_noted_where_it_was_not_known() -> None:
    told = commands.COMPLETE_CONTACT
    stranger = replace(events.CONTACT_SEEN, language=None, source=None)
    state = given(contacts, stranger).when(told).then(events.CONTACT_COMPLETED)
    assert (state.language, state.source) == (told.language, told.source)
    given(contacts, replace(events.CONTACT_SEEN, source=None)).when(told).then(
        replace(events.CONTACT_COMPLETED, language=None)
    )
    given(contacts, events.CONTACT_SEEN).when(told).then_nothing()
    given(contacts, stranger).when(replace(told, language=None, source=None)).then_nothing()


def test_nobody_unknown_or_forgotten_is_completed() -> None:
    given(contacts).when(commands.COMPLETE_CONTACT).then_nothing()
    gone = (replace(events.CONTACT_SEEN, language=None), events.CONTACT_FORGOTTEN)
    given(contacts, *gone).when(commands.COMPLETE_CONTACT).then_nothing()
