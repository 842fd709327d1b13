"""Who gets a card, when, what it says, and that none is lost or doubled."""

import math
from datetime import timedelta

from bot.cards import Cards
from bot.cards.driver import CARDS_A_MINUTE
from bot.cards.writing import IN_A_DIGEST, MOST_NUMBERS
from bot.house import done
from channels.wechat.limits import TEXT_BYTES
from domain.conversations.commands import Message, Reachability, Receive, Sender
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.dispatch import Request
from domain.identity import RuleId, Slug, SubjectId
from domain.message import Context, Opening, Personal
from domain.operators.events import OperatorBound, Role
from domain.rules.commands import AddRule
from domain.rules.events import Match
from projections.audit import orders_about
from scheduler.process_runner import ProcessRunner
from tests.bot.cards.phones import (
    LI,
    WANG,
    Phones,
    add,
    spend,
    text_of,
)
from tests.bot.premises import BOT, TELEGRAM, settled


async def test_a_card_says_who_wrote_where_and_what_with_buttons_and_lies_under_the_customers_key(
    phones: Phones,
) -> None:
    head = phones.premises.house.log.head()
    phones.premises.says(WANG, "how much is the tea?")
    (card,) = await phones.cards_after(head)
    assert text_of(card) == "#2 Wang · Telegram\nhow much is the tea?"
    assert card.choices is not None
    assert card.choices.value == [
        ["Answer", "/reply #2", "Tag", "/tag #2"],
        ["Note", "/note #2", "Mute 8 h", "/mute #2"],
    ]
    assert card.subject == SubjectId(f"contact-{phones.premises.contact(WANG)}")
    assert (card.kind, card.verbatim) == (DeliveryClass.REPLY, True)


async def test_a_burst_is_one_card_and_what_follows_later_another(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    for text in ("hello", "are you there?", "I have a question"):
        phones.premises.says(WANG, text)
    first = await phones.cards_after(head)
    phones.premises.says(WANG, "about tea")
    cards = await phones.cards_after(head)
    assert [text_of(card).split("\n")[1:] for card in cards] == [
        ["hello", "are you there?", "I have a question"],
        ["about tea"],
    ]
    assert cards[:1] == first


async def test_nobody_gets_cards_about_colleagues_groups_or_bind_codes(phones: Phones) -> None:
    await phones.premises.binds(phones.desk, "ann", Role.VIEWER)
    head = phones.premises.house.log.head()
    phones.premises.says("ann", "good morning")
    phones.premises.says(WANG, "hello all", group="tea")
    phones.premises.says(WANG, "/bind 1234")
    assert await phones.cards_after(head) == []


async def test_a_viewer_gets_no_cards_and_every_agent_one(phones: Phones) -> None:
    await phones.premises.binds(phones.desk, "ann", Role.VIEWER)
    await phones.premises.binds(phones.desk, "bob", Role.AGENT)
    head = phones.premises.house.log.head()
    phones.premises.says(WANG, "hello")
    await phones.hear()
    assert [len(phones.planned("card", head, who)) for who in (LI, "bob", "ann")] == [1, 1, 0]


async def test_a_card_shows_what_a_rule_answered(phones: Phones) -> None:
    premises = phones.premises
    premises.house.do(
        "system",
        AddRule(rule=RuleId("r"), match=Match.CONTAINS, pattern=Personal("open"), answer=Personal("9 to 5")),
    )
    rule = next(process for process in premises.house.processes if process.name == "auto-reply")
    runner = ProcessRunner(rule, premises.follower(rule.name), lambda *_: None)
    while await runner.step():
        pass
    head = premises.house.log.head()
    premises.says(WANG, "are you open?")
    while await runner.step():
        pass
    (card,) = await phones.cards_after(head)
    assert text_of(card).split("\n")[1:] == ["are you open?", "↳ answered by rule: 9 to 5"]


async def test_whom_a_colleague_answered_before_the_card_went_nobody_else_gets_a_card_about(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    premises.says(WANG, "hello")
    premises.says(LI, "/reply #2 hello Wang")
    await settled(phones.desk)
    assert await phones.cards_after(head) == []


# --- nothing is lost, nothing is doubled ---------------------------------------------------------------------------


async def test_a_restart_before_and_after_the_plan_gives_one_card(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    phones.premises.says(WANG, "hello")
    await phones.cards.step()  # read, and not planned yet
    phones.restart()
    assert len(await phones.cards_after(head)) == 1
    phones.restart()
    assert len(await phones.cards_after(head)) == 1


async def test_two_workers_at_the_same_place_plan_a_card_once(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    other = Cards(phones.premises.house, phones.premises.follower)
    await other.step()
    phones.premises.says(WANG, "hello")
    await phones.cards.step()
    await other.step()
    await phones.hear()
    while await other.step() == 0:
        pass
    assert len(phones.planned("card", head)) == 1


async def test_two_hundred_customers_at_once_are_in_digests_and_none_is_missing(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    for number in range(200):
        premises.now -= timedelta(seconds=1)  # all in the same second
        premises.says(f"fan{number}", f"secret {number}")
    digests = await phones.cards_after(head)
    assert len(digests) == math.ceil(200 / IN_A_DIGEST)
    told = [line.split(" ")[0] for digest in digests for line in text_of(digest).split("\n")[1:]]
    assert told == [f"#{number}" for number in range(3, 203)]
    buttons = [part for d in digests if d.choices for row in d.choices.value for part in row[1::2]]
    assert buttons == [f"/card #{number}" for number in range(3, 203)]
    assert text_of(digests[0]).split("\n")[:2] == [
        f"{IN_A_DIGEST} customers wrote:",
        "#3 Fan0 · Telegram: secret 0",
    ]


async def test_a_digest_goes_with_any_of_those_it_tells_of(phones: Phones) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    for number in range(CARDS_A_MINUTE + 1):
        premises.now -= timedelta(seconds=1)
        premises.says(f"fan{number}", "hello")
    (digest,) = await phones.cards_after(head)
    premises.house.catch_up()
    with premises.house.views.read() as connection:
        about = [orders_about(connection, [premises.customer(f"fan{n}")]) for n in range(CARDS_A_MINUTE + 1)]
        nobody = orders_about(connection, [premises.customer(WANG)])
    assert about == [[digest.subject.removeprefix("order-")]] * (CARDS_A_MINUTE + 1)
    assert nobody == []


async def test_beyond_so_many_cards_a_minute_comes_a_digest_when_the_minute_is_over_also_after_a_restart(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    for number in range(CARDS_A_MINUTE):
        premises.now -= timedelta(seconds=1)
        premises.says(f"early{number}", "hello")
    assert len(await phones.cards_after(head)) == CARDS_A_MINUTE
    for number in range(CARDS_A_MINUTE + 1):
        premises.now -= timedelta(seconds=1)
        premises.says(f"late{number}", "hello")
    assert len(await phones.cards_after(head)) == CARDS_A_MINUTE
    phones.restart()
    assert len(await phones.cards_after(head)) == CARDS_A_MINUTE
    premises.now += timedelta(minutes=1)
    *_, digest = await phones.cards_after(head)
    assert text_of(digest).split("\n")[0] == f"{CARDS_A_MINUTE + 1} customers wrote:"


async def test_cards_of_who_blocked_us_everywhere_are_held_back_until_they_can_be_reached_also_after_a_restart(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    premises.receive(LI, Reachability(reachable=False))
    premises.says(WANG, "hello")
    premises.says("zhao", "good morning")
    assert await phones.cards_after(head) == []
    phones.restart()
    premises.now += timedelta(days=3)
    assert await phones.cards_after(head) == []
    premises.says("zhao", "still there?")
    premises.receive(LI, Reachability(reachable=True))
    premises.now += timedelta(seconds=5)
    cards = await phones.cards_after(head)
    assert [text_of(card).split("\n")[1:] for card in cards] == [["hello"], ["good morning", "still there?"]]


async def test_while_nobody_can_be_told_no_more_is_gathered_than_there_is_room_for_and_nothing_is_lost(
    phones: Phones,
) -> None:
    premises = phones.premises
    phones.cards = Cards(premises.house, premises.follower, room=3)
    head = premises.house.log.head()
    premises.receive(LI, Reachability(reachable=False))
    for number in range(4):
        premises.says(f"early{number}", f"early {number}")
    assert await phones.cards_after(head) == []
    for number in range(12):
        premises.says(f"late{number}", f"late {number}")
    assert await phones.cards_after(head) == []
    premises.receive(LI, Reachability(reachable=True))
    premises.now += timedelta(seconds=5)
    *cards, digest = await phones.cards_after(head)
    assert [text_of(card).split("\n")[1:] for card in cards] == [[f"early {number}"] for number in range(4)]
    assert (
        text_of(digest).split("\n")[0] == "12 customers wrote:"
    )  # the room was full: no minute is waited for


async def test_of_two_phones_the_one_heard_from_last_gets_the_card_while_there_is_room_and_else_the_other(
    phones: Phones,
) -> None:
    premises = phones.premises
    *_, code = add(premises, LI)
    mei = phones.writes_by_wechat("li-in-wechat", code, Opening(messages=4, seconds=48 * 3600))
    await settled(phones.desk)
    premises.house.catch_up()
    spend(phones, mei)
    told = []
    for text in ("one", "two", "three"):
        premises.says(WANG, text)
        await phones.hear()
        spend(phones, mei)
        card = [p for p in premises.events(DeliveryPlanned) if p.occasion == "card"][-1]
        told.append((card.contact == mei, "write anything to get them again" in text_of(card)))
    assert told == [(True, False), (True, True), (False, False)]


async def test_where_the_operators_own_window_is_nearly_used_up_one_digest_says_so_and_the_rest_waits_for_them(
    phones: Phones,
) -> None:
    premises = phones.premises
    phones.writes_by_wechat("mei", "hi", Opening(messages=3, seconds=48 * 3600))
    *_, line = add(premises, "mei")
    phones.writes_by_wechat("mei", line, Opening(messages=3, seconds=48 * 3600))
    await settled(phones.desk)
    premises.house.catch_up()
    mei = next(e.contact for e in premises.events(OperatorBound) if e.contact != premises.contact(LI))
    await phones.hear()

    def got() -> list[str]:
        return [
            text_of(p) for p in premises.events(DeliveryPlanned) if p.occasion == "card" and p.contact == mei
        ]

    spend(phones, mei)
    for text in ("one", "two"):
        premises.says(WANG, text)
        await phones.hear()
    assert len(got()) == 1
    assert "write anything to get them again" in got()[0]
    spend(phones, mei)
    premises.says(WANG, "three")
    await phones.hear()
    premises.now += timedelta(minutes=2)
    await phones.hear()
    assert len(got()) == 1
    phones.writes_by_wechat("mei", "go on", Opening(messages=5, seconds=48 * 3600))
    premises.now += timedelta(seconds=5)
    await phones.hear()
    assert got()[-1].split("\n")[1:3] == ["two", "three"]


async def test_what_is_said_in_the_very_second_of_an_answer_to_what_was_before_gets_a_card(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    premises.says(WANG, "hello")
    premises.says(LI, "/reply #2 hello Wang")
    await settled(phones.desk)
    second = premises.now - timedelta(
        milliseconds=1
    )  # as a provider tells the time of what came after the answer
    received = Receive(
        channel=TELEGRAM,
        account=BOT,
        key="the same second",
        occurred_at=second,
        content=Message(text="and now?"),
        sender=Sender(external_id=WANG, name="Wang", username="wang_x"),
    )
    context = Context(actor=Slug("customer"), occurred_at=second, now=premises.now + timedelta(seconds=1))
    premises.now = context.now
    done(premises.house.submit_blocking(Request(context, (received,))))
    (card,) = await phones.cards_after(head)
    assert text_of(card).split("\n")[1:] == ["hello", "and now?"]


async def test_the_only_digest_that_a_window_allows_fits_the_channel_and_says_how_many_it_leaves_out(
    phones: Phones,
) -> None:
    premises = phones.premises
    phones.writes_by_wechat("mei", "hi")
    *_, code = add(premises, "mei")
    mei = phones.writes_by_wechat("mei", code)
    await settled(phones.desk)
    await phones.hear()
    head, further = premises.house.log.head(), 7
    for number in range(IN_A_DIGEST + MOST_NUMBERS + further):
        premises.now -= timedelta(seconds=1)
        premises.says(f"{'王' * 20}{number}", "请问你们的茶叶现在是怎么卖的？" * 3)
    await phones.hear()
    (digest,) = [
        p for p in premises.events(DeliveryPlanned, head) if p.occasion == "card" and p.contact == mei
    ]
    *_, numbers, rest, hint = text_of(digest).split("\n")
    assert len(numbers.split()) == MOST_NUMBERS
    assert rest == f"… and {further} more: /customers lists them"
    assert hint.endswith("write anything to get them again.")
    assert digest.choices is None or digest.choices.value == []
    assert len(text_of(digest).encode()) <= TEXT_BYTES
