"""``siyu campaign plan`` for many: it says how far it is, and what it says of those who go first is what will be."""

import pytest

from bot.commands.outlook import TOLD_EVERY
from bot.control_server import perform
from domain.identity import Locale
from tests.benchmarks.fan_out import write_people
from tests.bot.premises import Premises

FORM = "name: tea\naudience: {all: true}\nwhen: now\ncontent: {text: Summer tea}\n"
CANARY = "First 1 % (at least 20), then it waits 10 min and goes on if fewer than 10 % failed and 3 % unsubscribed."


def said(premises: Premises, line: str) -> list[str]:
    """Return the lines that the command line shows, one message a line or more."""
    messages = list(perform(premises.house, "do", {"line": line, "locale": "en"}, Locale("en")))
    assert messages[-1] == {"exit": 0}, messages
    return [line for one in messages[:-1] for line in str(one["line"]).splitlines()]


def among(premises: Premises, people: int) -> Premises:
    """Return a house with so many customers."""
    premises.house.catch_up()
    write_people(premises.house, people)
    said(premises, f"/campaign draft {FORM}")
    return premises


@pytest.mark.parametrize(
    "people, canary, first", [(100, [], []), (101, [CANARY], ["Go first: 20"])], ids=["few", "enough"]
)
def test_that_some_go_first_is_said_only_where_they_will(
    premises: Premises, people: int, canary: list[str], first: list[str]
) -> None:
    among(premises, people)
    planned = said(premises, "/campaign plan tea")
    assert [line for line in planned if line.startswith("First")] == canary
    assert [line for line in planned if line.startswith("Go first")] == first
    shown = said(premises, "/campaign show tea")
    assert [line for line in shown if line.startswith("First")] == canary


def test_how_far_a_large_plan_is_is_told_before_its_end(premises: Premises) -> None:
    total = 2 * TOLD_EVERY + 1
    among(premises, total)
    assert said(premises, "/campaign plan tea")[:2] == [
        f"{TOLD_EVERY} of {total} customers looked at",
        f"{2 * TOLD_EVERY} of {total} customers looked at",
    ]
