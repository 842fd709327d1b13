"""Cards over the real house: who gets one, when, what it says, and that none is lost or doubled."""

from datetime import timedelta

import pytest

from bot.cards import CARDS_A_MINUTE, IN_A_DIGEST, QUIET, Cards
from bot.desk import Desk
from bot.house import done
from bot.notices import Notices
from bot.operations import add_operator
from domain.conversations.commands import Message, Receive, Sender
from domain.customers.events import CustomerTagged, NoteAdded
from domain.deliveries.commands import AcceptDelivery, RejectDelivery
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.dispatch import Request
from domain.gate import ClaimDelivery
from domain.identity import (
    Address,
    Channel,
    ContactId,
    OperatorId,
    Party,
    ProviderMessageId,
    RuleId,
    Slug,
    SubjectId,
    Tag,
)
from domain.message import Context, Opening, Personal
from domain.operators.commands import RemoveOperator
from domain.operators.events import AnswerAsked, AnswerEnded, OperatorBound, Role
from domain.processes.handover import OPERATOR_REPLY
from domain.rules.commands import AddRule
from domain.rules.events import Match
from projections.windows import opened
from scheduler.process_runner import ProcessRunner
from tests.bot.premises import BOT, Premises, settled

WECHAT = Channel("wechat")
TWO_DAYS = Opening(messages=5, seconds=48 * 3600)
LI, WANG = "li", "wang"


class Phones:
    """The premises with a desk, cards and notices; Li is an agent, Wang is customer number 2."""

    def __init__(self, premises: Premises, desk: Desk) -> None:
        self.premises, self.desk = premises, desk
        self.restart()

    def restart(self) -> None:
        """Let new workers take over: nothing but the log is remembered."""
        self.cards = Cards(self.premises.house, self.premises.follower)
        self.notices = Notices(self.premises.house, self.premises.follower("operator-notices"))

    async def hear(self) -> None:
        """Let time pass until a burst is over, and everything be planned that can be."""
        self.premises.now += QUIET
        while await self.cards.step() == 0:
            pass

    async def cards_after(self, head: int, who: str = LI) -> list[DeliveryPlanned]:
        """The cards that somebody got since."""
        await self.hear()
        return self.planned("card", head, who)

    def planned(self, occasion: str, head: int, who: str = LI) -> list[DeliveryPlanned]:
        return [
            planned
            for planned in self.premises.events(DeliveryPlanned, head)
            if planned.occasion == occasion and planned.contact == self.premises.contact(who)
        ]

    def sent(self, planned: DeliveryPlanned, message: str) -> None:
        """Let a message go out; the provider calls it so."""
        house, premises = self.premises.house, self.premises
        claim = ClaimDelivery(
            delivery=planned.delivery,
            worker=Slug("w"),
            until=premises.now + timedelta(seconds=45),
            controls=house.settings.controls,
        )
        accept = AcceptDelivery(
            delivery=planned.delivery, attempt=1, provider_message=ProviderMessageId(message)
        )
        house.do("scheduler", claim, accept)

    def quotes(self, who: str, text: str, message: str) -> None:
        """Answer one of our messages."""
        self.premises.receive(who, Message(text=text, reply_to=ProviderMessageId(message)))

    def writes_by_wechat(self, who: str, text: str, opens: Opening | None = TWO_DAYS) -> ContactId:
        premises = self.premises
        premises.now += timedelta(seconds=1)
        received = Receive(
            channel=WECHAT,
            account=BOT,
            key=f"{who}{premises.now}",
            occurred_at=premises.now,
            content=Message(text=text),
            sender=Sender(external_id=who),
            opens=opens,
        )
        context = Context(actor=Slug("customer"), occurred_at=premises.now, now=premises.now)
        done(premises.house.submit_blocking(Request(context, (received,))))
        return ContactId(
            premises.house.vault.resolve([address := Address(Party.CONTACT, WECHAT, BOT, who)])[address]
        )


@pytest.fixture
async def phones(premises: Premises) -> Phones:
    desk = await premises.desk()
    await premises.binds(desk, LI, Role.AGENT)
    phones = Phones(premises, desk)
    await phones.hear()
    premises.says(WANG, "hi")
    await phones.hear()
    premises.now += timedelta(minutes=5)
    return phones


def text_of(planned: DeliveryPlanned) -> str:
    assert planned.text is not None
    return planned.text.value


# --- who gets a card, and what it says -----------------------------------------------------------------------------


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


async def test_two_hundred_customers_at_once_are_in_digests_by_number_and_none_is_missing(
    phones: Phones,
) -> None:
    premises = phones.premises
    head = premises.house.log.head()
    for number in range(200):
        premises.now -= timedelta(seconds=1)  # all in the same second
        premises.says(f"fan{number}", f"secret {number}")
    digests = await phones.cards_after(head)
    assert len(digests) == 200 / IN_A_DIGEST
    told = [line.split(" ")[0] for digest in digests for line in text_of(digest).split("\n")[1:]]
    assert told == [f"#{number}" for number in range(3, 203)]
    buttons = [part for d in digests if d.choices for row in d.choices.value for part in row[1::2]]
    assert buttons == [f"/card #{number}" for number in range(3, 203)]
    assert not any("secret" in text_of(digest) or "Fan" in text_of(digest) for digest in digests)


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


def add(premises: Premises, who: str) -> list[str]:
    return [str(line) for line in add_operator(premises.house, who, Role.AGENT)]


def spend(phones: Phones, contact: ContactId) -> None:
    """Let what is planned for a contact go out, at the expense of its window."""
    premises = phones.premises
    premises.house.catch_up()
    with premises.house.views.read() as connection:
        windows = opened(connection, contact)
    for planned in premises.events(DeliveryPlanned):
        if planned.contact == contact:
            premises.house.do(
                "scheduler",
                ClaimDelivery(
                    delivery=planned.delivery,
                    worker=Slug("w"),
                    until=premises.now + timedelta(seconds=45),
                    controls=premises.house.settings.controls,
                    opened=windows,
                ),
            )


# --- answering -----------------------------------------------------------------------------------------------------


async def card_of(phones: Phones, text: str = "hello", message: str = "77") -> DeliveryPlanned:
    head = phones.premises.house.log.head()
    phones.premises.says(WANG, text)
    (card,) = await phones.cards_after(head)
    phones.sent(card, message)
    return card


def replies(phones: Phones, head: int) -> list[str]:
    """What customers were told by operators."""
    return [
        text_of(planned)
        for planned in phones.premises.events(DeliveryPlanned, head)
        if planned.occasion == OPERATOR_REPLY and planned.contact == phones.premises.contact(WANG)
    ]


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


# --- muting, leaving, failing --------------------------------------------------------------------------------------


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
    assert text_of(notice) == "✗ #2: your message did not arrive: blocked us."
    assert notice.subject == reply.subject


async def settled_notices(phones: Phones) -> None:
    while await phones.notices.step() == 0:
        pass


async def test_a_card_of_last_month_can_be_answered(phones: Phones) -> None:
    await card_of(phones)
    premises = phones.premises
    premises.now += timedelta(days=30)
    head = premises.house.log.head()
    phones.quotes(LI, "still here", "77")
    await settled(phones.desk)
    assert replies(phones, head) == ["still here"]
