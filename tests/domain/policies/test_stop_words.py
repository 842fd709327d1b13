import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.identity import Slug
from domain.policies.stop_words import START_WORDS, STOP_WORDS, StopWords, Wish

WORDS = StopWords.of()
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e"


def disguised(word: str) -> st.SearchStrategy[str]:
    """The word as people and phones write it: any case, full width, blanks around it, invisible characters in it."""

    def character(c: str) -> st.SearchStrategy[str]:
        forms = [c.lower(), c.upper()]
        if c.isascii() and c.isalpha():
            forms += [chr(ord(form) + 0xFEE0) for form in forms]
        return st.tuples(st.sampled_from(forms), st.text(INVISIBLE, max_size=2)).map("".join)

    blanks = st.text(" \t\n\u3000", max_size=2)
    return st.tuples(blanks, *map(character, word), blanks).map("".join)


@given(st.sampled_from(STOP_WORDS).flatmap(disguised))
def test_a_stop_word_is_one_however_it_is_written(text: str) -> None:
    assert WORDS.wish(text) is Wish.STOP


@given(st.sampled_from(START_WORDS).flatmap(disguised))
def test_a_start_word_is_one_however_it_is_written(text: str) -> None:
    assert WORDS.wish(text) is Wish.START


@pytest.mark.parametrize(
    "text, wish",
    [
        ("t", Wish.STOP),
        ("Ｔ", Wish.STOP),
        ("T恤", Wish.NONE),
        ("T T", Wish.NONE),
        ("that", Wish.NONE),
        ("std", Wish.NONE),
        ("td1", Wish.NONE),
        ("TD 谢谢", Wish.MENTIONS_STOP),
        ("回复TD退订", Wish.MENTIONS_STOP),
        ("我要退订酒店", Wish.MENTIONS_STOP),
        ("退订。", Wish.MENTIONS_STOP),
        ("please STOP!", Wish.MENTIONS_STOP),
        ("nonstop", Wish.NONE),
        ("stopp", Wish.NONE),
        ("ＳＴＯＰ　ｉｔ", Wish.MENTIONS_STOP),
        ("unsubscribe me", Wish.MENTIONS_STOP),
        ("退 订", Wish.NONE),
        ("restart", Wish.NONE),
        ("start again", Wish.NONE),
        ("", Wish.NONE),
        ("   ", Wish.NONE),
        ("\u200b", Wish.NONE),
        ("你好", Wish.NONE),
    ],
)
def test_only_the_whole_message_is_a_wish(text: str, wish: Wish) -> None:
    assert WORDS.wish(text) is wish


def test_words_are_configurable() -> None:
    words = StopWords.of(("Halt",), ("Los",))
    said = ["HALT", "los", "stop", "halt mal", "Haltestelle"]
    assert [words.wish(text) for text in said] == [
        Wish.STOP,
        Wish.START,
        Wish.NONE,
        Wish.MENTIONS_STOP,
        Wish.NONE,
    ]


def test_a_word_is_no_pattern() -> None:
    assert StopWords.of(("a.c",), ()).wish("abc") is Wish.NONE


def test_a_list_with_a_gap_does_not_make_silence_a_stop() -> None:
    words = StopWords.of(("退订", " ", ""), ("",))
    assert (words.wish(""), words.wish("退订"), words.wish("你好")) == (Wish.NONE, Wish.STOP, Wish.NONE)


def test_no_words_are_no_wishes() -> None:
    assert StopWords.of((), ()).wish("退订") is Wish.NONE


@given(st.text())
def test_any_text_has_a_wish(text: str) -> None:
    assert WORDS.wish(text) in Wish


# --- topics --------------------------------------------------------------------------------------------------------

NEWS, SALE = Slug("news"), Slug("sale")
ABOUT = StopWords.of(topics={NEWS: "新品", SALE: "Summer Sale"})


@pytest.mark.parametrize(
    "text, wish, topic",
    [
        ("退订 新品", Wish.STOP, NEWS),
        ("退订新品", Wish.STOP, NEWS),
        ("退订　ｎｅｗｓ", Wish.STOP, NEWS),
        ("STOP news", Wish.STOP, NEWS),
        ("/stop news", Wish.STOP, NEWS),
        ("stop  summer sale ", Wish.STOP, SALE),
        ("td 新品", Wish.STOP, NEWS),
        ("恢复订阅 新品", Wish.START, NEWS),
        ("start news", Wish.START, NEWS),
        ("退订", Wish.STOP, None),
        ("stop", Wish.STOP, None),
        ("退订酒店", Wish.MENTIONS_STOP, None),
        ("stop the news", Wish.MENTIONS_STOP, None),
        ("stopnews", Wish.NONE, None),
        ("news", Wish.NONE, None),
        ("新品", Wish.NONE, None),
        ("新品 退订", Wish.MENTIONS_STOP, None),
    ],
)
def test_a_word_with_the_name_of_a_topic_behind_it_is_about_this_topic(
    text: str, wish: Wish, topic: Slug | None
) -> None:
    assert (ABOUT.wish(text), ABOUT.topic(text)) == (wish, topic)


def test_without_known_topics_a_word_and_more_is_asked_about() -> None:
    assert WORDS.wish("退订 新品") is Wish.MENTIONS_STOP
    assert WORDS.topic("退订 新品") is None
