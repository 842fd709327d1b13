"""/help: what there is, as far as the operator's role goes."""

from collections.abc import Callable, Sequence

from bot.commands.command import Call, OperatorCommand, Reply
from domain.operators.events import Role


def help_over(commands: Callable[[], Sequence[OperatorCommand]]) -> OperatorCommand:
    """Return /help over the registry, which it is a part of."""

    def run(call: Call) -> Reply:
        wanted = call.rest.strip().lstrip("/").casefold()
        mine = [command for command in commands() if call.operator.role.includes(command.role)]
        chosen = [command for command in mine if command.name == wanted] or mine
        lines = [f"{usage}{_why(call, command, usage)}" for command in chosen for usage in command.usage]
        return Reply("\n".join(lines))

    return OperatorCommand(
        name="help",
        role=Role.VIEWER,
        usage=("/help [COMMAND]",),
        help="list what you can do",
        run=run,
        words=("帮助",),
    )


def _why(call: Call, command: OperatorCommand, usage: str) -> str:
    """Say it once a command, two spaces behind its first usage."""
    return f"  {call.say(command.help)}" if usage == command.usage[0] else ""
