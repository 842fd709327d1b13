"""/pause all and /resume: every marketing path stops at once, and goes on."""

from bot.commands.arguments import first_word
from bot.commands.audience import ALL
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.operators.events import Role


def _pause(call: Call) -> Reply:
    word, more = first_word(call.rest)
    if word.casefold() not in ALL or more:
        raise Usage("")
    said = call.say(
        "All marketing is stopped. Answers and service messages still go out. /resume lets it go on."
    )
    return Reply(said, (PauseMarketing(operator=call.operator.id),))


def _resume(call: Call) -> Reply:
    if call.rest.strip().casefold() not in {"", *ALL}:
        raise Usage("")
    return Reply(call.say("Marketing goes on."), (ResumeMarketing(operator=call.operator.id),))


pause = OperatorCommand(
    name="pause",
    role=Role.MANAGER,
    usage=("/pause all",),
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
