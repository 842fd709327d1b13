from dataclasses import replace
from datetime import timedelta

from domain.groups.group import GroupState, groups
from domain.identity import DeliveryId, Slug
from domain.message import Personal
from tests.domain.controls import commands, events
from tests.domain.controls.ids import BOT, HELLO, NOON, TELEGRAM
from tests.domain.given import given

SEEN = events.GROUP_SEEN


def test_a_group_is_seen_once() -> None:
    state = given(groups).when(commands.SEE_GROUP).then(SEEN)
    assert state == GroupState(
        known=True, channel=TELEGRAM, account=BOT, title_digest=Slug("t1"), kind=Slug("group")
    )
    given(groups, SEEN).when(commands.SEE_GROUP).then_nothing()


def test_another_title_renames_it() -> None:
    renamed = replace(commands.SEE_GROUP, title=Personal("绿茶群"), title_digest=Slug("t2"))
    state = given(groups, SEEN).when(renamed).then(events.GROUP_RENAMED)
    assert state.title_digest == Slug("t2")
    given(groups, SEEN, events.GROUP_RENAMED).when(renamed).then_nothing()


def test_a_title_that_was_not_told_renames_nothing() -> None:
    untold = replace(commands.SEE_GROUP, title=Personal(""), title_digest=Slug("t0"))
    given(groups, SEEN).when(untold).then_nothing()


def test_a_migration_is_noted_once_and_of_a_known_group_only() -> None:
    state = given(groups, SEEN).when(commands.MIGRATE_GROUP).then(events.GROUP_MIGRATED)
    assert state.kind == Slug("supergroup")
    given(groups, SEEN, events.GROUP_MIGRATED).when(commands.MIGRATE_GROUP).then_nothing()
    given(groups).when(commands.MIGRATE_GROUP).then_nothing()


def test_leaving_and_coming_back_are_noted_once() -> None:
    state = given(groups, SEEN).when(commands.LEAVE_GROUP).then(events.GROUP_LEFT)
    assert state.left == Slug("bot-left")
    left = given(groups, SEEN, events.GROUP_LEFT)
    left.when(commands.LEAVE_GROUP).then_nothing()
    assert left.when(commands.REJOIN_GROUP).then(events.GROUP_REJOINED).left is None
    given(groups, SEEN).when(commands.REJOIN_GROUP).then_nothing()
    given(groups).when(commands.LEAVE_GROUP).then_nothing()


def test_a_reservation_is_keyed_by_its_delivery() -> None:
    later = replace(events.GROUP_SEND_RESERVED, at=NOON + timedelta(hours=2))
    assert given(groups, SEEN, events.GROUP_SEND_RESERVED, later).state.reservations == ((HELLO, later.at),)


def test_reservations_older_than_any_cap_are_let_go() -> None:
    other = DeliveryId("other")
    next_week = replace(events.GROUP_SEND_RESERVED, delivery=other, at=NOON + timedelta(days=8))
    state = given(groups, SEEN, events.GROUP_SEND_RESERVED, next_week).state
    assert state.reservations == ((other, next_week.at),)


def test_a_reservation_is_released_once() -> None:
    reserved = given(groups, SEEN, events.GROUP_SEND_RESERVED)
    state = reserved.when(commands.RELEASE_GROUP_RESERVATION).then(events.GROUP_RESERVATION_RELEASED)
    assert state.reservations == ()
    given(groups, SEEN).when(commands.RELEASE_GROUP_RESERVATION).then_nothing()


def test_a_group_that_is_heard_from_is_one_we_are_in() -> None:
    left = given(groups, SEEN, events.GROUP_LEFT)
    assert left.when(commands.SEE_GROUP).then(events.GROUP_REJOINED).left is None
