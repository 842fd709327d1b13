"""What the timeline answers: what happened with a customer, in a group, or anywhere with these words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, or_, select, union_all

from domain.deliveries.delivery import RECALLED, Phase
from domain.identity import (
    BroadcastId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    EventId,
    GroupId,
    MediaId,
    Slug,
)
from projections.timeline.tables import BROADCASTS, FILES, IS_EDIT, PARTIES, TIMELINE, Kind
from projections.timeline.words import positions_with

ASKED_AT_ONCE = 500
"""The most entries one question may ask for."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries. ``before``, ``after``: the ``place`` of another entry (pages); ``since``, ``until``: when it happened.

    ``as_of``: only what was known at this position of the log; deliveries in the state they had then. ``text``: all of its words. Of what
    fits, the newest ``limit`` are returned, or with ``after`` the oldest.
    """

    kinds: frozenset[Kind] = frozenset()
    channel: Channel | None = None
    text: str = ""
    before: int | None = None
    after: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class State:
    """Where a delivery stood, since when, and why."""

    phase: Phase
    at: datetime
    reason: Slug | None = None
    rule: Slug | None = None


@dataclass(frozen=True, slots=True)
class File:
    """The file of a message: ``media`` and what follows where it is kept, ``reason`` where it was refused, neither while it waits."""

    media: MediaId | None = None
    kind: Slug | None = None
    content_type: str | None = None
    size: int | None = None
    name: str | None = None
    reason: Slug | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    ``place`` orders the conversation and is what pages continue from. ``edited``: what the message reads since its last edit. ``value``: a
    tag, a topic, a kind of content, a delivery's class. ``states``: a delivery's history, oldest first.
    """

    position: int
    place: int
    kind: Kind
    at: datetime
    event: EventId
    actor: Slug
    contact: ContactId | None = None
    customer: CustomerId | None = None
    group: GroupId | None = None
    channel: Channel | None = None
    text: str | None = None
    edited: str | None = None
    value: str | None = None
    provider_message: str | None = None
    forwarded: bool = False
    delivery: DeliveryId | None = None
    broadcast: BroadcastId | None = None
    occasion: Slug | None = None
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    file: File | None = None
    states: tuple[State, ...] = field(default=())

    @property
    def state(self) -> State | None:
        """Where a delivery stands."""
        return self.states[-1] if self.states else None

    @property
    def incoming(self) -> bool:
        """Whether it came from outside."""
        return self.kind in {Kind.MESSAGE, Kind.EDIT, Kind.BUTTON, Kind.JOINED, Kind.LEFT}


EVERYTHING = Filters()


def of_customer(connection: Connection, customer: CustomerId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened with a customer, over all contacts and records linked to them now, in the order of the conversation."""
    linked = (
        select(PARTIES.c.party, PARTIES.c.channel)
        .where(PARTIES.c.customer == customer)
        .order_by(PARTIES.c.party)
    )
    arms = [
        (TIMELINE.c.contact if channel else TIMELINE.c.customer) == party
        for party, channel in connection.execute(linked)  # without a channel: a record merged into this one
    ]
    return _entries(connection, [*arms, TIMELINE.c.customer == customer], filters)


def of_contact(connection: Connection, contact: ContactId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened with one contact, in the order of the conversation."""
    return _entries(connection, [TIMELINE.c.contact == contact], filters)


def of_group(connection: Connection, group: GroupId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened in a group, in the order of the conversation."""
    return _entries(connection, [TIMELINE.c.group_id == group], filters)


def everywhere(connection: Connection, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened anywhere: for a search over all conversations."""
    return _entries(connection, [TIMELINE.c.position > 0], filters)


def said_with(connection: Connection, contact: ContactId, limit: int) -> list[Entry]:
    """Return the last messages of a private conversation as the contact sees it: theirs, and those of ours that were sent."""
    shown = [Kind.MESSAGE.value, Kind.DELIVERY.value]
    private = and_(TIMELINE.c.contact == contact, TIMELINE.c.group_id.is_(None), TIMELINE.c.kind.in_(shown))
    found: list[Entry] = []
    before: int | None = None
    while len(found) < limit:
        page = _entries(connection, [private], Filters(before=before, limit=limit))
        found = [entry for entry in page if entry.state is None or _seen(entry, entry.state)] + found
        if len(page) < limit:
            break
        before = page[0].place
    return found[-limit:]


def _seen(entry: Entry, state: State) -> bool:
    """Whether a message of ours is on their screen: sent, or being sent, and not taken back."""
    sent = state.phase in {Phase.STARTED, Phase.ACCEPTED, Phase.CONFIRMED}
    return sent and not any(one.reason == RECALLED for one in entry.states)


# --- how -----------------------------------------------------------------------------------------------------------


def _entries(connection: Connection, arms: Sequence[ColumnElement[bool]], filters: Filters) -> list[Entry]:
    """Ask once for each subject, so that each question is one walk along an index, and merge the answers."""
    place = _place(filters)
    clauses = _clauses(filters, place, postgres=connection.dialect.name == "postgresql")
    if clauses is None:
        return []
    limit = max(0, min(filters.limit, ASKED_AT_ONCE))
    forwards = filters.after is not None and filters.before is None
    order = (place.asc(), TIMELINE.c.part.asc()) if forwards else (place.desc(), TIMELINE.c.part.desc())
    found = [
        select(TIMELINE.c.position, TIMELINE.c.part)
        .where(arm, *clauses)
        .order_by(*order)
        .limit(limit)
        .subquery()
        for arm in arms
    ]
    chosen = union_all(*(select(arm) for arm in found)).subquery()
    statement = (
        _with_texts(place)
        .join(chosen, and_(chosen.c.position == TIMELINE.c.position, chosen.c.part == TIMELINE.c.part))
        .order_by(*order)
        .limit(limit)
    )
    rows = connection.execute(statement).mappings().all()
    edits = _edits(connection, rows, filters.as_of)
    files = _files(connection, rows)
    entries = [_entry(row, edits, files, filters.as_of) for row in rows]
    return entries if forwards else entries[::-1]


def _place(filters: Filters) -> ColumnElement[int]:
    """Where a row stood in the conversation at the position that is asked about."""
    if filters.as_of is None:
        return TIMELINE.c.place
    return case((TIMELINE.c.place <= filters.as_of, TIMELINE.c.place), else_=TIMELINE.c.position)


def _clauses(
    filters: Filters, place: ColumnElement[int], *, postgres: bool
) -> list[ColumnElement[bool]] | None:
    """None: nothing can fit."""
    clauses: list[ColumnElement[bool]] = []
    if filters.kinds:
        clauses.append(TIMELINE.c.kind.in_(sorted(kind.value for kind in filters.kinds)))
    if filters.channel is not None:
        there = select(PARTIES.c.party).where(PARTIES.c.channel == filters.channel)
        clauses.append(or_(TIMELINE.c.contact.in_(there), TIMELINE.c.group_id.in_(there)))
    if filters.before is not None:
        clauses.append(place < filters.before)
    if filters.after is not None:
        clauses.append(place > filters.after)
    if filters.since is not None:
        clauses.append(TIMELINE.c.at >= filters.since)
    if filters.until is not None:
        clauses.append(TIMELINE.c.at < filters.until)
    if filters.as_of is not None:
        clauses.append(TIMELINE.c.position <= filters.as_of)
    if filters.text.strip():
        matching = positions_with(filters.text, postgres=postgres)
        if matching is None:
            return None
        by_broadcast = select(BROADCASTS.c.broadcast).where(BROADCASTS.c.position.in_(matching))
        clauses.append(or_(TIMELINE.c.position.in_(matching), TIMELINE.c.broadcast.in_(by_broadcast)))
    return clauses


def _with_texts(place: ColumnElement[int]) -> Select[Any]:
    party = PARTIES.c.party == case(
        (TIMELINE.c.group_id.is_(None), TIMELINE.c.contact), else_=TIMELINE.c.group_id
    )
    return (
        select(TIMELINE, place.label("stood"), BROADCASTS.c.text.label("broadcast_text"), PARTIES.c.channel)
        .outerjoin(BROADCASTS, BROADCASTS.c.broadcast == TIMELINE.c.broadcast)
        .outerjoin(PARTIES, party)
    )


def _edits(
    connection: Connection, rows: Sequence[RowMapping], as_of: int | None
) -> dict[tuple[str, str | None, str], str]:
    """Return the newest edit of each message shown, whichever came first, by (contact, group, the provider's id of the message)."""
    messages = {
        row["provider_message"] for row in rows if row["kind"] == Kind.MESSAGE and row["provider_message"]
    }
    if not messages:
        return {}
    statement = (
        select(TIMELINE.c.contact, TIMELINE.c.group_id, TIMELINE.c.provider_message, TIMELINE.c.text)
        .where(
            IS_EDIT,
            TIMELINE.c.contact.in_({row["contact"] for row in rows if row["contact"]}),
            TIMELINE.c.provider_message.in_(messages),
        )
        .order_by(TIMELINE.c.at, TIMELINE.c.position)
    )
    if as_of is not None:
        statement = statement.where(TIMELINE.c.position <= as_of)
    return {
        (row.contact, row.group_id, row.provider_message): row.text for row in connection.execute(statement)
    }


def _files(connection: Connection, rows: Sequence[RowMapping]) -> dict[str, File]:
    """Return what is known of the files of these rows, by message and by the file's own id."""
    messages = {row["event"] for row in rows if row["kind"] == Kind.MESSAGE and row["value"] != "text"}
    sent = {row["media"] for row in rows if row["media"] is not None}
    if not messages and not sent:
        return {}
    wanted = or_(FILES.c.message.in_(messages), FILES.c.media.in_(sent))
    found: dict[str, File] = {}
    for row in connection.execute(select(FILES).where(wanted)):
        media = row.media if row.reason is None else None
        file = File(media, row.kind, row.content_type, row.size, row.name, row.reason)
        found[row.message] = found[row.media] = file
    return found


def _entry(
    row: RowMapping,
    edits: dict[tuple[str, str | None, str], str],
    files: dict[str, File],
    as_of: int | None,
) -> Entry:
    is_message = row["kind"] == Kind.MESSAGE
    return Entry(
        position=row["position"],
        place=row["stood"],
        kind=Kind(row["kind"]),
        at=row["at"],
        event=row["event"],
        actor=row["actor"],
        contact=row["contact"],
        customer=row["customer"],
        group=row["group_id"],
        channel=row["channel"],
        text=next(
            (row[said] for said in ("rendered", "text", "broadcast_text") if row[said] is not None), None
        ),
        edited=edits.get((row["contact"], row["group_id"], row["provider_message"])) if is_message else None,
        value=row["value"],
        provider_message=row["provider_message"],
        forwarded=row["forwarded"],
        delivery=row["delivery"],
        broadcast=row["broadcast"],
        occasion=row["occasion"],
        file=files.get(row["event"] if row["media"] is None else row["media"]),
        choices=tuple(tuple(zip(line[::2], line[1::2], strict=True)) for line in row["choices"] or ()),
        states=tuple(_state(state) for state in row["states"] or () if as_of is None or state[0] <= as_of),
    )


def _state(state: Sequence[Any]) -> State:
    _position, phase, reason, rule, at = state
    return State(Phase(phase), datetime.fromisoformat(at), reason, rule)
