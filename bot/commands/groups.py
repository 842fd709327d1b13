"""/groups: where the bot is a member."""

from bot.commands.audience import shown
from bot.commands.command import Call, OperatorCommand, Reply
from domain.operators.events import Role
from projections.groups import listed

SHOWN = 50


def _groups(call: Call) -> Reply:
    with call.office.views.read() as connection:
        found = listed(connection, limit=SHOWN)
    lines = [
        f"{shown(group)}  {call.say('{count} seen there').format(count=group.members)}" for group in found
    ]
    rows: tuple[dict[str, object], ...] = tuple(
        {
            "id": group.id,
            "channel": group.channel,
            "external_id": group.external_id,
            "title": group.title,
            "members": group.members,
        }
        for group in found
    )
    return Reply("\n".join(lines) or call.say("The bot is in no group yet."), rows=rows)


groups = OperatorCommand(
    name="groups",
    role=Role.VIEWER,
    usage=("/groups",),
    help="list the groups the bot is in",
    run=_groups,
    words=("群列表",),
)
