"""Who is meant by ``group:ID``, ``tag:TAG`` and ``all``."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.commands.command import Ambiguous, Call, Usage
from bot.commands.tag import tag_named
from domain.broadcasts.events import AudienceKind
from domain.errors import UnknownRecipient
from domain.identity import Tag
from domain.policies.text import folded
from projections.groups import Group, find, listed

ALL = {"all", "全部", "所有人", "全体"}
GROUP = {"group", "群"}
TAG = {"tag", "标签"}
SHORTEST_PREFIX = 6


@dataclass(frozen=True, slots=True)
class Many:
    """Everyone, everyone with a tag, or a group."""

    kind: AudienceKind
    tag: Tag | None = None
    group: Group | None = None


def many(call: Call, word: str, again: Callable[[str], str]) -> Many:
    """Return who is meant. ``again``: the line with another word in its place. Raises Usage, UnknownRecipient, Ambiguous."""
    kind, colon, name = word.partition(":")
    if word.casefold() in ALL:
        return Many(AudienceKind.ALL)
    if not (colon and name):
        raise Usage("")
    if kind.casefold() in TAG:
        return Many(AudienceKind.TAG, tag=tag_named(call, name))
    if kind.casefold() in GROUP:
        return Many(AudienceKind.GROUP, group=group_named(call, name, again))
    raise Usage("")


def is_group(word: str) -> bool:
    """Whether a word names a group."""
    kind, colon, name = word.partition(":")
    return bool(colon and name) and kind.casefold() in GROUP


def group_named(call: Call, name: str, again: Callable[[str], str]) -> Group:
    """Return the group of an id (ours or the provider's), a beginning of ours, or its whole title."""
    with call.office.views.read() as connection:
        found = find(connection, name)
        if not found and len(name) >= SHORTEST_PREFIX:
            found = [group for group in listed(connection, gone=True) if group.id.startswith(name.lower())]
    if not found:
        raise UnknownRecipient(call.say("I know no group {name}. /groups lists them.").format(name=name))
    if len(found) == 1 and _is_called(found[0], name):
        return found[0]
    raise Ambiguous(
        call.say("Which group do you mean by {name}?").format(name=name),
        [(shown(group), again(f"group:{group.id}")) for group in found],
    )


def _is_called(group: Group, name: str) -> bool:
    address = {group.external_id, f"{group.channel}:{group.external_id}"}
    by_id = len(name) >= SHORTEST_PREFIX and group.id.startswith(name.lower())
    return by_id or name in address or folded(name) == folded(group.title)


def shown(group: Group) -> str:
    """Return a group in a few words, with what names it in a command."""
    return f"group:{group.external_id}  {group.title} ({group.channel})"
