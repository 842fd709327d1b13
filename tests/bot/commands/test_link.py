"""/link, /merge, /unmerge: several accounts, one person."""

import pytest

from bot.commands.command import NOBODY, Operator, Reply
from domain.contacts.events import LinkCodeIssued, LinkRefused
from domain.conversations.commands import Message
from domain.conversations.events import ContentKind
from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.customers.events import CustomerMerged
from domain.identity import Channel, Locale
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop

NUMBER = "13800138000"


@pytest.fixture
def people(shop: Shop) -> Shop:
    """#1 Wang, #2 Li, #3 Zhao."""
    for who in ("wang", "li", "zhao"):
        shop.says(who, "hello")
    return shop


def customer(shop: Shop, who: str, locale: str = "en") -> Operator:
    """Somebody who is no operator, as the desk sees them."""
    return Operator(NOBODY, Role.VIEWER, shop.contact(who), Locale(locale))


def code_in(reply: Reply) -> str:
    return reply.text.split()[-1]


def owners(shop: Shop) -> list[int]:
    """Whose number each of the three is shown under."""
    shop.catch_up()
    rows = [shop.asks(f"/find telegram:{who}").rows[0]["number"] for who in ("wang", "li", "zhao")]
    return [int(str(number)) for number in rows]


# --- codes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ["/link", "关联", "绑定账号"])
def test_a_customer_gets_a_code_in_one_chat_and_sends_it_from_the_other(people: Shop, ask: str) -> None:
    given = people.orders(ask, operator=customer(people, "wang"))
    assert given.text.startswith("Send us this from your other account within 15 minutes:\n/link ")
    assert len(code_in(given)) == 8
    done = people.orders(f"关联 {code_in(given).lower()}", operator=customer(people, "li"))
    assert (done.text, done.outcome) == ("Done: your accounts belong together now.", CommandOutcome.DONE)
    assert owners(people) == [1, 1, 3]


def test_the_log_holds_only_a_keyed_hash_of_the_code(people: Shop) -> None:
    code = code_in(people.orders("/link", operator=customer(people, "wang")))
    (issued,) = people.events_of(LinkCodeIssued)
    assert issued.code == people.digest("link-code", code)
    assert code not in repr(issued)


def test_a_customer_reads_it_in_their_language(people: Shop) -> None:
    people.speaks("zh")
    given = people.orders("关联", operator=customer(people, "wang", "zh"))
    assert given.text.startswith("请在 15 分钟内用您的另一个账号给我们发送：\n关联 ")


def test_wrong_and_used_codes_read_the_same_and_only_five_an_hour_may_be_tried(people: Shop) -> None:
    code = code_in(people.orders("/link", operator=customer(people, "wang")))
    people.orders(f"/link {code}", operator=customer(people, "li"))
    zhao = customer(people, "zhao")
    answers = {people.orders(f"/link {tried}", operator=zhao).text for tried in (code, "ABCD2345")}
    assert answers == {"This code is wrong, used or expired."}
    for _ in range(3):
        people.orders("/link ABCD2345", operator=zhao)
    fresh = code_in(people.orders("/link", operator=customer(people, "wang")))
    refused = people.orders(f"/link {fresh}", operator=zhao)
    assert refused.text == "Too many wrong codes. Try again in an hour."
    assert len(people.events_of(LinkRefused)) == 5
    assert owners(people) == [1, 1, 3]


def test_a_code_sent_from_where_it_was_given_says_so_and_stays_good(people: Shop) -> None:
    code = code_in(people.orders("/link", operator=customer(people, "wang")))
    told = people.orders(f"/link {code}", operator=customer(people, "wang"))
    assert told.text == "Send this code from your other account, not from here."
    people.orders(f"/link {code}", operator=customer(people, "li"))
    assert owners(people) == [1, 1, 3]


def test_an_operator_gets_a_code_to_pass_on(people: Shop) -> None:
    given = people.orders("/link wang", Role.AGENT)
    assert given.text.startswith("#1 Wang (telegram @wang_x) shall send this from their other account")
    people.orders(f"/link {code_in(given)}", operator=customer(people, "zhao"))
    assert owners(people) == [1, 2, 1]


def test_the_same_request_gives_the_same_code(people: Shop) -> None:
    request = people.request()
    assert people.asks("/link wang", request=request) == people.asks("/link wang", request=request)
    assert people.asks("/link wang").text != people.asks("/link wang").text


def test_a_customer_may_link_and_nothing_else(people: Shop) -> None:
    for line in ("/merge #1 #2 --yes", "/unmerge #1", "/find wang"):
        assert people.asks(line, operator=customer(people, "wang")).text == "Only operators may do this."


# --- phones --------------------------------------------------------------------------------------------------------


def test_a_phone_that_an_operator_notes_finds_the_customer_and_shows_who_else_has_it(people: Shop) -> None:
    people.orders(f"/link wang phone:{NUMBER}", Role.AGENT)
    second = people.orders(f"/link li 电话：+86{NUMBER}", Role.AGENT)
    assert second.text == (
        "Noted: #2 Li (telegram @li_x) has the phone number +8613800138000.\n"
        "#1 Wang (telegram @wang_x) has it too: perhaps they are one person."
    )
    assert second.choices == ((("Compare #1 Wang (telegram @wang_x)", "/merge #1 #2"),),)
    assert people.events_of(CustomerMerged) == []
    listed = people.asks("/link", Role.AGENT)
    assert listed.text.splitlines()[1].endswith(": the same phone number")
    assert listed.choices == ((("#1 · #2", "/merge #1 #2"),),)
    assert people.asks("/merge").choices == listed.choices


def test_a_number_that_a_channel_vouches_for_links_at_once(people: Shop) -> None:
    for who in ("wang", "zhao"):
        own = {"own": True, "phone": f"86{NUMBER}"}
        people.receive(who, Message(kind=ContentKind.CONTACT, details=own))
    assert owners(people) == [1, 2, 1]


@pytest.mark.parametrize("number", ["12", "hello", "+86"])
def test_what_cannot_be_dialled_is_refused(people: Shop, number: str) -> None:
    assert (
        people.asks(f"/link wang phone:{number}").text == f"{number} is no phone number that can be dialled."
    )


def test_a_customer_is_meant_by_their_phone_or_its_last_four_digits(people: Shop) -> None:
    people.orders(f"/link li phone:{NUMBER}")
    for said in (NUMBER, "8000", f"phone:{NUMBER}"):
        assert people.asks(f"/tag {said} vip").outcome is CommandOutcome.DONE, said
    people.orders("/link zhao phone:13900138000")
    assert people.asks("/tag 8000 vip").outcome is CommandOutcome.ASKED


def test_nobody_is_suggested_by_name_alone(people: Shop) -> None:
    people.orders("/name #1 Anna")
    people.orders("/name #2 Anna")
    assert people.asks("/link").text == "Nobody seems to be here twice."


# --- merge and un-merge --------------------------------------------------------------------------------------------


def test_a_merge_shows_what_it_means_and_asks(people: Shop) -> None:
    people.orders("/tag wang vip")
    people.orders("/tag li tea")
    asked = people.orders("/merge wang li", Role.MANAGER)
    assert asked.outcome is CommandOutcome.ASKED
    assert asked.text == (
        "#2 Li (telegram @li_x) becomes part of #1 Wang (telegram @wang_x).\n"
        "Accounts: telegram Wang, telegram Li\n"
        "Tags: tea, vip\n"
        "Offers go to them once, and count for one person.\n"
        "Merge them? Messages and notes of both are kept, and /unmerge undoes it."
    )
    assert asked.choices == ((("Merge", "/merge #1 #2 --yes"),),)
    assert owners(people) == [1, 2, 3]
    done = people.orders(asked.choices[0][0][1], Role.MANAGER)
    assert done.text == "#1 Wang (telegram @wang_x) is one customer now. /unmerge #2 undoes it."
    assert owners(people) == [1, 1, 3]


def test_a_merge_says_that_a_stop_of_one_holds_for_both(people: Shop) -> None:
    people.says("li", "退订")
    lines = people.asks("/merge wang li").text.splitlines()
    assert "One of them unsubscribed: neither account gets offers any more." in lines


def test_yes_said_beforehand_merges_at_once(people: Shop) -> None:
    merge = MergeCustomers(customer=people.customer("wang"), other=people.customer("li"))
    assert people.asks("/merge wang li", confirmed=True).commands == (merge,)
    assert people.asks("/merge #1 #2 —yes").commands == (merge,)
    assert people.asks("合并 #1 #2 --yes").commands == (merge,)


def test_those_who_are_one_already_and_operators_are_not_merged(people: Shop) -> None:
    people.orders("/merge #1 #2 --yes")
    assert people.asks("/merge #1 #2").text == "These are one customer already."
    people.binds("ann", Role.AGENT, "zhao")
    told = "One of the two is one of us: operators are nobody's customers."
    assert people.asks("/merge #1 #3 --yes").text == told


def test_an_un_merge_names_the_record_that_leaves_by_its_number(people: Shop) -> None:
    people.orders("/merge #1 #2 --yes")
    people.orders("/merge #1 #3 --yes")
    asked = people.asks("/unmerge wang")
    assert [choice for row in asked.choices for choice in row] == [
        ("#2", "/unmerge #2"),
        ("#3", "/unmerge #3"),
    ]
    told = people.orders("拆分 #3", Role.MANAGER).text
    assert told.startswith("#3 is a customer of its own again")
    assert owners(people) == [1, 1, 3]
    li = UnmergeCustomer(customer=people.customer("li"))
    assert people.asks("/unmerge wang").commands == (li,)  # the only one left
    people.orders("/unmerge li")
    assert owners(people) == [1, 2, 3]
    assert people.asks("/unmerge #1").text == "#1 Wang (telegram @wang_x) was not merged with anybody."


def test_the_number_of_one_merged_away_still_means_the_person(people: Shop) -> None:
    people.orders("/merge #1 #2 --yes")
    people.orders("/note #2 likes tea")
    assert "note: likes tea" in people.asks("/timeline #1").text
    assert "known as one person from here on" in people.asks("/timeline #2").text


def test_two_channels_with_one_user_name_are_shown_to_be_compared(people: Shop) -> None:
    people.receive("wang", Message(text="hello"), channel=Channel("webchat"))
    listed = people.asks("/merge")
    assert listed.text.splitlines()[1].endswith(": the same user name on two channels")
    assert listed.rows == ({"customers": [1, 4], "kind": "username"},)
