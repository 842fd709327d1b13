"""Arguments: options, quotations, and signs that keyboards turn into others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.arguments import NoSuchValue, argument, first_word, option, quoted, value, words_of


@pytest.mark.parametrize(
    "text, expected",
    [
        ("--at 10:00 hi", ("at", "10:00 hi")),
        ("—at 10:00 hi", ("at", "10:00 hi")),
        ("–at 10:00 hi", ("at", "10:00 hi")),
        ("——at 10:00 hi", ("at", "10:00 hi")),
        ("－－at 10:00 hi", ("at", "10:00 hi")),
        ("--AT 10:00", ("at", "10:00")),
        ("--at=10:00 hi", ("at", "10:00 hi")),
        ("--every=“mon 10:00” hi", ("every", "“mon 10:00” hi")),
        ("--even-at-night hi", ("even-at-night", "hi")),
        ("-- hi", None),
        ("— said she", None),
        ("-at 10:00", None),
        ("hi --at 10:00", None),
        ("--10", None),
        ("", None),
    ],
)
def test_options_are_read_at_the_start_however_the_dash_came_out(
    text: str, expected: tuple[str, str] | None
) -> None:
    assert option(text) == expected


@pytest.mark.parametrize(
    "word, expected",
    [
        ("＃1042", "#1042"),
        ("tag：vip", "tag:vip"),
        ("＠wang", "@wang"),
        ("—yes", "--yes"),
        ("a—b", "a--b"),
        ("茶", "茶"),
    ],
)
def test_full_width_signs_count_as_plain_ones(word: str, expected: str) -> None:
    assert argument(word) == expected


def test_the_rest_behind_a_word_is_left_as_it_was_typed() -> None:
    assert first_word("群：tea  价格：100 — 元\nzwei") == ("群:tea", "价格：100 — 元\nzwei")


def test_words_are_counted_from_the_front() -> None:
    assert words_of("Li  Lei\nhello there", 3) == [
        ("Li", "Lei\nhello there"),
        ("Li Lei", "hello there"),
        ("Li Lei hello", "there"),
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        ('"mon 10:00" hi', ("mon 10:00", "hi")),
        ("“每周一 10点” 您好", ("每周一 10点", "您好")),
        ("「每天10点」您好", ("每天10点", "您好")),
        ('"open', None),
        ("plain", None),
    ],
)
def test_quotations_of_every_kind_are_read(text: str, expected: tuple[str, str] | None) -> None:
    assert quoted(text) == expected


def _even(said: str) -> int | None:
    return len(said.split()) if len(said.split()) % 2 == 0 else None


def test_a_value_takes_as_many_words_as_still_read_as_one() -> None:
    assert value("a b c", _even, "{value}?") == (2, "c")


def test_a_value_that_cannot_be_read_is_complained_about_by_its_first_word() -> None:
    with pytest.raises(NoSuchValue, match=r"^soon is no time$"):
        value("soon enough", lambda _: None, "{value} is no time")


@given(st.text())
def test_every_reader_takes_any_text(text: str) -> None:
    words_of(text)
    first_word(text)
    assert quoted(text) is None or len(quoted(text) or ()) == 2
    found = option(text)
    assert found is None or text.endswith(found[1])
