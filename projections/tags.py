"""Tags: those given by hand, which are events, and those by keyword rules, which are computed here.

A tag is an interval: from when it holds (``effective``) and from which position of the log on we knew (``known``). A rule tags contacts who
write something that matches after the rule was added. **A removed rule ends no membership that it gave**: it was true when it was given,
and who was told something because of it stays findable.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Select,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    union,
    update,
)

from domain.conversations.events import ButtonPressed, MessageReceived
from domain.conversations.said import said
from domain.customers import parts
from domain.customers.events import (
    CustomerAbsorbed,
    CustomerForgotten,
    CustomerMerged,
    CustomerReleased,
    CustomerTagged,
    CustomerUnmerged,
    CustomerUntagged,
)
from domain.identity import CustomerId, EventId, RuleId, Slug, Tag
from domain.message import Recorded
from domain.rules.events import Match, RuleAdded, RuleRemoved
from projections.projection import PARTY_EVENTS, RECORD_EVENTS, Parties, Projection, Row, Rows, add
from projections.question import Question
from projections.schema import METADATA, Utc, one_asked_for, parties_table

Matcher = Callable[[Match, str, str], bool]
"""Whether a pattern of this kind matches a text; never raises, takes bounded time."""

HAND = "hand"
RULE = "rule"

TAGS = Table(
    "tags",
    METADATA,
    Column("subject", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("known_from", BigInteger, primary_key=True, autoincrement=False),
    Column("known_to", BigInteger),
    Column("effective_from", Utc, nullable=False),
    Column("effective_to", Utc),
    Column("cause", String, nullable=False),
)
"""``subject``: a customer (by hand) or a contact (by rule), so that linking contacts later rewrites nothing. ``rule``: empty by hand.
A customer who is merged into another holds no tags while they are: the other does."""
_STILL = TAGS.c.known_to.is_(None)
Index("tags_open", TAGS.c.tag, TAGS.c.subject, sqlite_where=_STILL, postgresql_where=_STILL)
RULES = Table(
    "tag_rules",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("added", BigInteger, nullable=False),
    Column("match", String, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("in_group", Boolean, nullable=False),
    Column("tag", String, nullable=False),
)
PARTIES = parties_table("tag_parties")


@dataclass(frozen=True, slots=True)
class Tagging:
    """One tag of one customer. ``source``: ``hand`` or ``rule``. ``known_to`` and ``effective_to`` are None while it holds."""

    tag: Tag
    source: Slug
    rule: RuleId | None
    cause: EventId
    effective_from: datetime
    effective_to: datetime | None
    known_from: int
    known_to: int | None


@dataclass(frozen=True, slots=True)
class TagCount:
    """How many customers have a tag now."""

    tag: Tag
    customers: int


# --- apply ---------------------------------------------------------------------------------------------------------


_MadeOf = CustomerAbsorbed | CustomerReleased | CustomerUnmerged
_RULES = Question(select(RULES.c.rule).order_by(RULES.c.added))
_HELD = Question(
    select(TAGS.c.subject, TAGS.c.tag, TAGS.c.rule).where(one_asked_for(TAGS.c.subject, "subjects"), _STILL)
)


class _Batch:
    """Tags while a batch is applied."""

    def __init__(self, connection: Connection, batch: Sequence[Recorded], matches: Matcher) -> None:
        self._connection, self._matches = connection, matches
        events = [recorded.event for recorded in batch]
        self._rules = Rows(connection, RULES, (rule for (rule,) in _RULES.ask(connection)))
        by_rule = any(self._rules) or any(isinstance(event, RuleAdded) for event in events)
        writers = {event.contact for event in events if isinstance(event, MessageReceived | ButtonPressed)}
        heard = writers if by_rule else set()  # without a rule nothing comes of what they write
        self._parties = Parties(connection, PARTIES, batch, also=heard)
        tagged = {
            event.customer for event in events if isinstance(event, CustomerTagged | CustomerMerged | _MadeOf)
        }
        subjects = [*heard, *tagged]
        self._held = set(_HELD.ask(connection, subjects=subjects)) if subjects else set()
        self._new: list[Row] = []

    def take(self, recorded: Recorded) -> None:
        match recorded.event:
            case MessageReceived() | ButtonPressed() as heard:
                self._tag_by_rules(recorded, heard)
            case CustomerTagged(customer=customer, tag=tag):
                self._open(recorded, customer, tag, "")
            case CustomerUntagged(customer=customer, tag=tag):
                self._close(recorded, customer, tag)
            case CustomerMerged(customer=customer):
                self._set(recorded, customer, frozenset())
            case CustomerAbsorbed() | CustomerReleased() | CustomerUnmerged() as changed:
                self._parties.note(changed)
                self._set(recorded, changed.customer, parts.tags(changed.parts))
            case RuleAdded(rule=rule, tag=str(tag)) as added:
                self._rules.put(
                    {
                        "rule": rule,
                        "added": recorded.position,
                        "match": added.match.value,
                        "pattern": added.pattern.value,
                        "in_group": added.in_group,
                        "tag": tag,
                    }
                )
            case RuleRemoved(rule=rule):
                self._rules.discard(rule)
            case event:
                self._parties.note(event)

    def _tag_by_rules(self, recorded: Recorded, heard: MessageReceived | ButtonPressed) -> None:
        """Somebody else's words say nothing about a contact, and no customer's rule applies to one of us."""
        words = said(heard)
        if words is None or self._parties.is_staff(heard.contact):
            return
        if isinstance(heard, MessageReceived) and heard.forwarded:
            return
        addressed = heard.group is None or (isinstance(heard, MessageReceived) and heard.to_bot)
        for rule in self._rules:
            if (addressed or rule["in_group"]) and self._matches(
                Match(rule["match"]), rule["pattern"], words
            ):
                self._open(recorded, heard.contact, rule["tag"], rule["rule"])

    def _open(self, recorded: Recorded, subject: str, tag: str, rule: str) -> None:
        if (subject, tag, rule) in self._held:
            return
        self._held.add((subject, tag, rule))
        self._new.append(
            {
                "subject": subject,
                "tag": tag,
                "rule": rule,
                "known_from": recorded.position,
                "known_to": None,
                "effective_from": recorded.occurred_at,
                "effective_to": None,
                "cause": recorded.id,
            }
        )

    def _close(self, recorded: Recorded, customer: str, tag: str) -> None:
        self._write_new()
        self._held.discard((customer, tag, ""))
        self._connection.execute(
            update(TAGS)
            .where(TAGS.c.subject == customer, TAGS.c.tag == tag, TAGS.c.rule == "", _STILL)
            .values(known_to=recorded.position, effective_to=recorded.occurred_at)
        )

    def _set(self, recorded: Recorded, customer: CustomerId, wanted: frozenset[Tag]) -> None:
        """From now on these are the customer's tags by hand."""
        held = {Tag(tag) for subject, tag, rule in self._held if (subject, rule) == (customer, "")}
        for tag in sorted(held - wanted):
            self._close(recorded, customer, tag)
        for tag in sorted(wanted):
            self._open(recorded, customer, tag, "")

    def _write_new(self) -> None:
        add(self._connection, TAGS, self._new)
        self._new.clear()

    def save(self) -> None:
        self._write_new()
        self._rules.save()
        self._parties.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(TAGS).where(TAGS.c.subject.in_([*event.contacts, *event.customers])))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_([*event.contacts, *event.customers])))


def tags(matches: Matcher) -> Projection:
    """Return the view. ``matches``: how patterns are held against texts, the same as for automatic replies."""

    def apply(connection: Connection, batch: Sequence[Recorded]) -> None:
        changes = _Batch(connection, batch, matches)
        for recorded in batch:
            changes.take(recorded)
        changes.save()

    listens_to = {
        *PARTY_EVENTS,
        *RECORD_EVENTS,
        MessageReceived,
        ButtonPressed,
        CustomerTagged,
        CustomerUntagged,
        CustomerMerged,
        CustomerReleased,
        RuleAdded,
        RuleRemoved,
        CustomerForgotten,
    }
    return Projection("tags", 2, (TAGS, RULES, PARTIES), frozenset(listens_to), apply, _forget)


# --- queries -------------------------------------------------------------------------------------------------------


def tags_of(connection: Connection, customer: CustomerId, *, as_of: int | None = None) -> list[Tagging]:
    """Return a customer's tags, by hand and by rule on any linked contact, in the order they were given; as known at a position."""
    contacts = select(PARTIES.c.party).where(PARTIES.c.customer == customer)
    statement = (
        select(TAGS)
        .where(or_(TAGS.c.subject == customer, TAGS.c.subject.in_(contacts)), _held(as_of))
        .order_by(TAGS.c.known_from, TAGS.c.tag, TAGS.c.rule)
    )
    return [
        Tagging(
            tag=row.tag,
            source=Slug(RULE if row.rule else HAND),
            rule=row.rule or None,
            cause=row.cause,
            effective_from=row.effective_from,
            effective_to=row.effective_to,
            known_from=row.known_from,
            known_to=row.known_to,
        )
        for row in connection.execute(statement)
    ]


def given_by_hand(
    connection: Connection, wanted: Collection[CustomerId]
) -> frozenset[tuple[CustomerId, Tag]]:
    """Return which of these customers have which tags by hand."""
    return frozenset(_BY_HAND.ask(connection, customers=list(wanted)))


_BY_HAND = Question(
    select(TAGS.c.subject, TAGS.c.tag).where(
        one_asked_for(TAGS.c.subject, "customers"), TAGS.c.rule == literal(""), _STILL
    )
)


def holders(tag: Tag, *, as_of: int | None = None) -> Select[Any]:
    """Return the question for the customers with a tag, for other views' queries (``among=``)."""
    by_hand = select(TAGS.c.subject.label("customer")).where(
        TAGS.c.tag == tag, TAGS.c.rule == "", _held(as_of)
    )
    by_rule = (
        select(PARTIES.c.customer.label("customer"))
        .join(TAGS, TAGS.c.subject == PARTIES.c.party)
        .where(TAGS.c.tag == tag, TAGS.c.rule != "", PARTIES.c.customer.is_not(None), _held(as_of))
    )
    return select(union(by_hand, by_rule).subquery().c.customer)


def tagged_with(connection: Connection, tag: Tag, *, as_of: int | None = None) -> list[CustomerId]:
    """Return the customers with a tag, now or as known at a position, in the order of their ids."""
    return sorted(connection.execute(holders(tag, as_of=as_of)).scalars())


def all_tags(connection: Connection) -> list[TagCount]:
    """Return every tag that somebody has now, with how many customers have it, by tag."""
    by_hand = select(TAGS.c.tag, TAGS.c.subject.label("customer")).where(TAGS.c.rule == "", _STILL)
    by_rule = (
        select(TAGS.c.tag, PARTIES.c.customer.label("customer"))
        .join(PARTIES, PARTIES.c.party == TAGS.c.subject)
        .where(TAGS.c.rule != "", _STILL)
    )
    held = union(by_hand, by_rule).subquery()
    statement = select(held.c.tag, func.count().label("customers")).group_by(held.c.tag)
    return sorted(
        (TagCount(row.tag, row.customers) for row in connection.execute(statement)),
        key=lambda count: count.tag,
    )


def _held(as_of: int | None) -> Any:  # noqa: ANN401  # a clause of SQLAlchemy's
    if as_of is None:
        return _STILL
    return and_(TAGS.c.known_from <= as_of, or_(TAGS.c.known_to.is_(None), TAGS.c.known_to > as_of))
