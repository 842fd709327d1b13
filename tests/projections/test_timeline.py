"""The timeline: the order of the conversation, what is shown, what is found."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest

from domain.broadcasts.commands import DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.conversations.commands import (
    Act,
    Content,
    Join,
    Message,
    Press,
    Reachability,
    Sender,
)
from domain.customers.commands import AddNote, NameCustomer, TagCustomer
from domain.deliveries.commands import AskRecall, EndRecall, LoseTrackOfDelivery
from domain.deliveries.delivery import Phase
from domain.errors import StoreUnavailable
from domain.identity import BroadcastId, Channel, ProviderMessageId, Slug, Tag
from domain.message import Personal
from domain.ports.history import Said
from projections.deliveries import delivery
from projections.engine import Projector
from projections.timeline import (
    Entry,
    Filters,
    Kind,
    TimelineHistory,
    everywhere,
    of_contact,
    of_customer,
    of_group,
)
from projections.timeline.words import words
from tests.projections.house import TELEGRAM, House
from tests.projections.reading import catch_up

TALK = Filters(kinds=frozenset({Kind.MESSAGE, Kind.DELIVERY}))


def texts(entries: list[Entry]) -> list[str | None]:
    return [entry.text for entry in entries]


def test_a_message_is_shown_whole(projector: Projector, house: House) -> None:
    message = house.says("wang", "hello")
    catch_up(projector)
    with projector.views.read() as connection:
        (entry,) = of_customer(connection, house.customer("wang"), TALK)
    said = house.everything()[0]
    assert entry == Entry(
        position=1,
        place=1,
        kind=Kind.MESSAGE,
        at=house.now,
        event=said.id,
        actor=Slug("customer"),
        contact=house.contact("wang"),
        channel=TELEGRAM,
        text="hello",
        value="text",
        provider_message=message,
    )


def test_one_list_holds_all_that_happened_with_a_customer(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    customer = house.customer("wang")
    house.do(
        TagCustomer(customer=customer, tag=Tag("vip")),
        NameCustomer(customer=customer, remark=Personal("老王")),
        AddNote(customer=customer, operator=None, note=Personal("likes tea")),
    )
    house.sends(house.plans("wang", "welcome"))
    house.says("wang", "退订")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [(entry.kind, entry.text or entry.value) for entry in of_customer(connection, customer)] == [
            (Kind.MESSAGE, "hello"),
            (Kind.CONSENTED, "contact-started"),
            (Kind.TAGGED, "vip"),
            (Kind.NAMED, "老王"),
            (Kind.NOTE, "likes tea"),
            (Kind.DELIVERY, "welcome"),
            (Kind.MESSAGE, "退订"),
            (Kind.WITHDREW, "stop-word"),
            (
                Kind.DELIVERY,
                "You are unsubscribed: we send you no more offers. Write START to subscribe again.",
            ),
        ]


def test_a_message_planned_for_later_stands_where_it_was_sent(projector: Projector, house: House) -> None:
    house.says("wang", "one")
    planned = house.plans("wang", "follow-up", not_before=house.now + timedelta(hours=1))
    house.says("wang", "two")
    customer = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert texts(of_customer(connection, customer, TALK)) == ["one", "follow-up", "two"]
    before = house.log.head()
    house.now += timedelta(hours=1)
    house.sends(planned)
    catch_up(projector)
    with projector.views.read() as connection:
        now = of_customer(connection, customer, TALK)
        assert texts(now) == ["one", "two", "follow-up"]
        assert [state.phase for state in now[-1].states] == [Phase.PLANNED, Phase.STARTED, Phase.ACCEPTED]
        then = of_customer(connection, customer, Filters(kinds=TALK.kinds, as_of=before))
        assert [(entry.text, entry.state and entry.state.phase) for entry in then] == [
            ("one", None),
            ("follow-up", Phase.PLANNED),
            ("two", None),
        ]


def test_an_edit_shows_at_its_message_whichever_came_first(projector: Projector, house: House) -> None:
    first = house.says("wang", "helo")
    house.edits("wang", first, "hello")
    house.edits("wang", "m9", "edited early")
    house.receive("wang", Message(text="late", provider_message=ProviderMessageId("m9")))
    catch_up(projector)
    with projector.views.read() as connection:
        shown = of_customer(connection, house.customer("wang"), Filters(kinds=frozenset({Kind.MESSAGE})))
    assert [(entry.text, entry.edited) for entry in shown] == [("helo", "hello"), ("late", "edited early")]


def test_a_message_reads_as_its_newest_edit_said_until_the_position_that_is_asked_about(
    projector: Projector, house: House
) -> None:
    message = house.says("wang", "helo")
    house.edits("wang", message, "hello")
    then = house.log.head()
    house.edits("wang", message, "hello there")
    catch_up(projector)
    customer, messages = house.customer("wang"), Filters(kinds=frozenset({Kind.MESSAGE}))
    with projector.views.read() as connection:
        assert [entry.edited for entry in of_customer(connection, customer, messages)] == ["hello there"]
        before = replace(messages, as_of=then)
        assert [entry.edited for entry in of_customer(connection, customer, before)] == ["hello"]


def test_a_group_has_a_timeline_of_its_own(projector: Projector, house: House) -> None:
    house.says("wang", "in private")
    house.says("wang", "in the group", group="tea")
    house.receive("li", Join(members=(Sender(external_id="li"), Sender(external_id="zhao"))), group="tea")
    catch_up(projector)
    with projector.views.read() as connection:
        entries = of_group(connection, house.group("tea"))
        assert [(entry.kind, entry.contact) for entry in entries] == [
            (Kind.MESSAGE, house.contact("wang")),
            (Kind.JOINED, house.contact("li")),
            (Kind.JOINED, house.contact("zhao")),
        ]
        assert {entry.channel for entry in entries} == {TELEGRAM}
        assert texts(of_contact(connection, house.contact("wang"), TALK)) == ["in private", "in the group"]


def test_filters_narrow_what_is_shown(projector: Projector, house: House) -> None:
    for number in range(1, 6):
        house.says("wang", f"message {number}")
    house.receive("wang", Message(text="elsewhere"), channel=Channel("webchat"))
    customer = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        everything = of_customer(connection, customer, TALK)
        third = everything[2]

        def shown(**filters: object) -> list[str | None]:
            return texts(of_customer(connection, customer, Filters(kinds=TALK.kinds, **filters)))  # type: ignore[arg-type]  # as named

        assert texts(everything) == [f"message {number}" for number in range(1, 6)]
        assert shown(limit=2) == ["message 4", "message 5"]
        assert shown(before=third.place) == ["message 1", "message 2"]
        assert shown(before=third.place, limit=1) == ["message 2"]
        assert shown(after=third.place) == ["message 4", "message 5"]
        assert shown(after=third.place, limit=1) == ["message 4"]
        assert shown(since=third.at) == ["message 3", "message 4", "message 5"]
        assert shown(until=third.at) == ["message 1", "message 2"]
        assert shown(as_of=third.position) == ["message 1", "message 2", "message 3"]
        assert shown(channel=TELEGRAM) == texts(everything)
        assert shown(channel=Channel("webchat")) == []
        assert texts(everywhere(connection, Filters(channel=Channel("webchat"), kinds=TALK.kinds))) == [
            "elsewhere"
        ]


def test_filters_narrow_together_whichever_are_given(projector: Projector, house: House) -> None:
    """A page's statement is kept for each set of filters: none may be asked with that of another."""
    for number in range(1, 5):
        house.says("wang", f"message {number}")
        house.plans("wang", f"answer {number}")
    customer = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        everything = of_customer(connection, customer)
        early, late = everything[2], everything[-3]
        given: dict[str, tuple[object, Callable[[Entry], bool]]] = {
            "kinds": (frozenset({Kind.DELIVERY}), lambda entry: entry.kind is Kind.DELIVERY),
            "channel": (TELEGRAM, lambda entry: entry.channel == TELEGRAM),
            "before": (late.place, lambda entry: entry.place < late.place),
            "after": (early.place, lambda entry: entry.place > early.place),
            "since": (early.at, lambda entry: entry.at >= early.at),
            "until": (late.at, lambda entry: entry.at < late.at),
            "as_of": (late.position, lambda entry: entry.position <= late.position),
            "text": ("answer", lambda entry: "answer" in (entry.text or "")),
        }
        for names in (names for n in range(len(given) + 1) for names in combinations(given, n)):
            filters = Filters(**{name: given[name][0] for name in names})  # type: ignore[arg-type]  # as named
            wanted = [entry for entry in everything if all(given[name][1](entry) for name in names)]
            assert of_customer(connection, customer, filters) == wanted, names


FOUND: dict[str, list[str]] = {
    "退款": ["我想申请退款，谢谢", "退款项目在哪里"],
    "申请退款": ["我想申请退款，谢谢"],
    "款项": ["退款项目在哪里"],
    "hello": ["Hello, World!"],
    "ＨＥＬＬＯ world": ["Hello, World!"],
    "hell": [],
    "hello 退款": [],
    "café": ["Un café s'il vous plaît"],
    "订单A100": ["我的订单A100呢"],
    "a100": ["我的订单A100呢"],
    '\' OR "1" AND (': [],
    "！？": [],
}


def test_words_are_found_in_chinese_and_other_texts(projector: Projector, house: House) -> None:
    for text in (
        "我想申请退款，谢谢",
        "退款项目在哪里",
        "Hello, World!",
        "Un café s'il vous plaît",
        "我的订单A100呢",
        "😀",
    ):
        house.says("wang", text)
    wang = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert {
            sought: texts(of_customer(connection, wang, Filters(text=sought))) for sought in FOUND
        } == FOUND
        assert {sought: texts(everywhere(connection, Filters(text=sought))) for sought in FOUND} == FOUND


def test_every_pair_of_chinese_characters_is_a_word_wherever_jieba_cuts() -> None:
    assert {"申请", "请退", "退款", "款项", "项目"} <= set(words("申请退款项目").split())


def test_a_text_too_long_for_an_index_is_kept_and_found_by_its_beginning(
    projector: Projector, house: House
) -> None:
    house.says("wang", "开头 " + "甲乙丙丁" * 250_000)
    house.says("wang", "x" * 1_000_000)
    catch_up(projector)
    with projector.views.read() as connection:
        (found,) = of_customer(connection, house.customer("wang"), Filters(text="开头"))
        assert len(found.text or "") == 1_000_003
        assert len(everywhere(connection, Filters(text="x" * 1_000_000))) == 1


def test_a_delivery_of_a_broadcast_shows_and_is_found_by_its_text(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    sale = BroadcastId("b1")
    house.do(
        DraftBroadcast(
            broadcast=sale, audience=AudienceKind.ALL, text=Personal("双十一大促"), not_before=house.now
        )
    )
    house.plans("wang", text=None, broadcast=sale)
    catch_up(projector)
    with projector.views.read() as connection:
        (found,) = everywhere(connection, Filters(text="大促"))
    assert (found.kind, found.text, found.broadcast) == (Kind.DELIVERY, "双十一大促", sale)


def test_a_delivery_shows_the_text_that_left_and_is_found_by_the_one_that_was_planned(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    planned = house.plans("wang", "亲爱的 {{ name }}，双十一大促")
    catch_up(projector)
    house.claims(planned, rendered="亲爱的 小王，双十一大促")
    catch_up(projector)
    with projector.views.read() as connection:
        (found,) = everywhere(connection, Filters(text="大促"))
        (known,) = delivery(connection, planned)
    assert found.text == "亲爱的 小王，双十一大促"
    assert known.text == "亲爱的 小王，双十一大促"


async def test_history_shows_what_the_contact_has_seen(projector: Projector, house: House) -> None:
    first = house.says("wang", "helo")
    asked_at = house.now
    house.edits("wang", first, "hello")
    answer = house.plans("wang", "which size?", choices=Personal([["S", "size:s"], ["M", "size:m"]]))
    house.sends(answer)
    house.plans("wang", "planned only")
    lost = house.plans("wang", "nobody knows")
    house.claims(lost)
    house.do(LoseTrackOfDelivery(delivery=lost, attempt=1, reason=Slug("timeout")))
    house.says("wang", "not here", group="tea")
    house.receive("wang", Message(text="M"))
    waiting = asyncio.create_task(TimelineHistory(projector).recent(house.contact("wang"), 10))
    await asyncio.to_thread(catch_up, projector)
    last = next(
        recorded for recorded in reversed(house.everything()) if recorded.type == "message-received/1"
    )
    assert await waiting == [
        Said(id=first, at=asked_at, by_customer=True, text="hello"),
        Said(
            id=answer,
            at=asked_at + timedelta(seconds=1),
            by_customer=False,
            text="which size?",
            choices=((("S", "size:s"),), (("M", "size:m"),)),
        ),
        Said(id=last.id, at=house.now, by_customer=True, text="M"),
    ]
    assert [said.text for said in await TimelineHistory(projector).recent(house.contact("wang"), 1)] == ["M"]


async def test_history_that_cannot_be_current_says_so(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    with pytest.raises(StoreUnavailable, match="the views are behind"):
        await TimelineHistory(projector, timeout_s=0.01).recent(house.contact("wang"), 10)


def test_what_people_do_beside_writing_is_told_and_what_is_for_machines_is_not(
    projector: Projector, house: House
) -> None:
    door = Slug("door-2")
    done: tuple[Content, ...] = (
        Reachability(reachable=True, source=door),
        Reachability(reachable=True),
        Act(action=Slug("scanned"), data={"scene": "Door-2"}, source=door),
        Act(action=Slug("opened-link"), data={"url": "https://shop.example/new"}),
        Act(action=Slug("opened-mini-program"), data={"url": "pages/tea"}),
        Act(action=Slug("chose-subscription"), data={"choices": [{"template": "t1", "choice": "accept"}]}),
        Act(action=Slug("reported-place"), data={"latitude": 31.2, "longitude": 121.5}),
        Press(data="say:几点开门", query=""),
    )
    for content in done:
        house.receive("wang", content)
    catch_up(projector)
    kinds = frozenset({Kind.FOLLOWED, Kind.SCANNED, Kind.OPENED, Kind.CHOSE, Kind.BUTTON})
    with projector.views.read() as connection:
        shown = of_contact(connection, house.contact("wang"), Filters(kinds=kinds))
        assert [(entry.kind, entry.value, entry.text) for entry in shown] == [
            (Kind.FOLLOWED, "door-2", None),
            (Kind.SCANNED, "door-2", None),
            (Kind.OPENED, "opened-link", "https://shop.example/new"),
            (Kind.OPENED, "opened-mini-program", "pages/tea"),
            (Kind.CHOSE, "chose-subscription", "t1: accept"),
            (Kind.BUTTON, None, "几点开门"),
        ]
        assert texts(everywhere(connection, Filters(text="开门"))) == ["几点开门"]


async def test_what_was_taken_back_is_in_no_history_any_more_and_stays_in_the_timeline(
    house: House, projector: Projector
) -> None:
    house.says("wang", "hi")
    sent = house.plans("wang", "hello")
    house.sends(sent)
    house.do(AskRecall(delivery=sent))
    house.do(EndRecall(delivery=sent))
    catch_up(projector)
    assert [said.text for said in await TimelineHistory(projector).recent(house.contact("wang"), 10)] == [
        "hi"
    ]
    with projector.views.read() as connection:
        entries = of_contact(connection, house.contact("wang"), TALK)
    assert texts(entries) == ["hi", "hello"]
    assert entries[-1].states[-1].reason == "recalled"
