import pytest
import regex
from aiogram.methods import SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from hypothesis import example, given
from hypothesis import strategies as st

from channels.telegram.render import call, send_message, shortened
from domain.errors import PermanentFailure
from domain.identity import Party, ProviderMessageId, Slug
from domain.ports.messenger import Card, Outbound
from tests.channels.telegram.harness import address

MEI = address(7)
GRAPHEMES = st.sampled_from(
    ["a", " ", "\n", "您", "é", "e\u0301", "😀", "👩🏽‍🚀", "👨‍👩‍👧‍👦", "🇨🇳", "각", "\r\n", "ש"]
)
TEXTS = st.lists(GRAPHEMES, max_size=40).map("".join) | st.text(st.characters(codec="utf-8"))


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_a_plain_text_is_a_call_without_markup() -> None:
    assert send_message(Outbound("d1", MEI, "1 < 2 *really*")) == SendMessage(
        chat_id=7, text="1 < 2 *really*", parse_mode=None
    )


def test_an_answer_in_a_topic_names_both_and_goes_even_if_the_message_is_gone() -> None:
    group = address(-1005, Party.GROUP)
    outbound = Outbound("d1", group, "yes", reply_to=ProviderMessageId("11"), thread=Slug("3"))
    assert send_message(outbound) == SendMessage(
        chat_id=-1005,
        text="yes",
        message_thread_id=3,
        reply_parameters=ReplyParameters(message_id=11, allow_sending_without_reply=True),
        parse_mode=None,
    )


def test_choices_are_buttons_and_a_wide_row_is_broken() -> None:
    wide = tuple((str(number), f"n:{number}") for number in range(10))
    buttons = [InlineKeyboardButton(text=label, callback_data=data) for label, data in wide]
    yes = InlineKeyboardButton(text="是", callback_data="y" * 64)
    method = send_message(Outbound("d1", MEI, "?", choices=((("是", "y" * 64),), wide)))
    assert method.reply_markup == InlineKeyboardMarkup(inline_keyboard=[[yes], buttons[:8], buttons[8:]])


@pytest.mark.parametrize(
    "choices, reason",
    [
        (((("Yes", "y" * 65),),), "choice-too-long"),
        (((("Yes", "是" * 22),),), "choice-too-long"),
        (((("Yes", ""),),), "choice-too-long"),
        (tuple((("Yes", "y"),) for _ in range(101)), "too-many-choices"),
    ],
)
def test_choices_that_telegram_cannot_carry_are_never_cut(
    choices: tuple[tuple[tuple[str, str], ...], ...], reason: str
) -> None:
    with pytest.raises(PermanentFailure) as failure:
        _ = send_message(Outbound("d1", MEI, "?", choices=choices))
    assert (failure.value.reason, failure.value.unreachable) == (reason, False)


@pytest.mark.parametrize("external_id", ["@mei", "", "7.0", "9" * 30, "７"])
def test_an_address_of_another_provider_is_refused(external_id: str) -> None:
    to = type(MEI)(MEI.party, MEI.channel, MEI.account, external_id)
    with pytest.raises(PermanentFailure) as failure:
        _ = send_message(Outbound("d1", to, "hello"))
    assert failure.value.reason == "no-telegram-address"


def test_a_text_that_telegram_would_refuse_for_its_characters_is_cleaned() -> None:
    assert send_message(Outbound("d1", MEI, "a\x00b\ud800c")).text == "a\ufffdb\ufffdc"


def test_a_text_of_exactly_the_limit_is_sent_whole() -> None:
    assert send_message(Outbound("d1", MEI, "😀" * 2048)).text == "😀" * 2048
    assert send_message(Outbound("d1", MEI, "😀" * 2048 + "!")).text == "😀" * 2047 + "…"


@given(text=TEXTS, limit=st.integers(1, 60))
@example(text="e" + "\u0301" * 99, limit=20)
def test_a_shortened_text_is_within_the_limit_and_made_of_whole_graphemes(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert units(short) <= limit
    if units(text) <= limit:
        assert short == text
        return
    kept = short.removesuffix("…")
    assert short == kept + "…"
    assert text.startswith(kept)
    graphemes = regex.findall(r"\X", text)
    beginnings = {"".join(graphemes[:count]).rstrip() for count in range(len(graphemes) + 1)}
    assert kept in beginnings


@given(text=TEXTS, limit=st.integers(1, 60))
def test_nothing_that_would_fit_is_cut_off(text: str, limit: int) -> None:
    if units(text) <= limit:
        return
    kept = shortened(text, limit).removesuffix("…")
    graphemes = regex.findall(r"\X", text)
    longest = ""
    for grapheme in graphemes:
        if units(longest + grapheme) > limit - 1:
            break
        longest += grapheme
    assert kept == longest.rstrip()


def test_links_are_buttons_that_open_something_below_the_choices() -> None:
    outbound = Outbound(
        "d1", MEI, "new", ((("No", "no"),),), links=((("Look", "https://tea.example/new?a=1&b=2"),),)
    )
    assert send_message(outbound).reply_markup == InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text="No", callback_data="no")],
            [InlineKeyboardButton(text="Look", url="https://tea.example/new?a=1&b=2")],
        ]
    )


def test_a_card_is_lines_of_the_text() -> None:
    outbound = Outbound("d1", MEI, "new", card=Card("Tea", "https://tea.example", "Picked in June"))
    assert call(outbound) == SendMessage(
        chat_id=7, text="new\nTea\nPicked in June\nhttps://tea.example", parse_mode=None
    )
