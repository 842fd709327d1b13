"""Whom a campaign means, as its form says it."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.campaigns.form import AudienceForm
from bot.campaigns.world import Notebook, World
from bot.texts import told
from domain.campaigns.plan import Meant, Selection
from domain.errors import Rejected
from domain.identity import CustomerId, GroupId, Tag

KINDS: Final = ("all", "tags", "list", "customers", "groups")
MOST_LINES: Final = 200_000
SHOWN_UNMATCHED: Final = 5
HEADS: Final = frozenset(
    {"customer", "number", "id", "phone", "contact", "客户", "编号", "手机", "手机号", "电话"}
)
"""What the first line of a table is called."""


def selection_of(
    audience: AudienceForm | None, world: World, notebook: Notebook
) -> tuple[Selection, tuple[CustomerId, ...]]:
    """Return whom it means, and who is on its list."""
    nobody = Selection(meant=Meant.ALL)
    if audience is None:
        return nobody, ()
    said = [kind for kind in KINDS if getattr(audience, kind) is not None]
    if len(said) != 1:
        notebook.wrong("audience", told("say one of {kinds}", kinds=", ".join(KINDS)))
        return nobody, ()
    without = _tags(audience.without, "audience.without", world, notebook)
    if without and said[0] not in {"all", "tags"}:
        notebook.wrong("audience.without", told("this belongs to all or tags"))
    match said[0]:
        case "all":
            return Selection(meant=Meant.ALL, without=without), ()
        case "tags":
            tags = _tags(audience.tags or (), "audience.tags", world, notebook)
            if not audience.tags:
                notebook.wrong("audience.tags", told("this is empty"))
            return Selection(meant=Meant.TAGS, tags=tags, without=without), ()
        case "groups":
            return Selection(meant=Meant.GROUPS, groups=_groups(audience, world, notebook)), ()
        case "list":
            return Selection(meant=Meant.LIST), _listed(audience.list or "", world, notebook)
        case _:
            found = _matched(audience.customers or (), "audience.customers", world, notebook)
            return Selection(meant=Meant.LIST), found


def _tags(names: Iterable[str], place: str, world: World, notebook: Notebook) -> tuple[Tag, ...]:
    found: list[Tag] = []
    for name in names:
        tag = world.known.tag(name)
        if tag is None:
            notebook.wrong(place, told("nobody has the tag {tag}", tag=name))
        else:
            found.append(tag)
    return tuple(dict.fromkeys(found))


def _groups(audience: AudienceForm, world: World, notebook: Notebook) -> tuple[GroupId, ...]:
    found: list[GroupId] = []
    if not audience.groups:
        notebook.wrong("audience.groups", told("this is empty"))
    for name in audience.groups or ():
        group = world.known.group(name)
        if group is None:
            what = told("no group is known as {name}, or several are: /groups lists them", name=name)
            notebook.wrong("audience.groups", what)
        else:
            found.append(group)
    return tuple(dict.fromkeys(found))


def _listed(name: str, world: World, notebook: Notebook) -> tuple[CustomerId, ...]:
    try:
        lines = world.files.lines(name)
    except Rejected as error:
        notebook.wrong("audience.list", told(error.text, **error.values))
        return ()
    cells = [line.split(",")[0].split(";")[0].split("\t")[0].strip().strip('"').strip() for line in lines]
    if cells and cells[0].casefold() in HEADS:
        cells[0] = ""
    return _matched(cells, "audience.list", world, notebook)


def _matched(said: Sequence[str], place: str, world: World, notebook: Notebook) -> tuple[CustomerId, ...]:
    """Return who is meant by each line; who is not known is noted, and is an error only where nobody is."""
    if len(said) > MOST_LINES:
        notebook.wrong(place, told("at most {most}", most=MOST_LINES))
        return ()
    found: dict[CustomerId, None] = {}
    unknown: list[int] = []
    for number, line in enumerate(said, 1):
        if not line.strip():
            continue
        customer = world.known.customer(line)
        if customer is None:
            unknown.append(number)
        else:
            found[customer] = None
    shown = ", ".join(map(str, unknown[:SHOWN_UNMATCHED])) + (" …" if len(unknown) > SHOWN_UNMATCHED else "")
    if not found:
        notebook.wrong(place, told("nobody on this list is known: write #1042, an id, channel:id or a phone"))
    elif unknown and place == "audience.customers":
        notebook.wrong(place, told("nobody, or more than one, is meant by number {lines}", lines=shown))
    elif unknown:
        what = told("Of the list, {count} lines are nobody we know: {lines}", count=len(unknown), lines=shown)
        notebook.notes.append(what)
    return tuple(found)
