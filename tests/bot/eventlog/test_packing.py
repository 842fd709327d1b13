import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.eventlog.packing import CATEGORIES, VERSION_DIGITS, WORDS, pack, unpack
from tests.bot.eventlog.any_event import IDS, NAMES

OWN = "0193a1b2c3d4e5f60718293a4b5c6d7e"
OTHER = "14a01bcd05a9bdbe55da7cd2bfec6acc"


def through(text: str, own: str) -> str:
    packed = pack(text, own)
    return packed if isinstance(packed, str) else unpack(packed, own)


@given(text=NAMES, own=NAMES | st.just(""))
def test_every_code_and_id_comes_back_as_it_was(text: str, own: str) -> None:
    assert through(text, own) == text


@given(
    own=IDS | st.text("0123456789abcdef-@", min_size=1, max_size=34),
    category=st.sampled_from([*CATEGORIES, "no-such", ""]),
    rest=st.sampled_from(
        ["", "@", "@0", "@1", "@01", "@256", "@1x", "-", "@٣", f"@{10**16}", "@" + "9" * 5_000]
    ),
)
def test_what_looks_like_an_id_comes_back_as_it_was(own: str, category: str, rest: str) -> None:
    for text in (own, f"{category}-{own}", f"{category}-{own}{rest}", f"{own}{rest}", own.upper()):
        assert through(text, own) == text
        assert through(text, OTHER) == text


@pytest.mark.parametrize(
    "text, size",
    [
        (OWN, 0),
        (f"delivery-{OWN}", 1),
        (f"delivery-{OWN}@3", 2),
        (f"delivery-{OWN}@300", 3),
        (OTHER, 16),
        (f"contact-{OTHER}", 17),
        (f"contact-{OTHER}@1", 18),
        (f"contact-{OTHER}@{10**VERSION_DIGITS - 1}", 24),
        *((word, 1) for word in WORDS),
    ],
)
def test_what_is_said_again_and_again_takes_few_bytes(text: str, size: int) -> None:
    packed = pack(text, OWN)

    assert isinstance(packed, bytes)
    assert len(packed) == size


@pytest.mark.parametrize("packed", [b"\xff", b"\x7f", b"\x7f" * 17])
def test_a_word_of_a_later_siyu_is_not_known(packed: bytes) -> None:
    with pytest.raises(IndexError):
        unpack(packed, OWN)
