"""/help: what there is, as far as the operator's role goes."""

from collections.abc import Callable, Sequence

from bot.commands.command import Call, OperatorCommand, Reply
from domain.operators.events import Role


def help_over(commands: Callable[[], Sequence[OperatorCommand]]) -> OperatorCommand:
    """Return /help over the registry, which it is a part of."""

    def run(call: Call) -> Reply:
        wanted = call.rest.strip().lstrip("/").casefold()
        mine = [command for command in commands() if call.operator.role.includes(command.role)]
        one = next((command for command in mine if command.name == wanted), None)
        if one is not None:
            return Reply("\n".join([_line(call, one), *one.usage[1:]]))
        return Reply("\n".join(_line(call, command, more=len(command.usage) > 1) for command in mine))

    return OperatorCommand(
        name="help",
        role=Role.VIEWER,
        usage=("/help [COMMAND]",),
        help="list what you can do",
        run=run,
        words=("帮助",),
    )


def _line(call: Call, command: OperatorCommand, *, more: bool = False) -> str:
    """Return the usage, two spaces, and what it is for."""
    said = call.say(command.help)
    if more:
        said = call.say("{what} (more: /help {command})").format(what=said, command=command.name)
    return f"{command.usage[0]}  {said}"
