import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.policies.text import REPLACEMENT, folded, normalised, normalised_details, without_mentions

anything = st.text(st.characters())
marks = st.sampled_from(["\0", "\ud800", "\udfff", "\u0301", "e", "\u200b"])
ugly = st.text(st.one_of(st.characters(), marks))
trees = st.recursive(
    st.one_of(ugly, st.integers(), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ugly, inner, max_size=3)),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("hello", "hello"),
        ("a\0b", "a\ufffdb"),
        ("茶\0", "茶\ufffd"),
        ("\ud83d", "\ufffd"),
        ("x\ude00y", "x\ufffdy"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("cafe\u0301", "café"),
        ("שלום\u200f", "שלום\u200f"),
        ("  ", "  "),
    ],
)
def test_only_what_a_store_stumbles_over_is_replaced(text: str, expected: str) -> None:
    assert normalised(text) == expected


@given(ugly)
def test_the_result_can_be_stored_anywhere_and_is_final(text: str) -> None:
    result = normalised(text)
    assert "\0" not in result
    assert result.encode("utf8").decode("utf8") == result
    assert unicodedata.is_normalized("NFC", result)
    assert normalised(result) == result


@given(st.text())
def test_clean_text_in_nfc_is_left_alone(text: str) -> None:
    clean = unicodedata.normalize("NFC", text.replace("\0", ""))
    assert normalised(clean) == clean


@given(st.dictionaries(ugly, trees, max_size=3))
def test_details_keep_their_shape_and_lose_what_cannot_be_stored(details: dict[str, object]) -> None:
    result = normalised_details(details)
    assert "\\u0000" not in ascii(result)
    repr(result).encode("utf8")
    assert normalised_details(result) == result


def test_details_are_normalised_all_the_way_down() -> None:
    details = {"name": "a\0", "parts": [{"x\0": "\ud800", "n": 1}], "ok": True, "size": None}
    assert normalised_details(details) == {
        "name": f"a{REPLACEMENT}",
        "parts": [{f"x{REPLACEMENT}": REPLACEMENT, "n": 1}],
        "ok": True,
        "size": None,
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("ＳＴＯＰ", "stop"),
        ("  Stop\u3000", "stop"),
        ("st\u200bo\ufeffp", "stop"),
        ("\u202eSTOP\u202c", "stop"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("退\u200b订", "退订"),
    ],
)
def test_what_is_compared_does_not_depend_on_looks(text: str, expected: str) -> None:
    assert folded(text) == expected


@given(anything)
def test_outer_blanks_and_invisible_characters_do_not_count(text: str) -> None:
    assert folded(f" \u200b{text}\u2060\u3000") == folded(text)


@pytest.mark.parametrize(
    "said, asked",
    [
        ("@shop_bot 帮助", "帮助"),
        ("帮助 @shop_bot", "帮助"),
        ("＠shop_bot @other  help", "help"),
        ("ask @shop_bot about tea", "ask @shop_bot about tea"),
        ("mail me: ann@shop.example", "mail me: ann@shop.example"),
        ("@shop_bot", ""),
    ],
)
def test_calling_somebody_is_not_what_is_said(said: str, asked: str) -> None:
    assert without_mentions(said) == asked
