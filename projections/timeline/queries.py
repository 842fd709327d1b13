"""What the timeline answers: what happened with a customer, in a group, or anywhere with these words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, or_, select

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
from projections.question import Question, Values
from projections.schema import one_asked_for
from projections.timeline.pages import COLUMNS, Subject, question
from projections.timeline.tables import FILES, PARTIES, Kind
from projections.timeline.words import searched

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


class Entry(Struct, frozen=True, gc=False):
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
    states: tuple[State, ...] = ()

    @property
    def state(self) -> State | None:
        """Where a delivery stands."""
        return self.states[-1] if self.states else None

    @property
    def incoming(self) -> bool:
        """Whether it came from outside."""
        return self.kind in {Kind.MESSAGE, Kind.EDIT, Kind.BUTTON, Kind.JOINED, Kind.LEFT}


EVERYTHING = Filters()
_LINKED = Question(
    select(PARTIES.c.party, PARTIES.c.channel)
    .where(PARTIES.c.customer == bindparam("customer"))
    .order_by(PARTIES.c.party)
)
_FILES = Question(
    select(
        *(FILES.c[n] for n in ("message", "media", "kind", "content_type", "size", "name", "reason"))
    ).where(or_(one_asked_for(FILES.c.message, "messages"), one_asked_for(FILES.c.media, "sent")))
)
_CHANNEL = Question(select(PARTIES.c.channel).where(PARTIES.c.party == bindparam("party")))
_BY_PLACE = itemgetter(COLUMNS.index("place"), COLUMNS.index("part"))
_KINDS = {kind.value: kind for kind in Kind}


def of_customer(connection: Connection, customer: CustomerId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened with a customer, over all contacts and records linked to them now, in the order of the conversation."""
    linked = _LINKED.ask(connection, customer=customer)
    subjects = [  # without a channel: a record merged into this one
        (Subject.CONTACT if channel else Subject.CUSTOMER, party, channel or None)
        for party, channel in linked
    ]
    return _entries(connection, [*subjects, (Subject.CUSTOMER, customer, None)], filters)


def of_contact(connection: Connection, contact: ContactId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened with one contact, in the order of the conversation."""
    return _entries(connection, [(Subject.CONTACT, contact, _channel(connection, contact))], filters)


def of_group(connection: Connection, group: GroupId, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened in a group, in the order of the conversation."""
    return _entries(connection, [(Subject.GROUP, group, _channel(connection, group))], filters)


def everywhere(connection: Connection, filters: Filters = EVERYTHING) -> list[Entry]:
    """Return what happened anywhere: for a search over all conversations."""
    return _entries(connection, [(Subject.EVERYBODY, "", None)], filters)


def said_with(connection: Connection, contact: ContactId, limit: int) -> list[Entry]:
    """Return the last messages of a private conversation as the contact sees it: theirs, and those of ours that were sent."""
    shown = Filters(kinds=frozenset({Kind.MESSAGE, Kind.DELIVERY}), limit=limit)
    subject = (Subject.ALONE, contact, _channel(connection, contact))
    found: list[Entry] = []
    while len(found) < limit:
        page = _entries(connection, [subject], shown)
        found = [entry for entry in page if entry.state is None or _seen(entry, entry.state)] + found
        if len(page) < limit:
            break
        shown = replace(shown, before=page[0].place)
    return found[-limit:]


def _seen(entry: Entry, state: State) -> bool:
    """Whether a message of ours is on their screen: sent, or being sent, and not taken back."""
    sent = state.phase in {Phase.STARTED, Phase.ACCEPTED, Phase.CONFIRMED}
    return sent and not any(one.reason == RECALLED for one in entry.states)


# --- how -----------------------------------------------------------------------------------------------------------


def _channel(connection: Connection, party: ContactId | GroupId) -> Channel | None:
    return next((channel for (channel,) in _CHANNEL.ask(connection, party=party)), None)


def _entries(
    connection: Connection, subjects: Sequence[tuple[Subject, str, Channel | None]], filters: Filters
) -> list[Entry]:
    """Ask once for each subject, so that each question is one walk along an index, and merge the answers."""
    postgres = connection.dialect.name == "postgresql"
    asked = _asked(filters, postgres=postgres)
    if asked is None:
        return []
    limit = max(0, min(filters.limit, ASKED_AT_ONCE))
    pages = [question(subject, asked, postgres=postgres) for subject, _, _ in subjects]
    rows: list[Values] = []
    for page, (subject, of, on) in zip(pages, subjects, strict=True):
        whose = {} if subject is Subject.EVERYBODY else {"of": of, "on": on}
        rows += page.stored(connection, limit=limit, **whose, **asked)
    rows.sort(key=_BY_PLACE)
    forwards = filters.after is not None and filters.before is None
    rows = rows[:limit] if forwards else rows[max(0, len(rows) - limit) :]
    return _told(connection, pages[0].columns(connection, rows), filters.as_of) if rows else []


def _asked(filters: Filters, *, postgres: bool) -> dict[str, object] | None:
    """Return what is asked for, by its name; None: nothing can fit."""
    names = ("channel", "before", "after", "since", "until", "as_of")
    asked = {name: value for name in names if (value := getattr(filters, name)) is not None}
    if filters.kinds:
        asked["kinds"] = sorted(filters.kinds)
    if filters.text.strip():
        asked["words"] = searched(filters.text, postgres=postgres)
        if asked["words"] is None:
            return None
    return asked


def _told(connection: Connection, columns: Sequence[Sequence[Any]], as_of: int | None) -> list[Entry]:
    """Return the entries, made column by column: that takes a third of what it does row by row."""
    (position, place, kind, at, event, actor, contact, customer, group, channel, text, edited, value, message,
     forwarded, delivery, broadcast, occasion, choices, media, states, _part) = columns  # fmt: skip
    kinds = [_KINDS[one] for one in kind]
    file = _files(connection, kinds, value, event, media)
    return list(
        map(
            Entry, position, place, kinds, at, event, actor, contact, customer, group, channel, text, edited, value,
            message, forwarded, delivery, broadcast, occasion, [() if told is None else _choices(told) for told in choices], file,
            [() if told is None else _states(told, as_of) for told in states],
        )
    )  # fmt: skip


def _files(
    connection: Connection,
    kinds: Sequence[Kind],
    values: Sequence[str],
    events: Sequence[str],
    media: Sequence[str | None],
) -> Sequence[File | None]:
    """Return what is known of the file of each row, by the message or by its own id."""
    rows = list(zip(kinds, values, events, media, strict=True))
    messages = [event for kind, value, event, _ in rows if value != "text" and kind is Kind.MESSAGE]
    sent = [one for one in media if one is not None]
    if not messages and not sent:
        return [None] * len(rows)
    found: dict[str, File] = {}
    for message, id_, kind, content_type, size, name, reason in _FILES.ask(
        connection, messages=messages, sent=sent
    ):
        file = File(id_ if reason is None else None, kind, content_type, size, name, reason)
        found[message] = found[id_] = file
    return [found.get(event if one is None else one) for _, _, event, one in rows]


def _choices(lines: Sequence[Sequence[str]]) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(tuple(zip(line[::2], line[1::2], strict=True)) for line in lines)


def _states(told: Sequence[Sequence[Any]], as_of: int | None) -> tuple[State, ...]:
    return tuple(
        State(Phase(phase), datetime.fromisoformat(at), reason, rule)
        for position, phase, reason, rule, at in told
        if as_of is None or position <= as_of
    )
