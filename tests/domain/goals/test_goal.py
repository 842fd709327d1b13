"""Goals: reached once for each key."""

from dataclasses import replace

from domain.goals.goal import goals
from tests.domain.controls import commands, events
from tests.domain.given import given

TOLD = replace(commands.NOTE_GOAL, value=900, currency=events.GOAL_REACHED.currency)


def test_a_goal_is_noted_once_for_its_key() -> None:
    reached = given(goals).when(TOLD).then(events.GOAL_REACHED)
    assert reached == events.GOAL_REACHED
    given(goals, events.GOAL_REACHED).when(TOLD).then_nothing()
    given(goals, events.GOAL_REACHED).when(replace(TOLD, value=1)).then_nothing()
