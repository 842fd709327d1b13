"""What somebody said, by a message or by a button that says something for them."""

from dataclasses import replace

import pytest

from domain.conversations.said import said
from domain.message import Personal
from tests.domain.controls import events
from tests.domain.controls.ids import FANS

PRESSED = replace(events.BUTTON_PRESSED, group=None)


def test_a_message_says_its_text() -> None:
    assert said(events.MESSAGE_RECEIVED) == events.MESSAGE_RECEIVED.text.value


@pytest.mark.parametrize(
    "data, words",
    [
        ("say:几点开门", "几点开门"),
        ("say: /link ", "/link"),
        ("say:", None),
        ("consent:stop", None),
        ("/tag", None),
    ],
)
def test_a_button_says_what_stands_behind_its_mark(data: str, words: str | None) -> None:
    assert said(replace(PRESSED, data=Personal(data))) == words


def test_in_a_group_a_button_says_nothing() -> None:
    assert said(replace(PRESSED, group=FANS, data=Personal("say:hello"))) is None
