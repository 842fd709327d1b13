"""The intake: one thing that came in is one fact, once, with what it says about who sent it."""

from dataclasses import replace

import pytest

from domain.contacts.contact import ContactState, contacts
from domain.contacts.events import (
    ContactBlocked,
    ContactProfileChanged,
    ContactReached,
    ContactSeen,
    ContactUnblocked,
)
from domain.conversations.commands import (
    Content,
    Edit,
    GroupChange,
    Join,
    Leave,
    Message,
    NotUnderstood,
    Press,
    Reachability,
)
from domain.conversations.events import (
    ButtonPressed,
    ContentKind,
    GroupChangeReported,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageReceived,
    ReachabilityReported,
    UpdateNotUnderstood,
)
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerCreated,
)
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import Done, Failed
from domain.errors import BadInput
from domain.groups.events import GroupLeft, GroupMigrated, GroupRejoined, GroupRenamed, GroupSeen
from domain.groups.group import groups
from domain.identity import Account, Address, Channel, Party, ProviderMessageId, Slug
from domain.message import Personal, Raw
from tests.domain.controls.ids import BOT, TELEGRAM, ZH
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, came, said

NEW_CONTACT = (MessageReceived, ContactSeen, CustomerCreated, ConsentGranted)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_first_message_brings_a_contact_a_customer_and_the_consent_it_implies(shop: Shop) -> None:
    done = shop.when(replace(said("你好", source=Slug("poster")), raw=Raw(b"{}")))
    wang = shop.contact()
    customer = shop.customer()
    done.then(
        MessageReceived(contact=wang, text=Personal("你好"), raw=Raw(b"{}")),
        ContactSeen(
            contact=wang,
            customer=customer,
            channel=TELEGRAM,
            account=BOT,
            external_id=Personal("42"),
            name=Personal("王芳"),
            username=Personal("wangfang"),
            profile=Slug(shop.digest("profile", "王芳", "wangfang", "zh")),
            language=ZH,
            private=True,
            source=Slug("poster"),
        ),
        CustomerCreated(customer=customer, contact=wang),
        ConsentGranted(
            customer=customer, contact=wang, topic=MARKETING, source=ConsentSource.CONTACT_STARTED
        ),
    )


def test_elsewhere_writing_implies_no_consent() -> None:
    Shop(implied_consent=False).when(said("hello")).then_kinds(MessageReceived, ContactSeen, CustomerCreated)


def test_a_second_message_is_the_message_alone(shop: Shop) -> None:
    shop.given(said("你好")).when(said("在吗")).then(
        MessageReceived(contact=shop.contact(), text=Personal("在吗"))
    )


def test_the_same_update_again_leaves_no_trace(shop: Shop) -> None:
    first = said("退订", key="1")
    again = shop.given(first).when(replace(first, sender=replace(WANG, name="Fang")))
    again.then()
    assert again.duplicate
    assert len(shop.all_of(MessageReceived)) == len(shop.all_of(DeliveryPlanned)) == 1


def test_a_key_counts_within_its_channel_and_account_only(shop: Shop) -> None:
    first = said("你好", key="1")
    shop.given(first, replace(first, account=Account("7002")), replace(first, channel=Channel("webchat")))
    assert len(shop.all_of(MessageReceived)) == 3


@pytest.mark.parametrize("times", [2, 5, 10])
def test_an_update_repeated_in_one_batch_and_across_batches_is_one_event_and_one_reply(
    shop: Shop, times: int
) -> None:
    stop = said("退订", key="1")
    for _ in range(2):
        results = shop.batch(*[stop] * times)
        assert all(isinstance(result, Done) for result in results)
    assert len(shop.all_of(MessageReceived)) == 1
    assert len(shop.all_of(ConsentWithdrawn)) == 1
    assert len(shop.all_of(DeliveryPlanned)) == 1


def test_of_a_repeated_update_only_the_first_is_no_duplicate(shop: Shop) -> None:
    results = shop.batch(*[said("你好", key="1")] * 3)
    assert [isinstance(r, Done) and r.duplicate for r in results] == [False, True, True]


def test_fifty_messages_at_once_from_somebody_new_are_one_customer_and_fifty_messages_in_order(
    shop: Shop,
) -> None:
    shop.batch(*[said(f"{number}") for number in range(50)])
    assert len(shop.all_of(ContactSeen)) == len(shop.all_of(CustomerCreated)) == 1
    assert [event.text.value for event in shop.all_of(MessageReceived)] == [f"{n}" for n in range(50)]
    assert {event.contact for event in shop.all_of(MessageReceived)} == {shop.contact()}


def test_an_edit_before_its_message_leads_to_the_same_as_after_it(shop: Shop) -> None:
    message = said("多少", provider_message=ProviderMessageId("12"))
    edit = came(Edit(text="多少钱", provider_message=ProviderMessageId("12")))
    late = Shop().given(message, edit)
    shop.given(edit, message)
    assert shop.state(contacts, shop.contact()).private
    assert shop.customer_state().consents == late.customer_state().consents == {MARKETING}
    expected = MessageEdited(
        contact=shop.contact(), text=Personal("多少钱"), provider_message=ProviderMessageId("12")
    )
    assert shop.all_of(MessageEdited) == [expected]
    assert len(shop.all_of(ContactSeen)) == 1


def test_everything_a_message_carries_is_kept(shop: Shop) -> None:
    message = Message(
        kind=ContentKind.PHOTO,
        text="看",
        details={"file_id": "AgAC"},
        provider_message=ProviderMessageId("12"),
        reply_to=ProviderMessageId("11"),
        to_bot=False,
        forwarded=True,
    )
    thread = replace(TEA_FANS, thread=Slug("7"))
    shop.given(came(message, chat=thread))
    assert shop.all_of(MessageReceived) == [
        MessageReceived(
            contact=shop.contact(),
            group=shop.group(),
            kind=ContentKind.PHOTO,
            text=Personal("看"),
            details=Personal({"file_id": "AgAC"}),
            provider_message=ProviderMessageId("12"),
            reply_to=ProviderMessageId("11"),
            thread=Slug("7"),
            to_bot=False,
            forwarded=True,
        )
    ]


def test_no_text_is_left_that_a_store_would_stumble_over(shop: Shop) -> None:
    shop.given(
        came(
            Message(text="a\0b", details={"file_name": "\ud800.pdf", "parts": [{"x\0": "\udfff"}]}),
            replace(WANG, name="W\0", username="\ud800"),
            chat=replace(TEA_FANS, title="茶\0"),
        ),
        came(Press(data="\0", query="\ud800")),
        came(Edit(text="c\0", provider_message=ProviderMessageId("1"))),
    )
    (message,) = shop.all_of(MessageReceived)
    assert message.text == Personal("a\ufffdb")
    assert message.details == Personal({"file_name": "\ufffd.pdf", "parts": [{"x\ufffd": "\ufffd"}]})
    (seen,) = shop.all_of(ContactSeen)
    assert (seen.name, seen.username) == (Personal("W\ufffd"), Personal("\ufffd"))
    assert [group.title for group in shop.all_of(GroupSeen)] == [Personal("茶\ufffd")]
    pressed = ButtonPressed(contact=shop.contact(), data=Personal("\ufffd"), query=Personal("\ufffd"))
    assert shop.all_of(ButtonPressed) == [pressed]
    assert [edit.text for edit in shop.all_of(MessageEdited)] == [Personal("c\ufffd")]


def test_a_group_message_shows_group_and_sender_but_implies_no_consent(shop: Shop) -> None:
    done = shop.when(said("大家好", chat=TEA_FANS, source=Slug("poster")))
    done.then_kinds(MessageReceived, ContactSeen, CustomerCreated, GroupSeen)
    (seen,) = shop.all_of(ContactSeen)
    assert (seen.private, seen.source, seen.name) == (False, None, Personal("王芳"))
    assert shop.all_of(GroupSeen) == [
        GroupSeen(
            group=shop.group(),
            channel=TELEGRAM,
            account=BOT,
            external_id=Personal("-100"),
            title=Personal("茶友群"),
            title_digest=Slug(shop.digest("title", "茶友群")),
            kind=Slug("group"),
        )
    ]


def test_who_was_in_a_group_and_then_writes_in_private_is_reached_and_consents(shop: Shop) -> None:
    shop.given(said("大家好", chat=TEA_FANS))
    shop.when(said("你好")).then_kinds(MessageReceived, ContactReached, ConsentGranted)


def test_a_message_of_a_blocked_one_makes_them_reachable(shop: Shop) -> None:
    shop.given(said("你好"), came(Reachability(reachable=False)))
    shop.when(said("又来了")).then_kinds(MessageReceived, ContactUnblocked)
    assert shop.state(contacts, shop.contact()).reachable


def test_blocking_and_unblocking_are_reported_and_noted(shop: Shop) -> None:
    shop.given(said("你好")).when(came(Reachability(reachable=False))).then(
        ReachabilityReported(contact=shop.contact(), reachable=False),
        ContactBlocked(contact=shop.contact(), reason=Slug("blocked")),
    )
    shop.when(came(Reachability(reachable=True))).then(
        ReachabilityReported(contact=shop.contact(), reachable=True),
        ContactUnblocked(contact=shop.contact()),
    )


def test_a_block_by_somebody_never_seen_is_a_report_and_nothing_else(shop: Shop) -> None:
    shop.when(came(Reachability(reachable=False))).then_kinds(ReachabilityReported)
    assert shop.state(contacts, shop.contact()) == ContactState()


def test_starting_the_bot_again_shows_who_it_is(shop: Shop) -> None:
    shop.when(came(Reachability(reachable=True))).then_kinds(ReachabilityReported, *NEW_CONTACT[1:])


def test_a_new_name_is_noted_with_the_message_that_shows_it(shop: Shop) -> None:
    shop.given(said("你好")).when(said("改名了", replace(WANG, name="Fang"))).then_kinds(
        MessageReceived, ContactProfileChanged
    )


def test_members_who_join_are_seen_each_and_the_one_who_added_them(shop: Shop) -> None:
    done = shop.when(came(Join(members=(LIN, WANG)), by=replace(WANG), chat=TEA_FANS))
    done.then_kinds(MemberJoined, ContactSeen, CustomerCreated, ContactSeen, CustomerCreated, GroupSeen)
    assert shop.all_of(MemberJoined) == [
        MemberJoined(contacts=(shop.contact(LIN), shop.contact(WANG)), group=shop.group())
    ]


def test_a_member_who_leaves_is_noted(shop: Shop) -> None:
    shop.given(came(Leave(member=LIN), by=None, chat=TEA_FANS))
    assert shop.all_of(MemberLeft) == [MemberLeft(contact=shop.contact(LIN), group=shop.group())]


def test_the_bot_comes_and_goes(shop: Shop) -> None:
    left, joined = GroupChange(change=Slug("bot-left")), GroupChange(change=Slug("bot-joined"))
    shop.when(came(joined, chat=TEA_FANS)).then_kinds(
        GroupChangeReported, ContactSeen, CustomerCreated, GroupSeen
    )
    shop.when(came(left, chat=TEA_FANS)).then_kinds(GroupChangeReported, GroupLeft)
    shop.when(came(joined, chat=TEA_FANS)).then_kinds(GroupChangeReported, GroupRejoined)


def test_a_new_title_is_noted(shop: Shop) -> None:
    shop.given(said("hi", chat=TEA_FANS))
    renamed = came(GroupChange(change=Slug("renamed")), chat=replace(TEA_FANS, title="绿茶群"))
    shop.when(renamed).then_kinds(GroupChangeReported, GroupRenamed)


SUPERGROUP = replace(TEA_FANS, external_id="-200", kind=Slug("supergroup"))
MIGRATED = GroupChange(change=Slug("migrated"), new_external_id="-200")


def test_a_group_that_migrates_stays_the_same_group(shop: Shop) -> None:
    shop.given(said("hi", chat=TEA_FANS))
    group = shop.group()
    done = shop.when(came(MIGRATED, by=None, chat=TEA_FANS))
    done.then(
        GroupChangeReported(group=group, change=Slug("migrated")),
        GroupMigrated(group=group, external_id=Personal("-200"), kind=Slug("supergroup")),
    )
    shop.when(said("hi", chat=SUPERGROUP)).then_kinds(MessageReceived)
    assert {message.group for message in shop.all_of(MessageReceived)} == {group}
    assert shop.identities.address_of(Party.GROUP, group) == Address(Party.GROUP, TELEGRAM, BOT, "-200")


def test_what_comes_from_the_new_place_in_the_very_batch_of_the_migration_is_of_the_same_group(
    shop: Shop,
) -> None:
    shop.given(said("hi", chat=TEA_FANS))
    shop.batch(came(MIGRATED, by=None, chat=TEA_FANS), said("你好", chat=SUPERGROUP))
    assert {message.group for message in shop.all_of(MessageReceived)} == {shop.group(TEA_FANS)}
    assert len(shop.all_of(GroupSeen)) == 1
    assert shop.state(groups, shop.group()).kind == Slug("supergroup")


def test_a_migration_told_again_is_reported_and_changes_nothing(shop: Shop) -> None:
    shop.given(said("hi", chat=TEA_FANS), came(MIGRATED, by=None, chat=TEA_FANS))
    shop.when(came(MIGRATED, by=None, chat=TEA_FANS)).then_kinds(GroupChangeReported)


def test_what_nobody_understands_is_kept(shop: Shop) -> None:
    unknown = replace(came(NotUnderstood(reason=Slug("unknown-kind")), by=None), raw=Raw(b"?"))
    shop.when(unknown).then(
        UpdateNotUnderstood(channel=Slug("telegram"), reason=Slug("unknown-kind"), raw=Raw(b"?"))
    )


@pytest.mark.parametrize(
    "content",
    [
        Message(text="hi"),
        Edit(text="hi", provider_message=ProviderMessageId("1")),
        Press(data="x", query="q"),
        Reachability(reachable=True),
        Join(members=()),
        Leave(member=LIN),
        GroupChange(change=Slug("renamed")),
    ],
    ids=lambda content: type(content).__name__,
)
def test_content_that_lacks_who_or_where_is_bad_input_and_harms_nobody_beside_it(
    shop: Shop, content: Content
) -> None:
    results = shop.batch(said("before"), came(content, by=None), said("behind"))
    failed = results[1]
    assert isinstance(failed, Failed)
    assert (type(failed.error), str(failed.error)) == (
        BadInput,
        f"a {type(content).__name__} from telegram names nobody",
    )
    assert [message.text.value for message in shop.all_of(MessageReceived)] == ["before", "behind"]
