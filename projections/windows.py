"""Reply windows: what each contact opened on a channel that has such, and what was used since. The gate itself counts by the streams."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, Integer, String, Table, delete, select

from domain.conversations.events import (
    ActionReported,
    ButtonPressed,
    MessageReceived,
    ReachabilityReported,
    ReplyGivenBack,
    ReplySpent,
)
from domain.customers.events import CustomerForgotten
from domain.identity import ContactId
from domain.message import Recorded, ReplyWindow
from domain.policies import reply_window
from projections.projection import Projection, Rows
from projections.question import Question
from projections.schema import METADATA, Utc, one_asked_for, one_of

WINDOWS = Table(
    "reply_windows",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False, index=True),
    Column("messages", Integer, nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
)
"""``id``: contact and length in seconds. A click opens a short window beside the long one of the last message, and never replaces it."""
SPENT = Table(
    "reply_windows_spent",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False),
    Column("at", Utc, nullable=False),
    Index("spent_of_contact", "contact", "at"),
)
"""``id``: delivery and attempt."""

_Opening = MessageReceived | ButtonPressed | ActionReported | ReachabilityReported
_Spending = ReplySpent | ReplyGivenBack


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    _open(connection, batch)
    events = [recorded.event for recorded in batch if isinstance(recorded.event, _Spending)]
    spent = Rows(connection, SPENT, map(_attempt, events))
    for event in events:
        match event:
            case ReplySpent(of=of) if of is not None:  # another allowance than the window's
                continue
            case ReplySpent(contact=contact, at=at):
                spent.put({"id": _attempt(event), "contact": contact, "at": at})
            case ReplyGivenBack():
                spent.discard(_attempt(event))
    spent.save()


def _attempt(event: _Spending) -> str:
    return f"{event.delivery}:{event.attempt}"


def _open(connection: Connection, batch: Sequence[Recorded]) -> None:
    openings = [
        (event.contact, event.opens, recorded.occurred_at)
        for recorded in batch
        if isinstance(event := recorded.event, _Opening) and event.opens is not None
    ]
    windows = Rows(connection, WINDOWS, (f"{contact}:{opens.seconds}" for contact, opens, _ in openings))
    for contact, opens, since in openings:
        id_ = f"{contact}:{opens.seconds}"
        known = windows.get(id_)
        if known is not None and known["since"] >= since:
            continue  # late: a newer one is open already
        until = since + timedelta(seconds=opens.seconds)
        row = {"id": id_, "contact": contact, "messages": opens.messages, "since": since, "until": until}
        windows.put(row)
    windows.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    for table in (WINDOWS, SPENT):
        connection.execute(delete(table).where(table.c.contact.in_(event.contacts)))


windows = Projection(
    name="windows",
    version=2,
    tables=(WINDOWS, SPENT),
    listens_to=frozenset(
        {
            MessageReceived,
            ButtonPressed,
            ActionReported,
            ReachabilityReported,
            ReplySpent,
            ReplyGivenBack,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


def opened(
    connection: Connection, contacts: Collection[ContactId]
) -> dict[ContactId, tuple[ReplyWindow, ...]]:
    """Return the latest window of each length that contacts opened, also those that are over, the one that lasts longest first.

    Those who never opened one are missing.
    """
    found: dict[ContactId, tuple[ReplyWindow, ...]] = {}
    for contact, *told in _OPENED.ask(connection, contacts=list(contacts)):
        found[contact] = (*found.get(contact, ()), ReplyWindow(*told))
    return found


_OPENED = Question(
    select(WINDOWS.c.contact, WINDOWS.c.messages, WINDOWS.c.since, WINDOWS.c.until)
    .where(one_asked_for(WINDOWS.c.contact, "contacts"))
    .order_by(WINDOWS.c.until.desc(), WINDOWS.c.id)
)


def left(connection: Connection, contact: ContactId, now: datetime) -> ReplyWindow | None:
    """Return what may still be sent to a contact, and until when; None on a channel without windows."""
    return left_of(connection, {contact: now}).get(contact)


def left_of(connection: Connection, wanted: Mapping[ContactId, datetime]) -> dict[ContactId, ReplyWindow]:
    """Return what may still be sent to each of the contacts at its moment; those who never opened a window are missing."""
    known = opened(connection, wanted.keys())
    if not known:
        return {}
    oldest = min(window.since for windows_ in known.values() for window in windows_)
    spent: dict[ContactId, list[datetime]] = {}
    statement = select(SPENT.c.contact, SPENT.c.at).where(
        one_of(SPENT.c.contact, known), SPENT.c.at >= oldest
    )
    for row in connection.execute(statement).all():
        spent.setdefault(row.contact, []).append(row.at)
    lefts = {
        contact: reply_window.left(windows_, spent.get(contact, ()), wanted[contact])
        for contact, windows_ in known.items()
    }
    return {contact: window for contact, window in lefts.items() if window is not None}
