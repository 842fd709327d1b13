"""What every channel promises, over its own protocol. A new channel: one harness class, and its name in HARNESSES."""

from collections.abc import AsyncIterator

import pytest

from domain.conversations.events import MessageReceived, UpdateNotUnderstood
from domain.errors import OutcomeUnknown, Overloaded, PermanentFailure, StoreUnavailable, TemporaryFailure
from domain.identity import Slug
from domain.message import Personal
from domain.ports.messenger import Outbound
from tests.channels.harness import ChannelHarness, Shown
from tests.channels.house import House, until
from tests.channels.memory.harness import MemoryHarness
from tests.channels.telegram.harness import TelegramHarness, TelegramWebhookHarness
from tests.channels.webchat.harness import WebChatHarness
from tests.channels.wechat.harness import WeChatHarness

HARNESSES: tuple[type[ChannelHarness], ...] = (
    MemoryHarness,
    TelegramHarness,
    TelegramWebhookHarness,
    WebChatHarness,
    WeChatHarness,
)
FAULTS = [(harness, fault) for harness in HARNESSES for fault in harness.FAULTS]

FAMILY = "👨‍👩‍👧‍👦"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture(params=HARNESSES, ids=lambda harness: harness.__name__)
async def channel(request: pytest.FixtureRequest, house: House) -> AsyncIterator[ChannelHarness]:
    harness: type[ChannelHarness] = request.param
    async with harness.open(house) as channel:
        yield channel


def texts(house: House) -> list[str]:
    return [message.text.value for message in house.events(MessageReceived)]


async def all_taken(channel: ChannelHarness) -> None:
    await until(lambda: channel.waiting() == 0)


async def test_what_customers_say_goes_in_in_their_order(channel: ChannelHarness, house: House) -> None:
    for number in range(5):
        channel.says(f"message {number}")
    await all_taken(channel)
    assert texts(house) == [f"message {number}" for number in range(5)]


async def test_a_message_handed_in_twice_goes_in_once(channel: ChannelHarness, house: House) -> None:
    house.lost_answers = 2
    channel.says("hello")
    await all_taken(channel)
    assert [one.content for one in house.handed_in] == [house.handed_in[0].content] * 3
    assert len({one.key for one in house.handed_in}) == 1
    assert texts(house) == ["hello"]


async def test_nothing_is_taken_from_the_provider_before_it_is_committed(
    channel: ChannelHarness, house: House
) -> None:
    house.gate.clear()
    channel.says("hello")
    await until(lambda: house.handed_in)
    assert (channel.waiting(), house.log.head()) == (1, 0)
    house.gate.set()
    await all_taken(channel)
    assert texts(house) == ["hello"]


async def test_what_the_house_cannot_take_comes_again(channel: ChannelHarness, house: House) -> None:
    # WeChat comes three times in all.
    house.failures = [StoreUnavailable("disk full"), Overloaded("too much")]
    channel.says("hello")
    await all_taken(channel)
    assert (texts(house), house.failures) == (["hello"], [])


async def test_what_nobody_understands_is_recorded_and_the_rest_goes_on(
    channel: ChannelHarness, house: House
) -> None:
    channel.does_something_unknown()
    channel.says("hello")
    await all_taken(channel)
    assert [(one.channel, one.reason) for one in house.events(UpdateNotUnderstood)] == [
        (Slug(channel.adapter.channel), Slug("unknown-kind"))
    ]
    assert texts(house) == ["hello"]


async def test_texts_with_anything_in_them_are_recorded(channel: ChannelHarness, house: House) -> None:
    channel.says("您好 👩🏽‍🚀 שלום\u200f \u202eevil")
    await all_taken(channel)
    assert [message.text for message in house.events(MessageReceived)] == [
        Personal("您好 👩🏽‍🚀 שלום\u200f \u202eevil")
    ]


async def test_a_message_is_sent_and_shown(channel: ChannelHarness) -> None:
    first, second = [
        await channel.adapter.messenger.send(Outbound(key, channel.customer, text))
        for key, text in (("d1", "您好"), ("d2", "hello"))
    ]
    assert channel.shown() == [Shown("您好"), Shown("hello")]
    assert first is None or first != second  # WeChat gives no id


async def test_choices_are_shown_below_a_message(channel: ChannelHarness) -> None:
    choices = ((("Yes", "yes:1"), ("No", "no:1")), (("Later", "later:1"),))
    await channel.adapter.messenger.send(Outbound("d1", channel.customer, "Sure?", choices))
    assert channel.shown() == [Shown("Sure?", choices)]


async def test_a_text_beyond_the_limit_is_cut_between_graphemes(channel: ChannelHarness) -> None:
    limits = channel.adapter.limits
    # A family has 11 UTF-16 code units, or 25 bytes.
    limit, size, mark = (limits.text_bytes, 25, 3) if limits.text_bytes else (limits.text_units, 11, 1)
    length = (limit or 10_000) // size + 1
    await channel.adapter.messenger.send(Outbound("d1", channel.customer, FAMILY * length))
    (shown,) = channel.shown()
    families = shown.text.count(FAMILY)
    if limit:
        assert shown.text == FAMILY * families + "…"
        assert limit - size < families * size + mark <= limit
    else:
        assert families == length


@pytest.mark.parametrize("harness,fault", FAULTS, ids=lambda value: getattr(value, "__name__", value))
async def test_whatever_a_send_meets_ends_in_an_answer_or_one_of_three_errors(
    harness: type[ChannelHarness], fault: str, house: House
) -> None:
    async with harness.open(house) as channel:
        channel.breaks(fault)
        outcome: object
        try:
            outcome = await channel.adapter.messenger.send(Outbound("d1", channel.customer, "hello"))
        except (TemporaryFailure, PermanentFailure, OutcomeUnknown) as failure:
            outcome = failure
        reached = len(channel.shown())
        match outcome:
            case TemporaryFailure() | PermanentFailure():
                assert reached == 0
            case OutcomeUnknown():
                assert reached <= 1
            case _:
                assert reached == 1
