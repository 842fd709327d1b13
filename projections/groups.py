"""Groups: where the bot is, who is there as far as we know, and when something last happened."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    RowMapping,
    Select,
    String,
    Table,
    delete,
    func,
    select,
)

from domain.conversations.events import (
    ButtonPressed,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageReceived,
)
from domain.customers.events import CustomerForgotten
from domain.deliveries.events import DeliveryPlanned
from domain.groups.events import GroupLeft, GroupMigrated, GroupRejoined, GroupRenamed, GroupSeen
from domain.identity import Account, Channel, ContactId, GroupId, Slug
from domain.message import Recorded
from domain.policies.text import folded
from projections.projection import Projection, Row, Rows
from projections.schema import METADATA, Utc

LONGEST_KEY = 200
GROUPS = Table(
    "groups",
    METADATA,
    Column("group_id", String, primary_key=True),
    Column("channel", String, nullable=False, default=""),
    Column("account", String, nullable=False, default=""),
    Column("external_id", String, nullable=False, default=""),
    Column("title", String, nullable=False, default=""),
    Column("title_key", String, nullable=False, default="", index=True),
    Column("kind", String, nullable=False, default=""),
    Column("gone", String),
    Column("first_seen", Utc),
    Column("last_activity", Utc),
    Index("groups_by_address", "channel", "external_id"),
)
"""``title_key``: folded, for finding. A fact that happened in a group lies before ``GroupSeen`` in the log, so for a moment a row may
have no channel yet."""
MEMBERS = Table(
    "group_members",
    METADATA,
    Column("id", String, primary_key=True),
    Column("group_id", String, nullable=False, index=True),
    Column("contact", String, nullable=False, index=True),
    Column("since", Utc, nullable=False),
    Column("until", Utc),
)


@dataclass(frozen=True, slots=True)
class Group:
    """``gone``: why the bot cannot write there, None while it can. ``members``: those we saw there, who did not leave."""

    id: GroupId
    channel: Channel
    account: Account
    external_id: str
    title: str
    kind: Slug
    gone: Slug | None
    first_seen: datetime
    last_activity: datetime
    members: int


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody seen in a group. ``until``: when they left."""

    contact: ContactId
    since: datetime
    until: datetime | None


# --- apply ---------------------------------------------------------------------------------------------------------

GroupEvent = (
    GroupSeen
    | GroupRenamed
    | GroupMigrated
    | GroupLeft
    | GroupRejoined
    | MessageReceived
    | MessageEdited
    | ButtonPressed
    | MemberJoined
    | MemberLeft
    | DeliveryPlanned
)


def _present(event: GroupEvent) -> Sequence[ContactId]:
    """Whoever writes in a group is in it, whether we saw them join or not."""
    match event:
        case MemberJoined(contacts=joined):
            return joined
        case (
            MessageReceived(contact=contact) | MessageEdited(contact=contact) | ButtonPressed(contact=contact)
        ):
            return (contact,)
        case _:
            return ()


def _fold(row: Row, event: GroupEvent) -> None:
    match event:
        case GroupSeen():
            row["channel"], row["account"], row["kind"] = event.channel, event.account, event.kind
            row["external_id"] = event.external_id.value
            _entitle(row, event.title.value)
        case GroupRenamed(title=title):
            _entitle(row, title.value)
        case GroupMigrated(external_id=external_id, kind=kind):
            row["external_id"], row["kind"] = external_id.value, kind
        case GroupLeft(reason=reason):
            row["gone"] = reason
        case GroupRejoined():
            row["gone"] = None
        case _:
            return


def _entitle(row: Row, title: str) -> None:
    row["title"], row["title_key"] = title, folded(title)[:LONGEST_KEY]


def _member_id(group: GroupId, contact: ContactId) -> str:
    return f"{group}:{contact}"


def _come(members: Rows, group: GroupId, contact: ContactId, at: datetime) -> None:
    key = _member_id(group, contact)
    known = members.get(key)
    if known is None or known["until"] is not None:
        members.put({"id": key, "group_id": group, "contact": contact, "since": at})


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [
        (recorded, recorded.event, recorded.event.group)
        for recorded in batch
        if isinstance(recorded.event, GroupEvent) and recorded.event.group is not None
    ]
    if not events:
        return
    groups_ = Rows(connection, GROUPS, (group for _, _, group in events))
    people = [_member_id(group, contact) for _, event, group in events for contact in _present(event)]
    people += [
        _member_id(group, event.contact) for _, event, group in events if isinstance(event, MemberLeft)
    ]
    members = Rows(connection, MEMBERS, people)
    for recorded, event, group in events:
        row, at = groups_.open(group), recorded.occurred_at
        row["first_seen"] = min(row["first_seen"] or at, at)
        row["last_activity"] = max(row["last_activity"] or at, at)
        _fold(row, event)
        for contact in _present(event):
            _come(members, group, contact, at)
        if isinstance(event, MemberLeft):
            _come(members, group, event.contact, at)  # they may have been there before we were
            members[_member_id(group, event.contact)]["until"] = at
    groups_.save()
    members.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(MEMBERS).where(MEMBERS.c.contact.in_(event.contacts)))


groups = Projection(
    name="groups",
    version=1,
    tables=(GROUPS, MEMBERS),
    listens_to=frozenset(
        {
            GroupSeen,
            GroupRenamed,
            GroupMigrated,
            GroupLeft,
            GroupRejoined,
            MessageReceived,
            MessageEdited,
            ButtonPressed,
            MemberJoined,
            MemberLeft,
            DeliveryPlanned,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------


def group(connection: Connection, wanted: GroupId) -> Group | None:
    """Return one group, None where there is none."""
    return next(iter(_groups(connection, select(GROUPS).where(GROUPS.c.group_id == wanted))), None)


def groups_by_id(connection: Connection, wanted: Collection[GroupId]) -> list[Group]:
    """Return those of the groups that are known, by title."""
    return _groups(
        connection,
        select(GROUPS).where(GROUPS.c.group_id.in_(wanted)).order_by(GROUPS.c.title_key, GROUPS.c.group_id),
    )


def listed(connection: Connection, *, gone: bool = False, limit: int = 100) -> list[Group]:
    """Return the groups the bot is in, the liveliest first; those it left only if asked for."""
    statement = select(GROUPS).order_by(GROUPS.c.last_activity.desc(), GROUPS.c.group_id).limit(limit)
    return _groups(connection, statement if gone else statement.where(GROUPS.c.gone.is_(None)))


def find(connection: Connection, text: str, limit: int = 20) -> list[Group]:
    """Return the groups a text may mean: an id, the provider's id (also ``channel:id``), a title, or else a part of one."""
    said = text.strip()
    channel, _, external_id = said.rpartition(":")
    address = GROUPS.c.external_id == external_id
    key = folded(said)[:LONGEST_KEY]
    if not key:
        return []
    for clause in (
        GROUPS.c.group_id == said,
        address if not channel else address & (GROUPS.c.channel == channel.lower()),
        GROUPS.c.title_key == key,
        GROUPS.c.title_key.contains(key, autoescape=True),
    ):
        found = _groups(
            connection,
            select(GROUPS).where(clause).order_by(GROUPS.c.title_key, GROUPS.c.group_id).limit(limit),
        )
        if found:
            return found
    return []


def members_of(connection: Connection, wanted: GroupId, limit: int = 500) -> list[Member]:
    """Return who was seen in a group, those still there first, the newest first."""
    statement = (
        select(MEMBERS.c.contact, MEMBERS.c.since, MEMBERS.c.until)
        .where(MEMBERS.c.group_id == wanted)
        .order_by(MEMBERS.c.until.is_not(None), MEMBERS.c.since.desc(), MEMBERS.c.contact)
        .limit(limit)
    )
    return [Member(row.contact, row.since, row.until) for row in connection.execute(statement)]


def groups_of(connection: Connection, contact: ContactId) -> list[Group]:
    """Return the groups where a contact is, by title."""
    there = select(MEMBERS.c.group_id).where(MEMBERS.c.contact == contact, MEMBERS.c.until.is_(None))
    return _groups(
        connection,
        select(GROUPS).where(GROUPS.c.group_id.in_(there)).order_by(GROUPS.c.title_key, GROUPS.c.group_id),
    )


def _groups(connection: Connection, statement: Select[Any]) -> list[Group]:
    rows = connection.execute(statement.where(GROUPS.c.channel != "")).mappings().all()
    counted = (
        select(MEMBERS.c.group_id, func.count().label("members"))
        .where(MEMBERS.c.group_id.in_([row["group_id"] for row in rows]), MEMBERS.c.until.is_(None))
        .group_by(MEMBERS.c.group_id)
    )
    members = {row.group_id: row.members for row in connection.execute(counted)}
    return [_as_group(row, members.get(row["group_id"], 0)) for row in rows]


def _as_group(row: RowMapping, members: int) -> Group:
    columns = {name: row[name] for name in Group.__dataclass_fields__ if name not in {"id", "members"}}
    return Group(id=row["group_id"], members=members, **columns)
