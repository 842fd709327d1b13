"""Who may connect channels on the page."""

from dataclasses import dataclass

import pytest

from bot.connect.admission import (
    KEY_LIVES_S,
    KEYS_MAX,
    SESSION_LIVES_S,
    Admission,
    form_token,
    is_form_token,
)
from bot.connect.document import is_our_host


@dataclass(slots=True)
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def entered(admission: Admission, key: str) -> str:
    session = admission.enter(key)
    assert session is not None
    return session


def test_a_key_opens_one_session_once() -> None:
    admission = Admission(Clock())
    key = admission.new_key()
    session = entered(admission, key)
    assert (admission.knows(session), admission.enter(key), admission.enter("")) == (True, None, None)
    assert not admission.knows(key)
    assert not admission.knows(None)


def test_a_key_lives_a_quarter_of_an_hour_and_a_session_two_hours() -> None:
    clock = Clock()
    admission = Admission(clock)
    late, key = admission.new_key(), admission.new_key()
    session = entered(admission, key)
    clock.at = KEY_LIVES_S
    assert admission.enter(late) is None
    clock.at = SESSION_LIVES_S - 1
    assert admission.knows(session)
    clock.at = SESSION_LIVES_S
    assert not admission.knows(session)


def test_only_so_many_keys_are_good_at_once_and_the_oldest_go_first() -> None:
    admission = Admission(Clock())
    keys = [admission.new_key() for _ in range(KEYS_MAX + 1)]
    assert [admission.enter(key) is not None for key in (keys[0], keys[1], keys[-1])] == [False, True, True]


def test_a_page_of_another_session_has_another_form_token() -> None:
    assert is_form_token("one", form_token("one"))
    assert not is_form_token("one", form_token("two"))
    assert not is_form_token("one", "é")


@pytest.mark.parametrize(
    "host,ours",
    [
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("192.168.1.5", True),
        ("localhost:8000", True),
        ("shop.example", True),
        ("shop.example:443", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("shop.example.evil.example", False),
        ("", False),
        (None, False),
        ("[", False),
    ],
)
def test_a_host_is_ours_by_its_public_name_or_by_no_name(host: str | None, ours: bool) -> None:
    assert is_our_host(host, "https://shop.example") is ours
