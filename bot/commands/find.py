"""/find and /customers: who there is, and who said what."""

from bot.commands.arguments import argument, first_word
from bot.commands.audience import TAG
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.customers import called, label, reached_by
from bot.commands.remaining import remaining
from bot.commands.tag import tag_named
from domain.identity import ContactId, CustomerId, Tag
from domain.operators.events import Role
from projections.people import customers
from projections.people.contacts import contacts_by_id
from projections.people.customers import Customer
from projections.people.find import find as find_customers
from projections.tags import holders, tags_of
from projections.timeline import Entry, Filters, Kind, everywhere

SHOWN = 10
LISTED = 20
SNIPPET = 60


def _find(call: Call) -> Reply:
    said = call.rest.strip()
    if not said:
        raise Usage("")
    with call.office.views.read() as connection:
        people = find_customers(connection, argument(said))
        messages = everywhere(
            connection, Filters(kinds=frozenset({Kind.MESSAGE, Kind.NOTE}), text=said, limit=SHOWN)
        )
        seen = contacts_by_id(connection, {entry.contact for entry in messages if entry.contact is not None})
        wanted = {contact.customer for contact in seen.values()} | {
            e.customer for e in messages if e.customer
        }
        owners = {owner.id: owner for owner in customers.customers_by_id(connection, wanted)}
        tags = {person.id: [t.tag for t in tags_of(connection, person.id)] for person in people[:SHOWN]}
    left = {
        person.id: remaining(call.office.views, contact.id, call.clock)
        for person in people[:SHOWN]
        if (contact := reached_by(person)) is not None
    }
    call.mentioned.extend([*(person.id for person in people[:SHOWN]), *owners])
    lines = [
        _person(call, person, list(dict.fromkeys(tags[person.id])), left.get(person.id))
        for person in people[:SHOWN]
    ]
    whose = {contact: owners.get(known.customer) for contact, known in seen.items()}
    lines += [line for entry in reversed(messages) if (line := _said(call, entry, whose, owners)) is not None]
    if not lines:
        return Reply(call.say("Nothing found for {text}.").format(text=said[:SNIPPET]))
    return Reply(
        "\n".join(lines), rows=tuple(_row(person, tags.get(person.id, [])) for person in people[:SHOWN])
    )


def _person(call: Call, person: Customer, tags: list[Tag], left: str | None = None) -> str:
    parts = [label(person), *(f"[{tag}]" for tag in tags)]
    if person.last_in is not None:
        parts.append(call.say("last wrote {time}").format(time=call.clock.shown(person.last_in)))
    sources = dict.fromkeys(contact.source for contact in person.contacts if contact.source is not None)
    if sources:
        parts.append(call.say("came by {sources}").format(sources=", ".join(sources)))
    if person.is_staff:
        parts.append(call.say("one of us"))
    elif left is not None:
        parts.append(left)
    return "  ".join(parts)


def _said(
    call: Call, entry: Entry, whose: dict[ContactId, Customer | None], owners: dict[CustomerId, Customer]
) -> str | None:
    """None for what one of us said: their commands are no conversation."""
    owner = (
        whose.get(entry.contact)
        if entry.contact is not None
        else owners.get(entry.customer or CustomerId(""))
    )
    if owner is None or owner.is_staff:
        return None
    return f"{call.clock.shown(entry.at)}  {called(owner)}: {snippet(entry.edited or entry.text or '')}"


def snippet(text: str) -> str:
    """Return the beginning of a text on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= SNIPPET else f"{flat[:SNIPPET]}…"


def _row(person: Customer, tags: list[Tag]) -> dict[str, object]:
    return {"id": person.id, "number": person.number, "name": person.name, "tags": tags}


def _customers(call: Call) -> Reply:
    word, more = first_word(call.rest)
    kind, _, name = word.partition(":")
    if more or (word and not (kind.casefold() in TAG and name)):
        raise Usage("")
    among = holders(tag_named(call, name)) if name else None
    with call.office.views.read() as connection:
        count = customers.count(connection, among=among)
        people = customers.newest(connection, among=among, limit=LISTED)
        tags = {
            person.id: list(dict.fromkeys(t.tag for t in tags_of(connection, person.id))) for person in people
        }
    call.mentioned.extend(person.id for person in people)
    lines = [call.say("Customers: {count}").format(count=count)]
    lines += [_person(call, person, tags[person.id]) for person in people]
    if count > len(people):
        lines.append(
            call.say("Shown are the {count} who wrote last; /find NAME searches.").format(count=len(people))
        )
    return Reply("\n".join(lines), rows=tuple(_row(person, tags[person.id]) for person in people))


find = OperatorCommand(
    name="find",
    role=Role.VIEWER,
    usage=("/find TEXT",),
    help="find customers by name, number or what was said",
    run=_find,
    words=("查找",),
)
listed = OperatorCommand(
    name="customers",
    role=Role.VIEWER,
    usage=("/customers [tag:TAG]",),
    help="list customers, all or those with a tag",
    run=_customers,
    words=("客户",),
)
