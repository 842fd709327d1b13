"""Everything that is known of one customer, to be given to them: lines of JSON, and tables for people with the files beside.

Who took it away, and when, is in the log before the first line is read.
"""

import asyncio
import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bot.export import as_json, events
from bot.house import House
from bot.ids import fresh_id
from bot.texts import Told, told
from domain.contacts.events import ContactIdentified
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.customers.customer import customers as customer_streams
from domain.customers.events import ConsentGranted, ConsentWithdrawn, NoteAdded
from domain.deliveries.delivery import deliveries as delivery_streams
from domain.dispatch import fold
from domain.errors import MediaGone, Rejected, StoreUnavailable
from domain.identity import CustomerId, OperatorId, StreamId, SubjectId, stream
from domain.message import Recorded
from domain.operators.commands import RecordExport
from projections import goals, media, purchases
from projections.people.customers import Customer
from projections.profiles_known import known_of
from projections.tags import tags_of
from projections.timeline.queries import ASKED_AT_ONCE, Entry, Filters, of_customer

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a table calculator takes for the beginning of a formula (OWASP, "CSV Injection", 2026)."""
FILES = "files"
CONCERNED_BY = ("customer", "contact", "contacts", "customers", "purchase")
"""Fields of events that name a person, or what they ordered."""

Row = dict[str, Any]
Sections = Iterator[tuple[str, Iterator[Row]]]


def give_out(
    house: House, customer: Customer, operator: OperatorId, folder: str = ""
) -> Iterator[str | Told]:
    """Note that an operator takes it away, and yield everything as lines of JSON, or write it into a folder that is new or empty.

    Raises Rejected where the folder holds something, StoreUnavailable.
    """
    if folder and Path(folder).exists() and any(Path(folder).iterdir()):
        raise Rejected("{folder} is not empty: name a new folder", folder=folder)
    request = house.digest("export", customer.id, fresh_id())
    noted = RecordExport(request=request, operator=operator, customer=customer.id)
    house.do(f"operator-{operator}", noted)
    house.catch_up()
    if not folder:
        yield from lines(house, customer)
        return
    try:
        files = write(house, customer, Path(folder))
    except OSError as error:
        raise StoreUnavailable(
            "{folder} cannot be written: {reason}", folder=folder, reason=error.strerror or str(error)
        ) from error
    yield told(
        "{folder}: everything about #{number}, {files} files",
        folder=folder,
        number=customer.number,
        files=files,
    )


def lines(house: House, customer: Customer) -> Iterator[str]:
    """Yield everything as lines of JSON: what kind of thing it is, and its fields."""
    for section, rows in sections(house, customer):
        for row in rows:
            yield msgspec.json.encode({"section": section, **row}).decode()


def write(house: House, customer: Customer, folder: Path) -> int:
    """Write a table for each kind of thing, all of it as lines of JSON, and the files. Returns how many files of theirs there are.

    ``folder``: new, or empty. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _private(folder / "customer.jsonl") as whole:
        for section, rows in sections(house, customer):
            with _private(folder / f"{section}.csv", "utf-8-sig") as file:
                table: csv.DictWriter[str] | None = None
                for row in rows:
                    whole.write(msgspec.json.encode({"section": section, **row}).decode() + "\n")
                    if table is None:
                        table = csv.DictWriter(file, list(row))
                        table.writeheader()
                    table.writerow({name: cell(value) for name, value in row.items()})
    return _files(house, customer, folder / FILES)


def cell(value: object) -> str:
    """Return what stands in a table for a value: text that no calculator takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text.startswith(FORMULA) else text


def sections(house: House, customer: Customer) -> Sections:
    """Yield everything, kind by kind; the rows of one kind have the same fields."""
    records = _records(house, customer)
    yield "profile", iter([_profile(customer)])
    yield "contacts", map(_fields, customer.contacts)
    yield "identifiers", _identifiers(house, customer)
    yield "consents", _consents(house, records)
    yield "tags", _tags(house, customer)
    yield "notes", _notes(records)
    yield "facts", _facts(house, customer)
    yield "orders", map(_fields, orders_of(house, customer.id))
    yield "goals", _goals(house, customer)
    yield "timeline", (_entry(entry) for entry in _timeline(house, customer))
    yield "deliveries", _deliveries(house, customer)
    yield "media", _media(house, customer)
    yield "events", _events(house, customer)


def _profile(customer: Customer) -> Row:
    return {
        "id": customer.id,
        "number": customer.number,
        "name": customer.name,
        "remark": customer.remark,
        "created_at": customer.created_at,
        "last_in": customer.last_in,
    }


def _fields(thing: Any) -> Row:  # noqa: ANN401  # any of the views' records
    names = getattr(thing, "__struct_fields__", None) or thing.__dataclass_fields__
    return {name: getattr(thing, name) for name in names}


def _merged(house: House, customer: CustomerId) -> list[CustomerId]:
    """Return the customer and those that were merged into it."""
    name = stream(customer_streams.category, customer)
    state = fold(customer_streams, house.log.read_stream(name))
    return list(dict.fromkeys([customer, *(part.customer for part in state.parts)]))


def _records(house: House, customer: Customer) -> list[Recorded]:
    """Return what was recorded about the customer as such, in the order of the log."""
    names = [stream(customer_streams.category, one) for one in _merged(house, customer.id)]
    found = house.log.read_streams(names)
    return sorted((r for records in found.values() for r in records), key=lambda r: r.position)


def _identifiers(house: House, customer: Customer) -> Iterator[Row]:
    for contact in customer.contacts:
        for recorded in house.log.read_stream(stream("contact", contact.id)):
            if isinstance(recorded.event, ContactIdentified):
                identified = recorded.event
                yield {
                    "at": recorded.occurred_at,
                    "contact": contact.id,
                    "identifier": identified.kind,
                    "value": identified.value.value,
                    "verified": identified.verified,
                }


def _consents(house: House, records: Iterable[Recorded]) -> Iterator[Row]:
    """Yield each consent and its end, with the evidence: what was said or pressed."""
    for recorded in records:
        event = recorded.event
        if isinstance(event, ConsentGranted | ConsentWithdrawn):
            yield {
                "at": recorded.occurred_at,
                "recorded_at": recorded.recorded_at,
                "topic": event.topic,
                "granted": isinstance(event, ConsentGranted),
                "source": event.source.value,
                "text_version": event.text_version,
                "contact": event.contact,
                "actor": recorded.actor,
                "cause": recorded.cause,
                "said": _said(house, recorded),
            }


def _said(house: House, recorded: Recorded) -> str | None:
    if recorded.cause is None:
        return None
    name, _, version = recorded.cause.rpartition("@")
    for cause in house.log.read_stream(StreamId(name), int(version) - 1)[:1]:
        match cause.event:
            case MessageReceived(text=text) | ButtonPressed(data=text):
                return text.value
            case _:
                return None
    return None


def _tags(house: House, customer: Customer) -> Iterator[Row]:
    with house.views.snapshot() as connection:
        yield from map(_fields, tags_of(connection, customer.id))


def _notes(records: Iterable[Recorded]) -> Iterator[Row]:
    for recorded in records:
        if isinstance(recorded.event, NoteAdded):
            note = recorded.event
            yield {"at": recorded.occurred_at, "operator": note.operator, "note": note.note.value}


def _facts(house: House, customer: Customer) -> Iterator[Row]:
    """Yield what other systems told of them."""
    with house.views.read() as connection:
        known = known_of(connection, [customer.id])
    yield from map(_fields, known.values())


def orders_of(house: House, customer: CustomerId) -> Iterator[purchases.Purchase]:
    """Yield all that a customer ordered, what was told of last first."""
    before: int | None = None
    with house.views.snapshot() as connection:
        while page := purchases.of_customer(connection, customer, before=before, limit=ASKED_AT_ONCE):
            yield from page
            before = page[-1].cursor


def _goals(house: House, customer: Customer) -> Iterator[Row]:
    before: int | None = None
    with house.views.snapshot() as connection:
        while page := goals.of_customer(connection, customer.id, before=before, limit=ASKED_AT_ONCE):
            yield from map(_fields, page)
            before = page[-1].cursor


def _timeline(house: House, customer: Customer) -> Iterator[Entry]:
    after: int | None = 0
    with house.views.snapshot() as connection:
        while after is not None:
            page = of_customer(connection, customer.id, Filters(after=after, limit=ASKED_AT_ONCE))
            yield from page
            after = page[-1].place if len(page) == ASKED_AT_ONCE else None


def _entry(entry: Entry) -> Row:
    row = _fields(entry)
    del row["states"], row["place"]
    row["direction"] = "in" if entry.incoming else "out"
    row["state"] = entry.state.phase if entry.state is not None else None
    return row


def _deliveries(house: House, customer: Customer) -> Iterator[Row]:
    """Yield each delivery with all that became of it, and why."""
    for entry in _timeline(house, customer):
        if entry.delivery is None:
            continue
        name = stream(delivery_streams.category, entry.delivery)
        for recorded in house.log.read_stream(name):
            event = recorded.event
            yield {
                "delivery": entry.delivery,
                "at": recorded.occurred_at,
                "what": recorded.type.partition("/")[0],
                "reason": getattr(event, "reason", None),
                "rule": getattr(event, "rule", None),
                "text": entry.text,
            }


def _media(house: House, customer: Customer) -> Iterator[Row]:
    with house.views.snapshot() as connection:
        for contact in customer.contacts:
            yield from map(_fields, media.files_of(connection, contact.id))


def _events(house: House, customer: Customer) -> Iterator[Row]:
    """Yield the events of the log that name the customer, a contact or an order of theirs, as ``siyu events --json`` prints them."""
    people = {*_merged(house, customer.id), *(contact.id for contact in customer.contacts)}
    people.update(order.id for order in orders_of(house, customer.id))
    for recorded in events(house.log, 0):
        named = (getattr(recorded.event, name, None) for name in CONCERNED_BY)
        if any(one in people or (isinstance(one, tuple) and people.intersection(one)) for one in named):
            yield msgspec.json.decode(as_json(recorded), type=dict[str, Any])


def _files(house: House, customer: Customer, folder: Path) -> int:
    """Write the files that are kept, as they came. Returns how many."""
    kept = [row for row in _media(house, customer) if row["media"] is not None]
    if kept:
        folder.mkdir(mode=0o700, exist_ok=True)
    return sum(asyncio.run(_file(house, row, folder / row["media"])) for row in kept)


async def _file(house: House, row: Mapping[str, Any], path: Path) -> bool:
    """Write one file; False where it is gone meanwhile."""
    with _private(path) as file:
        try:
            async for chunk in house.media.open(row["media"], SubjectId(f"contact-{row['contact']}")):
                file.buffer.write(chunk)
        except MediaGone:
            await asyncio.to_thread(path.unlink)
            return False
    return True


def _private(path: Path, encoding: str = "utf-8") -> Any:  # noqa: ANN401  # a text file
    """Open a new file that nobody else may read. Raises OSError, FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "w", encoding=encoding, newline="")  # noqa: PTH123  # a descriptor
