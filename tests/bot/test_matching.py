"""Patterns of rules: what they match, and that none of them takes the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching import MAX_PATTERN_CHARS, matches, regex_fault
from domain.rules.events import Match

EVIL = ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]


@pytest.mark.parametrize(
    "match,pattern,text,expected",
    [
        (Match.ANY, "", "whatever", True),
        (Match.EXACT, "Price", "ｐｒｉｃｅ", True),
        (Match.EXACT, "price", "the price", False),
        (Match.CONTAINS, "多少", "请问多少钱", True),
        (Match.CONTAINS, "PRICE", "the price?", True),
        (Match.CONTAINS, "price", "cost", False),
        (Match.REGEX, r"^(price|价格)[?？]*$", "价格？？", True),
        (Match.REGEX, r"^(PRICE|价格)$", "price", True),
        (Match.REGEX, r"\bvip\b", "my vipers", False),
        (Match.REGEX, r"\d{3}", "１２３", True),
        (Match.REGEX, "tea.cake", "tea\ncake", False),
    ],
)
def test_width_and_case_do_not_count(match: Match, pattern: str, text: str, expected: bool) -> None:
    assert matches(match, pattern, text) is expected


@pytest.mark.parametrize(
    "pattern,fault",
    [
        ("^ok$", None),
        ("(", "missing ): ("),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(?=a)", "invalid perl operator: (?="),
        ("((a{100}){100}){100}", "invalid repetition size: {100}"),
        ("a" * (MAX_PATTERN_CHARS + 1), f"longer than {MAX_PATTERN_CHARS} characters"),
        ("\ud800", "it holds what is no text"),
    ],
)
def test_a_bad_expression_is_explained_in_one_line_and_matches_nothing(
    pattern: str, fault: str | None
) -> None:
    assert regex_fault(pattern) == fault
    assert matches(Match.REGEX, pattern, "ok") is (fault is None)


def test_an_expression_that_would_fill_the_memory_is_refused() -> None:
    assert regex_fault(r"(?:[^\x00-\x{10FFFE}]|\pL|.{900})" * 30) is not None
    assert regex_fault(r"(\pL{30}){30}") is not None


@pytest.mark.parametrize("pattern", EVIL)
def test_expressions_that_backtrack_without_end_elsewhere_are_answered_here(pattern: str) -> None:
    assert matches(Match.REGEX, pattern, "a" * 100_000 + "!") is False


@given(st.sampled_from(Match), st.text(max_size=30), st.text(max_size=30))
def test_no_pattern_and_no_text_raises(match: Match, pattern: str, text: str) -> None:
    assert matches(match, pattern, text) in {True, False}


@given(st.text(st.characters(), max_size=20))
def test_half_characters_match_as_a_question_mark_and_never_raise(text: str) -> None:
    assert matches(Match.REGEX, "^", f"{text}\ud800") is True
    assert matches(Match.REGEX, "\ud800", text) is False


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_text_contains_and_equals_itself(text: str) -> None:
    assert matches(Match.EXACT, text, text)
    assert matches(Match.CONTAINS, text, f"a {text} b") or not text.strip()
