from dataclasses import replace

import pytest
from aiogram.types import ChatMemberRestricted

from domain.conversations.commands import Chat, GroupChange, Join, Leave, NotUnderstood, Reachability
from domain.identity import Slug
from tests.channels.telegram.raw import (
    ANOTHER_BOT,
    BIG_TEA,
    CHANNEL,
    FORUM,
    GROUP,
    MEI,
    OLD_WANG,
    PRIVATE,
    SENDER,
    SUPERGROUP,
    TEA,
    US,
    WANG,
    Json,
    content_of,
    judged,
    membership,
    message,
    received,
)

UNKNOWN_KIND = NotUnderstood(reason=Slug("unknown-kind"))
BOT_JOINED = GroupChange(change=Slug("bot-joined"))
BOT_LEFT = GroupChange(change=Slug("bot-left"))


def test_new_members_join_and_other_bots_do_not_count() -> None:
    update = message(GROUP, new_chat_members=[OLD_WANG, ANOTHER_BOT, MEI])
    assert judged(update) == [received(update, Join(members=(WANG, SENDER)), chat=TEA)]
    assert content_of(message(GROUP, new_chat_members=[ANOTHER_BOT])) == UNKNOWN_KIND


def test_the_bot_coming_in_is_a_change_of_the_group() -> None:
    update = message(GROUP, new_chat_members=[US])
    assert judged(update) == [received(update, BOT_JOINED, chat=TEA)]


def test_the_bot_coming_in_with_others_is_two_things_with_keys_of_their_own() -> None:
    update = message(GROUP, new_chat_members=[US, OLD_WANG])
    change = replace(received(update, BOT_JOINED, chat=TEA), key="update:1001:1", raw=None)
    assert judged(update) == [received(update, Join(members=(WANG,)), chat=TEA), change]


def test_members_and_the_bot_leave() -> None:
    left = message(GROUP, left_chat_member=OLD_WANG)
    assert judged(left) == [received(left, Leave(member=WANG), chat=TEA)]
    assert content_of(message(GROUP, left_chat_member=US)) == BOT_LEFT
    assert content_of(message(GROUP, left_chat_member=ANOTHER_BOT)) == UNKNOWN_KIND


def test_both_messages_of_a_migration_say_that_the_old_group_has_a_new_id() -> None:
    migrated = GroupChange(change=Slug("migrated"), new_external_id="-1005")
    leaving = message(GROUP, migrate_to_chat_id=-1005)
    arriving = message(SUPERGROUP, migrate_from_chat_id=-5)
    assert judged(leaving) == [received(leaving, migrated, chat=TEA)]
    assert judged(arriving) == [received(arriving, migrated, chat=Chat(external_id="-5", title="Tea"))]


def test_a_new_title_counts_whoever_gave_it() -> None:
    renamed = GroupChange(change=Slug("renamed"))
    update = message(FORUM, new_chat_title="Coffee")
    assert judged(update) == [received(update, renamed, chat=replace(BIG_TEA, title="Coffee"))]
    by_anonymous = message(
        SUPERGROUP, new_chat_title="Coffee", sender_chat=SUPERGROUP, **{"from": ANOTHER_BOT}
    )
    assert judged(by_anonymous) == [
        received(by_anonymous, renamed, sender=None, chat=replace(BIG_TEA, title="Coffee"))
    ]


@pytest.mark.parametrize(
    "before, after, reachable", [("member", "kicked", False), ("kicked", "member", True)]
)
def test_in_private_the_bots_membership_is_whether_the_person_can_be_reached(
    before: str, after: str, reachable: bool
) -> None:
    update = membership("my_chat_member", PRIVATE, US, before, after)
    assert judged(update) == [received(update, Reachability(reachable=reachable))]


@pytest.mark.parametrize(
    "before, after, content",
    [
        ("left", "member", BOT_JOINED),
        ("kicked", "member", BOT_JOINED),
        ("member", "left", BOT_LEFT),
        ("member", "kicked", BOT_LEFT),
    ],
)
def test_in_a_group_the_bots_membership_is_a_change_of_the_group(
    before: str, after: str, content: GroupChange
) -> None:
    update = membership("my_chat_member", SUPERGROUP, US, before, after)
    assert judged(update) == [received(update, content, chat=BIG_TEA)]


def test_in_a_channel_the_bots_membership_means_nothing() -> None:
    assert content_of(membership("my_chat_member", CHANNEL, US, "left", "member")) == UNKNOWN_KIND


@pytest.mark.parametrize(
    "update, content",
    [
        (membership("chat_member", SUPERGROUP, OLD_WANG, "left", "member"), Join(members=(WANG,))),
        (membership("chat_member", SUPERGROUP, OLD_WANG, "member", "left"), Leave(member=WANG)),
        (membership("chat_member", SUPERGROUP, OLD_WANG, "member", "kicked"), Leave(member=WANG)),
    ],
)
def test_members_whose_status_an_administrator_sees_join_and_leave(
    update: Json, content: Join | Leave
) -> None:
    assert judged(update) == [received(update, content, chat=BIG_TEA)]


@pytest.mark.parametrize("is_member, content", [(True, Join(members=(WANG,))), (False, UNKNOWN_KIND)])
def test_somebody_restricted_is_there_if_telegram_says_so(
    is_member: bool, content: Join | NotUnderstood
) -> None:
    rights = {name: False for name in ChatMemberRestricted.model_fields if name.startswith("can_")}
    restricted = rights | {"is_member": is_member, "until_date": 0}
    assert (
        content_of(membership("chat_member", SUPERGROUP, OLD_WANG, "left", "restricted", **restricted))
        == content
    )


@pytest.mark.parametrize(
    "update",
    [
        membership("chat_member", SUPERGROUP, OLD_WANG, "left", "kicked"),
        membership("chat_member", SUPERGROUP, ANOTHER_BOT, "left", "member"),
        membership("my_chat_member", SUPERGROUP, US, "member", "member"),
    ],
)
def test_a_status_that_changes_no_presence_means_nothing(update: Json) -> None:
    assert content_of(update) == UNKNOWN_KIND
