"""One page of one subject's timeline: a walk along an index, by a statement that is built once for each kind of question."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
)

from projections.question import Question
from projections.schema import one_asked_for
from projections.timeline.tables import BROADCASTS, PARTIES, TIMELINE, Kind
from projections.timeline.words import positions_with

KINDS_OF_QUESTIONS = 128
COLUMNS = (
    *("position", "place", "kind", "at", "event", "actor", "contact", "customer", "group_id", "channel"),
    *("text", "edited", "value", "provider_message", "forwarded", "delivery", "broadcast", "occasion"),
    *("choices", "media", "states", "part"),
)
"""What a row of a page holds, in this order."""


class Subject(StrEnum):
    """Whose timeline."""

    CONTACT = "contact"
    ALONE = "alone"
    """A contact without what they said in groups."""
    CUSTOMER = "customer"
    """What names no contact."""
    GROUP = "group"
    EVERYBODY = "everybody"


_OF: BindParameter[str] = bindparam("of")
_WHOSE = {
    Subject.CONTACT: TIMELINE.c.contact == _OF,
    Subject.ALONE: and_(TIMELINE.c.contact == _OF, TIMELINE.c.group_id.is_(None)),
    Subject.CUSTOMER: TIMELINE.c.customer == _OF,
    Subject.GROUP: TIMELINE.c.group_id == _OF,
    Subject.EVERYBODY: true(),
}


def question(subject: Subject, narrowed: Iterable[str], *, postgres: bool) -> Question:
    """Return the question for a page: the ``limit`` newest rows that fit, or with ``after`` alone the oldest; in no order.

    ``narrowed``: by which of ``channel``, ``kinds``, ``before``, ``after``, ``since``, ``until``, ``as_of`` and ``words`` (as they were
    ``searched``); those are asked for, too, and ``of``, and ``on``: the channel that they are on. These two are not asked of EVERYBODY.
    """
    return _question(subject, frozenset(narrowed), postgres)


@lru_cache(KINDS_OF_QUESTIONS)
def _question(subject: Subject, narrowed: frozenset[str], postgres: bool) -> Question:  # noqa: FBT001  # a key of the cache
    """Where many rows may fit of which few are shown, those are chosen first, without what belongs to them."""
    place = _place(narrowed)
    clauses = [clause for name, clause in _clauses(place, postgres=postgres).items() if name in narrowed]
    clauses.append(_WHOSE[subject])
    order = _order(subject, narrowed, place)
    if narrowed & {"as_of", "words"}:
        chosen = (
            select(TIMELINE, place.label("stood"))
            .where(*clauses)
            .order_by(*order)
            .limit(bindparam("limit"))
            .subquery()
        )
        return Question(_whole(chosen, chosen.c.stood, subject, narrowed))
    whole = _whole(TIMELINE, TIMELINE.c.place, subject, narrowed)
    return Question(whole.where(*clauses).order_by(*order).limit(bindparam("limit")))


def _place(narrowed: AbstractSet[str]) -> ColumnElement[int]:
    """Where a row stood in the conversation at the position that is asked about."""
    if "as_of" not in narrowed:
        return TIMELINE.c.place
    return case((TIMELINE.c.place <= bindparam("as_of"), TIMELINE.c.place), else_=TIMELINE.c.position)


def _clauses(place: ColumnElement[int], *, postgres: bool) -> dict[str, ColumnElement[bool]]:
    """Each by what must be asked for it to count."""
    there = select(PARTIES.c.party).where(PARTIES.c.channel == bindparam("channel"))
    matching = positions_with(bindparam("words"), postgres=postgres)
    by_broadcast = select(BROADCASTS.c.broadcast).where(BROADCASTS.c.position.in_(matching))
    return {
        "kinds": one_asked_for(TIMELINE.c.kind, "kinds"),
        "channel": or_(TIMELINE.c.contact.in_(there), TIMELINE.c.group_id.in_(there)),
        "before": place < bindparam("before"),
        "after": place > bindparam("after"),
        "since": TIMELINE.c.at >= bindparam("since"),
        "until": TIMELINE.c.at < bindparam("until"),
        "as_of": TIMELINE.c.position <= bindparam("as_of"),
        "words": or_(TIMELINE.c.position.in_(matching), TIMELINE.c.broadcast.in_(by_broadcast)),
    }


def _order(
    subject: Subject, narrowed: AbstractSet[str], place: ColumnElement[int]
) -> list[UnaryExpression[int]]:
    """Of one contact or customer no two rows stand at one place, and their indexes end there."""
    parts = (TIMELINE.c.part,) if subject in {Subject.GROUP, Subject.EVERYBODY} else ()
    forwards = "after" in narrowed and "before" not in narrowed
    return [column.asc() if forwards else column.desc() for column in (place, *parts)]


def _whole(
    rows: FromClause, place: ColumnElement[int], subject: Subject, narrowed: AbstractSet[str]
) -> Select[Any]:
    """Return the question for rows of the timeline with all that is told of them."""
    found_on = subject is Subject.EVERYBODY
    told = {
        "place": place,
        "channel": PARTIES.c.channel if found_on else bindparam("on", type_=PARTIES.c.channel.type),
        "text": func.coalesce(rows.c.rendered, rows.c.text, BROADCASTS.c.text),
        "edited": _edited(rows, narrowed),
    }
    joined = rows.outerjoin(BROADCASTS, BROADCASTS.c.broadcast == rows.c.broadcast)
    if found_on:
        joined = joined.outerjoin(PARTIES, PARTIES.c.party == func.coalesce(rows.c.group_id, rows.c.contact))
    return select(*(told[name] if name in told else rows.c[name] for name in COLUMNS)).select_from(joined)


def _edited(rows: FromClause, narrowed: AbstractSet[str]) -> ColumnElement[str | None]:
    """What a message reads since its newest edit, whichever came first. Most have none: then there is nothing to put in order."""
    edit = TIMELINE.alias()
    edits = select(edit.c.text).where(
        edit.c.kind == literal(Kind.EDIT.value, literal_execute=True),  # as IS_EDIT
        edit.c.contact == rows.c.contact,
        edit.c.provider_message == rows.c.provider_message,
        edit.c.group_id.is_not_distinct_from(rows.c.group_id),
    )
    if "as_of" in narrowed:
        edits = edits.where(edit.c.position <= bindparam("as_of"))
    newest = edits.order_by(edit.c.at.desc(), edit.c.position.desc()).limit(1)
    is_edited = and_(rows.c.kind == literal(Kind.MESSAGE.value), edits.exists())
    return case((is_edited, newest.scalar_subquery()))
