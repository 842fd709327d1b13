"""Rules: the book of rules with readable patterns and answers, and the welcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Column, Connection, String, Table, Text, select

from domain.identity import RuleId, Slug, Tag
from domain.message import Recorded
from domain.rules.events import Match, RuleAdded, RuleRemoved, WelcomeSet
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc

RULES = Table(
    "rules",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("match", String, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("in_group", Boolean, nullable=False),
    Column("answer", Text),
    Column("tag", String),
    Column("added_by", String, nullable=False),
    Column("added_at", Utc, nullable=False),
    Column("removed_at", Utc),
)
WELCOMES = Table(
    "welcomes",
    METADATA,
    Column("place", String, primary_key=True),
    Column("text", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as it is listed: what it answers, or the tag it gives."""

    id: RuleId
    match: Match
    pattern: str
    in_group: bool
    answer: str | None
    tag: Tag | None
    added_by: Slug
    added_at: datetime
    removed_at: datetime | None


_BookEvent = RuleAdded | RuleRemoved | WelcomeSet


def _place(*, in_group: bool) -> str:
    return "group" if in_group else "private"


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _BookEvent)]
    book = Rows(connection, RULES, (event.rule for _, event in events if not isinstance(event, WelcomeSet)))
    welcomes = Rows(connection, WELCOMES, [_place(in_group=False), _place(in_group=True)])
    for recorded, event in events:
        match event:
            case RuleAdded():
                book.put(
                    {
                        "rule": event.rule,
                        "position": recorded.position,
                        "match": event.match.value,
                        "pattern": event.pattern.value,
                        "in_group": event.in_group,
                        "answer": None if event.answer is None else event.answer.value,
                        "tag": event.tag,
                        "added_by": recorded.actor,
                        "added_at": recorded.occurred_at,
                    }
                )
            case RuleRemoved(rule=rule):
                book[rule]["removed_at"] = recorded.occurred_at
            case WelcomeSet(in_group=in_group, text=text):
                welcomes.put({"place": _place(in_group=in_group), "text": text.value})
    book.save()
    welcomes.save()


rules = Projection(
    name="rules",
    version=1,
    tables=(RULES, WELCOMES),
    listens_to=frozenset({RuleAdded, RuleRemoved, WelcomeSet}),
    apply=_apply,
)


def listed(connection: Connection, *, removed: bool = False) -> list[RuleLine]:
    """Return the rules in the order they are tried; removed ones only if asked for."""
    statement = select(RULES).order_by(RULES.c.position)
    if not removed:
        statement = statement.where(RULES.c.removed_at.is_(None))
    return [
        RuleLine(
            id=row.rule,
            match=Match(row.match),
            pattern=row.pattern,
            in_group=row.in_group,
            answer=row.answer,
            tag=row.tag,
            added_by=row.added_by,
            added_at=row.added_at,
            removed_at=row.removed_at,
        )
        for row in connection.execute(statement)
    ]


def welcome(connection: Connection, *, in_group: bool = False) -> str | None:
    """Return what new contacts (or new members of groups) are greeted with; None where nothing was set."""
    wanted = _place(in_group=in_group)
    return connection.execute(select(WELCOMES.c.text).where(WELCOMES.c.place == wanted)).scalar()
