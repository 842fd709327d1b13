"""The code comes into everything that a recipient sees, and into nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.plan import CODE_MARK
from domain.identity import Account, Address, Channel, Party
from domain.ports.messenger import Form, Outbound
from scheduler.codes import is_coded, with_code

TO = Address(Party.CONTACT, Channel("telegram"), Account("42"), f"7{CODE_MARK}")
PLAIN = Outbound(key=f"d{CODE_MARK}", to=TO, text="春茶上新", choices=((("好", "yes"),),))


def test_each_place_is_filled() -> None:
    coded = replace(
        PLAIN,
        text=f"{CODE_MARK} / {CODE_MARK}",
        choices=((("好", "yes"),), ((f"用 {CODE_MARK}", f"use {CODE_MARK}"),)),
        form=Form(id="t1", fields=(("thing1", CODE_MARK),), url=f"https://shop.example/?c={CODE_MARK}"),
    )
    assert is_coded(coded)
    assert with_code(coded, "TEA-1") == replace(
        PLAIN,
        text="TEA-1 / TEA-1",
        choices=((("好", "yes"),), (("用 TEA-1", "use TEA-1"),)),
        form=Form(id="t1", fields=(("thing1", "TEA-1"),), url="https://shop.example/?c=TEA-1"),
    )


def test_a_message_without_a_place_stays_as_it_is() -> None:
    assert not is_coded(PLAIN)
    assert with_code(PLAIN, "TEA-1") == PLAIN


def test_a_form_that_it_may_go_out_in_counts_too() -> None:
    assert is_coded(PLAIN, [Form(id="t1", fields=(("thing1", CODE_MARK),))])
    assert not is_coded(PLAIN, [Form(id="t1", fields=(("thing1", "tea"),))])


@given(st.text(), st.text(st.characters(exclude_characters=CODE_MARK)))
def test_nothing_is_left_to_fill(text: str, code: str) -> None:
    for choices in ((), (((text, CODE_MARK + text),),)):
        filled = with_code(replace(PLAIN, text=text + CODE_MARK, choices=choices), code)
        assert not is_coded(filled)
        assert filled.text == (text + CODE_MARK).replace(CODE_MARK, code)
