"""CUSTOMER, as operators write it: found where it is certain, asked back otherwise, never guessed."""

import pytest

from bot.commands.command import Reply
from domain.customers.commands import AddNote, TagCustomer
from domain.identity import Tag
from domain.message import Personal
from domain.operators.events import CommandOutcome
from tests.bot.commands.shop import Shop


def noted(shop: Shop, who: str, text: str) -> tuple[AddNote, ...]:
    return (AddNote(customer=shop.customer(who), operator="cli", note=Personal(text)),)  # type: ignore[arg-type]  # a plain id


@pytest.fixture
def people(shop: Shop) -> Shop:
    """#1 Wang, #2 Li (remark 李雷), #3 Wang Lei, #4 and #5, who are both called Anna."""
    for who in ("wang", "li", "wang lei"):
        shop.says(who, "hello")
    shop.orders("/name #2 李雷")
    for who in ("anna1", "anna2"):
        shop.says(who, "hello")
        shop.orders(f"/name telegram:{who} Anna")
    return shop


@pytest.mark.parametrize(
    "customer",
    [
        "#2",
        "＃2",
        "telegram:li",
        "telegram：li",
        "Telegram:li",
        "@li_x",
        "＠li_x",
        "李雷",
        "li",
        "LI",
        "ＬＩ",
    ],
)
def test_a_customer_is_found_by_what_is_theirs_alone(people: Shop, customer: str) -> None:
    assert people.asks(f"/note {customer} likes tea").commands == noted(people, "li", "likes tea")


def test_a_customer_is_found_by_their_id_or_its_beginning(people: Shop) -> None:
    whole = people.customer("li")
    for part in (whole, whole[:8], whole[:6]):
        assert people.asks(f"/note {part} x").commands == noted(people, "li", "x")


def test_a_name_of_two_words_is_read_whole(people: Shop) -> None:
    people.orders("/name #1 Herr Wang")
    assert (
        people.asks("/note Wang Lei likes tea").outcome is CommandOutcome.ASKED
    )  # "Wang" is somebody's name too
    assert people.asks("/note Herr Wang likes tea").outcome is CommandOutcome.DONE
    assert people.asks("/note Herr Wang likes tea").commands == noted(people, "wang", "likes tea")


def test_several_of_one_name_are_shown_with_the_command_that_means_each(people: Shop) -> None:
    assert people.asks("/note Anna likes tea") == Reply(
        "Whom do you mean by Anna?\n#4 Anna (telegram @anna1_x)\n#5 Anna (telegram @anna2_x)",
        outcome=CommandOutcome.ASKED,
        choices=(
            (("#4 Anna (telegram @anna1_x)", "/note #4 likes tea"),),
            (("#5 Anna (telegram @anna2_x)", "/note #5 likes tea"),),
        ),
        rows=(
            {"label": "#4 Anna (telegram @anna1_x)", "command": "/note #4 likes tea"},
            {"label": "#5 Anna (telegram @anna2_x)", "command": "/note #5 likes tea"},
        ),
        command="note",
    )


def test_what_a_candidate_stands_for_does_what_was_meant(people: Shop) -> None:
    asked = people.asks("/send —in 2h Anna 茶到了：\n请来")
    again = asked.choices[1][0][1]
    assert again == "/send —in 2h #5 茶到了：\n请来"
    (plan,) = people.asks(again).commands
    assert plan.text == Personal("茶到了：\n请来")  # type: ignore[attr-defined]  # PlanDelivery


def test_a_part_of_a_name_is_asked_about_even_where_it_fits_one_only(people: Shop) -> None:
    reply = people.asks("/tag 李 vip")
    assert (reply.outcome, reply.commands) == (CommandOutcome.ASKED, ())
    assert reply.choices == ((("#2 李雷 (telegram @li_x)", "/tag #2 vip"),),)


def test_the_first_letters_of_an_id_are_no_name(people: Shop) -> None:
    people.orders(f"/name #2 room {people.customer('li')[:3]}")
    assert people.asks(f"/note {people.customer('li')[:3]} x").outcome is CommandOutcome.ASKED


@pytest.mark.parametrize("customer", ["#99", "@nobody", "nobody", "telegram:nobody", "0123456789"])
def test_nobody_is_nobody(people: Shop, customer: str) -> None:
    reply = people.asks(f"/note {customer} x")
    assert (reply.outcome, reply.commands) == (CommandOutcome.FAILED, ())
    assert reply.text == f"I know nobody called {customer}. /find NAME searches, also in what was said."


def test_operators_are_found_only_by_what_is_marked(people: Shop) -> None:
    people.says("olga", "/bind x")
    people.binds("olga", "agent", "olga")  # type: ignore[arg-type]  # a plain role
    assert people.asks("/note olga x").outcome is CommandOutcome.FAILED
    assert people.asks("/note @olga_x x").outcome is CommandOutcome.DONE


@pytest.mark.parametrize(
    "line", ["/note", "/note #2", "/note li", "/tag #2", "/tag li", "/send #2", "/reply @li_x", "/timeline"]
)
def test_where_something_is_missing_the_usage_is_shown(people: Shop, line: str) -> None:
    reply = people.asks(line)
    assert (reply.outcome, reply.commands) == (CommandOutcome.REFUSED, ())
    assert reply.text.startswith("Write it like this:\n/")


# Answering a card


@pytest.mark.parametrize(
    "text", ["likes tea", "wang likes tea", "https://example.com/tea", "10:00 is fine", "tea"]
)
def test_an_answer_to_a_card_means_its_customer_whatever_the_text_begins_with(
    people: Shop, text: str
) -> None:
    assert people.asks(f"/note {text}", card=people.customer("li")).commands == noted(people, "li", text)


def test_somebody_who_is_named_with_a_sign_is_meant_even_on_a_card(people: Shop) -> None:
    card = people.customer("li")
    assert people.asks("/note #1 likes tea", card=card).commands == noted(people, "wang", "likes tea")
    assert people.asks("/note #99 likes tea", card=card).outcome is CommandOutcome.FAILED


def test_on_a_card_one_word_is_the_tag_and_two_are_customer_and_tag(people: Shop) -> None:
    card = people.customer("li")
    assert people.asks("/tag vip", card=card).commands == (TagCustomer(customer=card, tag=Tag("vip")),)
    wang = TagCustomer(customer=people.customer("wang"), tag=Tag("vip"))
    assert people.asks("/tag wang vip", card=card).commands == (wang,)


def test_on_a_card_options_come_before_the_text(people: Shop) -> None:
    (plan,) = people.asks("/send --in 2h see you", card=people.customer("li")).commands
    assert (plan.text, plan.contact) == (Personal("see you"), people.contact("li"))  # type: ignore[attr-defined]  # PlanDelivery


def test_the_card_of_nobody_is_refused(people: Shop) -> None:
    reply = people.asks("/note tea", card=people.customer("li").replace("a", "b") + "0")  # type: ignore[arg-type]  # no such customer
    assert reply.text == "The customer of this card is gone."
