"""The goal: one time that it was reached, once for each key."""

from collections.abc import Sequence

from domain.decider import Decider
from domain.goals.commands import NoteGoal
from domain.goals.events import EVENTS, GoalReached
from domain.message import Context, Event


def _note(reached: GoalReached | None, command: NoteGoal, _context: Context) -> Sequence[Event]:
    if reached is not None:
        return ()
    event = GoalReached(
        key=command.key,
        goal=command.goal,
        by=command.by,
        customer=command.customer,
        contact=command.contact,
        at=command.at,
        value=command.value,
        currency=command.currency,
    )
    return (event,)


goals: Decider[GoalReached | None] = Decider(
    category="goal",
    initial=None,
    decide=_note,
    evolve=lambda _reached, event: event,
    events=EVENTS,
    commands=(NoteGoal,),
    key=lambda command, _streams: command.key,
)
"""The state is what was told first."""
