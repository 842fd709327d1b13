from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.identity import KeyedHash, category, stream
from domain.message import FORGOTTEN, Personal, Raw
from tests.domain.controls.events import MESSAGE_RECEIVED

parts = st.lists(st.text(st.characters()), max_size=4)


@given(st.text(min_size=4))
def test_what_is_personal_is_never_printed(text: str) -> None:
    personal = Personal(text)
    printed = [
        repr(personal),
        str(personal),
        f"{personal}",
        f"{personal!r:>5}",
        "%s" % (personal,),  # noqa: UP031  # one more way to print
        str([personal]),
    ]
    assert set(printed[:-1]) == {"Personal(...)"}
    assert printed[-1] == "[Personal(...)]"


def test_an_event_shows_neither_its_text_nor_its_payload() -> None:
    printed = repr(replace(MESSAGE_RECEIVED, text=Personal("秘密"), raw=Raw(b"secret")))
    assert "text=Personal(...)" in printed
    assert "raw=Raw(...)" in printed


def test_personal_values_are_equal_by_what_they_hold() -> None:
    assert Personal("a") == Personal.sealed(lambda: "a")
    assert hash(Personal("a")) == hash(Personal.sealed(lambda: "a"))
    assert Personal("a") != Personal("b")
    assert Personal("a") != "a"
    assert Raw(b"a") == Raw.sealed(lambda: b"a")
    assert hash(Raw(b"a")) == hash(Raw.sealed(lambda: b"a"))
    assert Raw(b"a") != b"a"


@pytest.mark.parametrize("value", [{"a": 1, "b": [2]}, [["yes", "no"]], "text"])
def test_equal_values_have_equal_hashes_in_whatever_order_they_were_written(value: object) -> None:
    turned = dict(reversed(value.items())) if isinstance(value, dict) else value
    assert Personal(value) == Personal(turned)
    assert hash(Personal(value)) == hash(Personal(turned))


def test_a_sealed_value_is_opened_once_and_only_when_it_is_read() -> None:
    opened: list[str] = []

    def unseal() -> str:
        opened.append("now")
        return "plain"

    personal = Personal.sealed(unseal)
    assert (repr(personal), opened) == ("Personal(...)", [])
    assert [personal.value, personal.value] == ["plain", "plain"]
    assert opened == ["now"]


def test_what_cannot_be_opened_now_can_be_later() -> None:
    answers = iter([None, "plain"])

    def unseal() -> str:
        answer = next(answers)
        if answer is None:
            raise OSError("the vault is away")
        return answer

    personal = Personal.sealed(unseal)
    with pytest.raises(OSError, match="away"):
        _ = personal.value
    assert personal.value == "plain"


def test_what_was_forgotten_reads_as_forgotten() -> None:
    assert Personal.sealed(lambda: FORGOTTEN).value == "[forgotten]"
    assert Raw.sealed(lambda: b"").value == b""


@given(parts, parts)
def test_keyed_hashes_are_equal_for_equal_parts_only(first: list[str], second: list[str]) -> None:
    digest = KeyedHash(b"secret")
    assert (digest(*first) == digest(*second)) is (first == second)


def test_a_keyed_hash_depends_on_its_secret_and_on_where_parts_end() -> None:
    digest = KeyedHash(b"secret")
    assert digest("a", "bc") != digest("ab", "c")
    assert digest("a") != digest("a", "")
    assert digest("1:a") != digest("a")
    assert digest("a") != KeyedHash(b"other")("a")
    assert digest("\ud800") != digest("\ud801")


def test_a_keyed_hash_is_the_same_for_ever() -> None:
    """Streams are named by it: another value would let everything happen once more."""
    assert KeyedHash(b"secret")("inbound", "telegram", "7001", "1") == GOLDEN


GOLDEN = "9bfbcca4f4a2d889cdfa6fa6f3cdc564"


def test_a_stream_is_named_by_its_category_and_key() -> None:
    assert stream("contact", "a-b") == "contact-a-b"
    assert category("contact-a-b") == "contact"
