"""The way in, over the real house: what one chat said keeps its order, and what cannot be stored now is to come again."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.intake import way_in
from domain.conversations.commands import Chat, Message, Receive, Sender
from domain.conversations.events import MessageReceived, UpdateNotUnderstood
from domain.dispatch import MAX_TRIES
from domain.errors import BadInput, Overloaded, StoreUnavailable
from domain.identity import StreamId
from domain.message import Recorded
from domain.ports.event_log import Append, Conflict, EventLog, Outcome, Unreadable
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises

Before = Callable[[Sequence[Append]], list[Outcome] | None]


class EventfulLog:
    """A log, and what happens instead of its appends, one after the other (None: they happen); ``damaged``: a stream nobody can read."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.before: list[Before] = []
        self.damaged = ""

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """See EventLog."""
        instead = self.before.pop(0)(units) if self.before else None
        return self.log.append(units) if instead is None else instead

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        """See EventLog."""
        return {name: self._seen(name, recorded) for name, recorded in self.log.read_streams(streams).items()}

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """See EventLog."""
        return self._seen(stream, self.log.read_stream(stream, after))

    def _seen(self, name: StreamId, recorded: list[Recorded]) -> list[Recorded]:
        if name != self.damaged:
            return recorded
        return [replace(r, event=Unreadable("its key is missing")) for r in recorded]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # everything else is the log's
        return getattr(self.log, name)


def contended(units: Sequence[Append]) -> list[Outcome]:
    """Others were first."""
    return [Conflict("contact-x") for _ in units]


def away(_units: Sequence[Append]) -> list[Outcome]:
    """The store cannot be written."""
    raise StoreUnavailable("the disk is full")


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    premises = Premises(tmp_path, EventfulLog)
    yield premises
    premises.close()


@pytest.fixture
def log(premises: Premises) -> EventfulLog:
    log = premises.house.dispatcher.log
    assert isinstance(log, EventfulLog)
    return log


def message(key: int, text: str, who: str = "wang", group: str | None = None) -> Receive:
    return Receive(
        channel=TELEGRAM,
        account=BOT,
        key=str(key),
        occurred_at=NOON,
        content=Message(text=text),
        sender=Sender(external_id=who, name=who.title()),
        chat=None if group is None else Chat(external_id=group, title=group),
    )


def heard(premises: Premises) -> list[str]:
    """Texts in the log, in its order."""
    read = premises.house.log.read(0, 10_000)
    return [r.event.text.value for r in read if isinstance(r.event, MessageReceived)]


def not_understood(premises: Premises) -> list[str]:
    """Why things in the log are not understood."""
    read = premises.house.log.read(0, 10_000)
    return [r.event.reason for r in read if isinstance(r.event, UpdateNotUnderstood)]


async def test_what_one_chat_said_keeps_its_order_behind_wishes_that_come_again(premises: Premises) -> None:
    """A poll after a kill: the log drops what it has, and what looked at what that would have written is decided again."""
    intake = way_in(premises.house)
    for said in (wishes := [message(1, "hello"), message(2, "STOP"), message(3, "START")]):
        await intake([said])
    premises.house.dispatcher.forget_states()

    await intake([*wishes[1:], message(4, "STOP"), message(5, "what is new?"), message(6, "START")])

    assert heard(premises) == ["hello", "STOP", "START", "STOP", "what is new?", "START"]


async def test_a_group_keeps_the_order_of_all_who_talk_there(premises: Premises) -> None:
    texts = [f"{who} {n}" for n in range(3) for who in ("wang", "li", "zhao")]

    await way_in(premises.house)([message(n, text, text.split()[0], "tea") for n, text in enumerate(texts)])

    assert heard(premises) == texts


async def test_chats_do_not_wait_for_each_other(premises: Premises, log: EventfulLog) -> None:
    """What is handed in together is stored together: a poll of many people takes one append, not one for each of them."""
    intake = way_in(premises.house)
    appended: list[Sequence[Append]] = []
    log.before = [appended.append]

    await intake([message(n, "hello", f"customer {n}") for n in range(10)])

    assert [len(units) for units in appended] == [10]


@pytest.mark.parametrize(
    "before, refused",
    [
        ([contended] * MAX_TRIES, Overloaded),
        ([away], StoreUnavailable),
    ],
    ids=["contended", "away"],
)
async def test_what_cannot_be_stored_now_is_to_come_again_and_is_what_it_was(
    before: list[Before], refused: type[Exception], premises: Premises, log: EventfulLog
) -> None:
    intake, poll = way_in(premises.house), [message(1, "hello"), message(2, "and more")]
    log.before = list(before)

    with pytest.raises(refused):
        await intake(poll)

    assert heard(premises) == []
    await intake(poll)
    await intake(poll)
    assert heard(premises) == ["hello", "and more"]
    assert not_understood(premises) == []


@pytest.mark.parametrize(
    "then, refused",
    [([contended] * (MAX_TRIES - 1), Overloaded), ([away], StoreUnavailable)],
    ids=["contended", "away"],
)
async def test_one_chat_that_cannot_be_stored_now_stops_no_other(
    then: list[Before], refused: type[Exception], premises: Premises, log: EventfulLog
) -> None:
    intake, poll = way_in(premises.house), [message(1, "a", "wang"), message(2, "b", "wang")]
    await intake([message(9, "hello", "li")])
    log.before = [lambda units: [Conflict("x"), *log.log.append(units[1:])], *then]

    with pytest.raises(refused):
        await intake([*poll, message(3, "c", "li"), message(4, "d", "li")])

    assert heard(premises) == ["hello", "c", "d"]
    await intake([*poll, message(3, "c", "li"), message(4, "d", "li")])
    assert heard(premises) == ["hello", "c", "d", "a", "b"]
    assert not_understood(premises) == []


async def test_what_can_never_be_decided_is_kept_as_not_understood_and_stops_nothing(
    premises: Premises, log: EventfulLog
) -> None:
    """A contact whose stream is damaged: what they send is in the log all the same, with what the provider sent."""
    intake = way_in(premises.house)
    await intake([message(1, "hello")])
    log.damaged = f"contact-{premises.contact('wang')}"
    premises.house.dispatcher.forget_states()

    await intake([message(2, "again"), message(3, "and again"), message(4, "hi", "li")])

    assert heard(premises) == ["hello", "hi"]
    assert not_understood(premises) == ["undecidable", "undecidable"]


async def test_what_a_parser_got_wrong_is_refused(premises: Premises) -> None:
    nobody = Receive(channel=TELEGRAM, account=BOT, key="1", occurred_at=NOON, content=Message(text="hello"))

    with pytest.raises(BadInput, match="names nobody"):
        await way_in(premises.house)([nobody])
