"""What operators answer to cards, and what becomes of it."""

from datetime import timedelta

import pytest

from bot.operations.reading import list_customers
from domain.customers.events import CustomerTagged, NoteAdded
from domain.deliveries.commands import RejectDelivery
from domain.deliveries.events import DeliveryPlanned
from domain.gate import ClaimDelivery
from domain.identity import (
    OperatorId,
    Slug,
    Tag,
)
from domain.operators.commands import RemoveOperator
from domain.operators.events import AnswerAsked, AnswerEnded, OperatorBound, Role
from domain.processes.handover import OPERATOR_REPLY
from tests.bot.cards.phones import LI, WANG, Phones, add, card_of, replies, settled_notices, text_of
from tests.bot.premises import settled


@pytest.mark.parametrize(
    "text", ["welcome", "#1 in tea\nsince 1880", "ask @tea: they know", "2 cups are ready"]
)
async def test_what_answers_a_card_goes_to_its_customer_as_it_was_written(phones: Phones, text: str) -> None:
    await card_of(phones)
    await phones.cards.step()
    desk = await phones.premises.desk()  # the one of before is gone
    head = phones.premises.house.log.head()
    phones.quotes(LI, text, "77")
    await settled(desk)
    assert replies(phones, head) == [text]
    assert phones.premises.answers(LI, head) == ["✓ #2"]


async def test_a_command_that_answers_a_card_is_about_its_customer(phones: Phones) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    phones.quotes(LI, "/tag vip", "77")
    phones.quotes(LI, "备注 likes tea", "77")
    await settled(phones.desk)
    wang = phones.premises.customer(WANG)
    assert [(e.customer, e.tag) for e in phones.premises.events(CustomerTagged, head)] == [(wang, Tag("vip"))]
    assert [(e.customer, e.note.value) for e in phones.premises.events(NoteAdded, head)] == [
        (wang, "likes tea")
    ]


async def test_what_answers_something_else_or_nothing_is_said_to_nobody(phones: Phones) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    phones.quotes(LI, "welcome", "78")
    phones.premises.says(LI, "welcome")
    phones.quotes("somebody", "welcome", "77")
    phones.premises.says(LI, "2 cups are ready")
    await settled(phones.desk)
    assert phones.premises.events(DeliveryPlanned, head) == []


async def test_a_button_asks_and_the_next_message_is_the_answer_once(phones: Phones) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    phones.premises.presses(LI, "/reply #2", on="77")
    await settled(phones.desk)
    phones.premises.says(LI, "welcome")
    phones.premises.says(LI, "not this")
    await settled(phones.desk)
    assert replies(phones, head) == ["welcome"]
    assert phones.premises.answers(LI, head) == [
        "What shall I tell #2 Wang? Write it now. /cancel: nothing",
        "✓ #2",
    ]
    phones.premises.presses(LI, "/note #2", on="77")
    phones.premises.presses(LI, "/tag #2", on="77")  # replaces it
    phones.premises.says(LI, "vip")
    await settled(phones.desk)
    assert [event.tag for event in phones.premises.events(CustomerTagged, head)] == ["vip"]
    assert phones.premises.events(NoteAdded, head) == []


async def test_the_same_button_may_be_pressed_again(phones: Phones) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    for text in ("one", "two"):
        phones.premises.presses(LI, "/reply #2", on="77")
        phones.premises.says(LI, text)
    await settled(phones.desk)
    assert replies(phones, head) == ["one", "two"]


@pytest.mark.parametrize("end", ["/cancel", "取消", "time"])
async def test_a_question_ends_when_it_is_cancelled_or_too_old(phones: Phones, end: str) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    phones.premises.presses(LI, "/reply #2", on="77")
    await settled(phones.desk)
    if end == "time":
        phones.premises.now += timedelta(minutes=11)
    else:
        phones.premises.says(LI, end)
    phones.premises.says(LI, "welcome")
    await settled(phones.desk)
    assert replies(phones, head) == []
    assert len(phones.premises.events(AnswerAsked, head)) == 1
    assert len(phones.premises.events(AnswerEnded, head)) == (end != "time")


async def test_a_number_before_a_message_says_whom_it_answers(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    phones.premises.says(LI, "＃2 welcome")
    phones.premises.says(LI, "#99 nobody")
    await settled(phones.desk)
    assert replies(phones, head) == ["welcome"]
    assert phones.premises.answers(LI, head)[1].startswith("I know nobody called #99")


async def test_in_wechat_where_nothing_can_be_quoted_the_bare_number_is_enough(phones: Phones) -> None:
    premises = phones.premises
    *_, line = add(premises, "mei")
    phones.writes_by_wechat("mei", line)
    head = premises.house.log.head()
    phones.writes_by_wechat("mei", "2 welcome")
    await settled(phones.desk)
    assert replies(phones, head) == ["welcome"]


async def test_the_answer_says_what_is_left_of_the_customers_window(phones: Phones) -> None:
    premises = phones.premises
    phones.writes_by_wechat("zhao", "hello")
    premises.house.catch_up()
    head = premises.house.log.head()
    premises.says(LI, "#3 welcome")
    await settled(phones.desk)
    assert premises.answers(LI, head)[0].split("\n")[1].startswith("4 of 5 left until Sun ")
    premises.says(LI, "/find #3")
    await settled(phones.desk)
    assert "5 of 5 left until Sun " in premises.answers(LI, head)[1]


async def test_a_card_of_last_month_can_be_answered(phones: Phones) -> None:
    await card_of(phones)
    premises = phones.premises
    premises.now += timedelta(days=30)
    head = premises.house.log.head()
    phones.quotes(LI, "still here", "77")
    await settled(phones.desk)
    assert replies(phones, head) == ["still here"]


async def test_a_muted_customer_gives_this_operator_no_cards_until_the_time_is_over(phones: Phones) -> None:
    premises = phones.premises
    await premises.binds(phones.desk, "bob", Role.AGENT)
    head = premises.house.log.head()
    premises.presses(LI, "/mute #2", on="77")
    await settled(phones.desk)
    premises.says(WANG, "one")
    assert await phones.cards_after(head) == []
    assert len(phones.planned("card", head, "bob")) == 1
    premises.now += timedelta(hours=8)
    phones.restart()
    premises.says(WANG, "two")
    (card,) = await phones.cards_after(head)
    assert text_of(card).split("\n")[1:] == ["two"]


async def test_a_mute_may_be_short_and_taken_back(phones: Phones) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    premises.says(LI, "/mute #2 2h")
    premises.says(LI, "/mute #2 soon")
    premises.says(LI, "/mute #2 off")
    await settled(phones.desk)
    answers = premises.answers(LI, head)
    assert answers[0].startswith("No cards about #2 Wang until 2026-11-20 14:")
    assert answers[1].startswith("soon is no time")
    premises.says(WANG, "hello")
    assert len(await phones.cards_after(head)) == 1


async def test_who_left_the_team_is_a_customer_again(phones: Phones) -> None:
    premises = phones.premises
    await premises.binds(phones.desk, "ann", Role.AGENT)
    ann = premises.events(OperatorBound)[-1].operator
    premises.house.do("system", RemoveOperator(operator=OperatorId(ann)))
    head = premises.house.log.head()
    premises.says("ann", "hello")
    (card,) = await phones.cards_after(head)
    assert text_of(card).split("\n")[1:] == ["hello"]
    assert phones.planned("card", head, "ann") == []


async def test_an_operator_is_told_when_their_answer_did_not_arrive(phones: Phones) -> None:
    premises = phones.premises
    await settled_notices(phones)
    premises.says(LI, "#2 welcome")
    await settled(phones.desk)
    head = premises.house.log.head()
    reply = next(p for p in premises.events(DeliveryPlanned) if p.occasion == OPERATOR_REPLY)
    claim = ClaimDelivery(
        delivery=reply.delivery,
        worker=Slug("w"),
        until=premises.now + timedelta(seconds=45),
        controls=premises.house.settings.controls,
    )
    premises.house.do(
        "scheduler", claim, RejectDelivery(delivery=reply.delivery, attempt=1, reason=Slug("blocked"))
    )
    await settled_notices(phones)
    phones.restart()
    await settled_notices(phones)
    (notice,) = phones.planned("notice", head)
    assert (
        text_of(notice) == "✗ #2 Wang: your message did not arrive: blocked us. "
        "Reach them on another channel, or wait until they write."
    )
    assert notice.subject == reply.subject


async def test_who_says_their_name_is_called_so_on_cards_and_in_commands(phones: Phones) -> None:
    premises = phones.premises
    phones.writes_by_wechat("zhao", "你好")
    await phones.hear()
    head = premises.house.log.head()
    phones.writes_by_wechat("zhao", "我叫赵敏")
    (card,) = await phones.cards_after(head)
    assert text_of(card).split("\n")[0] == "#3 赵敏 · WeChat"
    for line in ("/find 赵敏", "/timeline 赵敏", "/reply 赵敏 hello"):
        premises.says(LI, line)
    await settled(phones.desk)
    found, timeline, replied = premises.answers(LI, head)
    assert (found.split("  ")[0], timeline.split("\n")[0]) == ("#3 赵敏 (wechat)",) * 2
    assert replied.startswith("On its way to #3 赵敏 (wechat).")
    (line,) = [line for line in map(str, list_customers(premises.house)) if line.startswith("#3")]
    assert line.split()[1] == "赵敏"
