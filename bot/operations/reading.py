"""Reading an installation: the log, its customers, what happened with one."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot import export
from bot.dossier import orders_of
from bot.house import House
from bot.operations.said import Said
from domain.errors import Rejected
from domain.identity import StreamId, Tag
from projections.people import customers, find
from projections.tags import holders, tags_of
from projections.timeline.queries import ASKED_AT_ONCE, Entry, Filters, of_customer
from projections.timeline.tables import Kind


def events(house: House, after: int = 0, name: str = "", customer: str = "", *, json: bool = False) -> Said:
    """Print the log."""
    form = export.as_json if json else export.as_text
    found = iter(house.log.read_stream(StreamId(name))) if name else export.events(house.log, after)
    wanted = concerning(house, one_customer(house, customer)) if customer else None
    for recorded in found:
        if recorded.position > after and (wanted is None or wanted(recorded)):
            yield form(recorded)


def concerning(house: House, customer: customers.Customer) -> Callable[[Any], bool]:
    """Return what tells whether a recorded event names a customer, one of their records or contacts, or an order of theirs."""
    ids = {customer.id, *(record.id for record in customer.merged), *(c.id for c in customer.contacts)}
    ids |= {order.id for order in orders_of(house, customer.id)}
    names = ("customer", "contact", "contacts", "purchase")

    def concerns(recorded: Any) -> bool:  # noqa: ANN401  # a Recorded, whose event may be of any class
        values = (getattr(recorded.event, name, None) for name in names)
        return any(value in ids or (isinstance(value, tuple) and ids.intersection(value)) for value in values)

    return concerns


def one_customer(house: House, text: str) -> customers.Customer:
    """Return whom a text means. Raises Rejected: nobody, or several, who are then listed."""
    house.catch_up()
    with house.views.read() as connection:
        found = find.find(connection, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Rejected(
            "no customer is known as {text!r}: try a number such as #1, or siyu customers", text=text
        )
    candidates = "\n".join(f"  #{c.number}  {c.name}" for c in found)
    raise Rejected(
        "{text!r} may be one of these, say which by number:\n{candidates}", text=text, candidates=candidates
    )


def list_customers(house: House, tag: str = "", *, json: bool = False) -> Said:
    """List customers."""
    house.catch_up()
    after = 0
    with house.views.snapshot() as connection:
        while page := customers.listed(
            connection, among=holders(Tag(tag)) if tag else None, after=after, limit=500
        ):
            for customer in page:
                tags = [held.tag for held in tags_of(connection, customer.id)]
                yield _customer_json(customer, tags) if json else _customer_text(customer, tags)
            after = page[-1].number


def _customer_json(customer: customers.Customer, tags: Sequence[str]) -> str:
    line = {
        "id": customer.id,
        "number": customer.number,
        "name": customer.name,
        "tags": sorted(set(tags)),
        "last_seen": customer.last_in,
        "contacts": [
            {
                "id": contact.id,
                "channel": contact.channel,
                "account": contact.account,
                "external_id": contact.external_id,
                "name": contact.name,
                "own_name": contact.own_name,
                "username": contact.username,
                "blocked": contact.blocked,
                "last_in": contact.last_in,
            }
            for contact in customer.contacts
        ],
    }
    return msgspec.json.encode(line).decode()


def _customer_text(customer: customers.Customer, tags: Sequence[str]) -> str:
    places = ", ".join(f"{contact.channel}:{contact.external_id}" for contact in customer.contacts)
    seen = customer.last_in.isoformat(timespec="seconds") if customer.last_in else "-"
    return f"#{customer.number:<6} {customer.name:<24} {seen:<26} {' '.join(sorted(set(tags))):<24} {places}"


def timeline(
    house: House, customer: str, kinds: Sequence[str] = (), search: str = "", *, json: bool = False
) -> Said:
    """Print a customer's timeline, in the order of the conversation."""
    unknown = set(kinds) - set(Kind)
    if unknown:
        raise Rejected(
            "no kind is called {name!r}: there are {known}", name=min(unknown), known=", ".join(Kind)
        )
    whom = one_customer(house, customer)
    after: int | None = 0
    with house.views.snapshot() as connection:
        while after is not None:
            wanted = Filters(kinds=frozenset(map(Kind, kinds)), text=search, after=after, limit=ASKED_AT_ONCE)
            page = of_customer(connection, whom.id, wanted)
            yield from (_entry_json(entry) if json else _entry_text(entry, house) for entry in page)
            after = page[-1].place if len(page) == ASKED_AT_ONCE else None


def _entry_json(entry: Entry) -> str:
    line = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    line["direction"] = "in" if entry.incoming else "out"
    line["state"] = entry.state.phase if entry.state is not None else None
    return msgspec.json.encode(line).decode()


def _entry_text(entry: Entry, house: House) -> str:
    at = entry.at.astimezone(ZoneInfo(house.settings.time_zone)).isoformat(" ", "seconds")
    arrow = "<" if entry.incoming else ">" if entry.delivery is not None else " "
    said = entry.edited if entry.edited is not None else entry.text
    state = (
        f"  [{entry.state.phase}{f': {entry.state.reason}' if entry.state.reason else ''}]"
        if entry.state
        else ""
    )
    if entry.kind in {Kind.ORDERED, Kind.REACHED, Kind.GIVEN, Kind.REDEEMED}:
        said = "  ".join(filter(None, (said, entry.value)))
    return f"{at}  {arrow} {entry.kind:<9} {said or entry.value or ''}{state}"
