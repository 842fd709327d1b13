"""/pause all and /resume: every marketing path stops at once, and goes on. /pause schedule:ID ends a recurring message."""

from bot.commands.arguments import first_word
from bot.commands.audience import ALL
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.recurrences import spoken
from domain.errors import Rejected
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.operators.events import Role
from domain.policies.recurrence import Recurrence
from domain.schedules.commands import EndSchedule
from projections.due import active_schedules


def _pause(call: Call) -> Reply:
    word, more = first_word(call.rest)
    kind, colon, name = word.partition(":")
    if kind.casefold() == "schedule" and colon and not more:
        return _end(call, name)
    if word.casefold() not in ALL or more:
        raise Usage("")
    said = call.say(
        "All marketing is stopped. Answers and service messages still go out. /resume lets it go on."
    )
    return Reply(said, (PauseMarketing(operator=call.operator.id),))


def _end(call: Call, name: str) -> Reply:
    """End the recurring message whose id begins so; what is running is listed where that is not exactly one."""
    with call.office.views.read() as connection:
        running = active_schedules(connection)
    meant = [schedule for schedule in running if name and schedule.schedule.startswith(name.casefold())]
    if len(meant) != 1:
        lines = [
            f"schedule:{s.schedule[:8]}  {spoken(Recurrence.parse(s.recurrence), call.clock)}"
            for s in running
        ]
        raise Rejected("\n".join([call.say("Which recurring message? There are:"), *lines]))
    said = call.say("It recurs no more: schedule:{id}").format(id=meant[0].schedule[:8])
    return Reply(said, (EndSchedule(schedule=meant[0].schedule),))


def _resume(call: Call) -> Reply:
    if call.rest.strip().casefold() not in {"", *ALL}:
        raise Usage("")
    return Reply(call.say("Marketing goes on."), (ResumeMarketing(operator=call.operator.id),))


pause = OperatorCommand(
    name="pause",
    role=Role.MANAGER,
    usage=("/pause all", "/pause schedule:ID"),
    help="stop every marketing message at once",
    run=_pause,
    words=("全部暂停 all",),
)
resume = OperatorCommand(
    name="resume",
    role=Role.MANAGER,
    usage=("/resume",),
    help="let marketing go on",
    run=_resume,
    words=("恢复群发",),
)
