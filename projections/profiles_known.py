"""Profiles known: what other systems and operators told of customers: birthdays, since when they are members, language, time zone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Index,
    Integer,
    Select,
    String,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    or_,
    select,
)

from domain.customers.events import CustomerDescribed, CustomerForgotten
from domain.identity import CustomerId, Locale, ZoneName
from domain.message import Recorded
from domain.policies.anniversaries import Birthday, Day, LunarDay, birthday_of, kept_on, kept_on_lunar
from projections.projection import RECORD_EVENTS, Parties, Projection, Row, Rows
from projections.question import Question
from projections.schema import METADATA, one_asked_for, parties_table

KNOWN = Table(
    "profiles_known",
    METADATA,
    Column("customer", String, primary_key=True),
    Column("born_year", Integer),
    Column("born_month", Integer),
    Column("born_day", Integer),
    Column("born_lunar", Boolean),
    Column("member_since", Date),
    Column("member_month", Integer),
    Column("member_day", Integer),
    Column("language", String),
    Column("zone", String),
    Index("profiles_by_birthday", "born_lunar", "born_month", "born_day"),
    Index("profiles_by_membership", "member_month", "member_day"),
)
"""A row a record, as it was told; who answers for a record that was merged away is found through the parties."""
PARTIES = parties_table("profile_records")


@dataclass(frozen=True, slots=True)
class KnownProfile:
    """What was told of a customer; None is not known."""

    birthday: Birthday | None = None
    member_since: date | None = None
    language: Locale | None = None
    zone: ZoneName | None = None


# --- apply ---------------------------------------------------------------------------------------------------------


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    described = [r.event for r in batch if isinstance(r.event, CustomerDescribed)]
    rows = Rows(connection, KNOWN, (event.customer for event in described))
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        match recorded.event:
            case CustomerDescribed() as event:
                _describe(rows.open(event.customer), event)
            case event:
                parties.note(event)
    rows.save()
    parties.save()


def _describe(row: Row, event: CustomerDescribed) -> None:
    born = None if event.birthday is None else birthday_of(event.birthday.value)
    if born is not None:
        row["born_year"], row["born_month"], row["born_day"] = born.year, born.month, born.day
        row["born_lunar"] = born.lunar
    if event.member_since is not None:
        row["member_since"] = event.member_since
        row["member_month"], row["member_day"] = event.member_since.month, event.member_since.day
    row["language"] = event.language or row["language"]
    row["zone"] = event.zone or row["zone"]


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(KNOWN).where(KNOWN.c.customer.in_(event.customers)))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_(event.customers)))


profiles_known = Projection(
    name="profiles_known",
    version=1,
    tables=(KNOWN, PARTIES),
    listens_to=frozenset({*RECORD_EVENTS, CustomerDescribed, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------

OWNER = func.coalesce(PARTIES.c.customer, KNOWN.c.customer)


def born_on(today: date, lunar: LunarDay | None) -> Select[Any]:
    """Return the question for the customers whose birthday is kept today; ``lunar``: today in that calendar, None: those are left out."""
    solar = _born(kept_on(today), lunar=False)
    return _whose(
        solar if lunar is None else or_(solar, _born(kept_on_lunar(lunar), lunar=True)), "born_month"
    )


def members_for_years_on(today: date) -> Select[Any]:
    """Return the question for the customers who became members on this day of an earlier year."""
    days = [and_(KNOWN.c.member_month == month, KNOWN.c.member_day == day) for month, day in kept_on(today)]
    return _whose(and_(KNOWN.c.member_since < today, or_(*days)), "member_since")


def _born(days: Sequence[Day], *, lunar: bool) -> ColumnElement[bool]:
    any_of = [and_(KNOWN.c.born_month == month, KNOWN.c.born_day == day) for month, day in days]
    return and_(KNOWN.c.born_lunar.is_(lunar), or_(false(), *any_of))


def _whose(clause: ColumnElement[bool], told: str) -> Select[Any]:
    """The word of a record that was merged away counts where the one that answers for it says nothing."""
    whole = KNOWN.alias()
    said = exists().where(whole.c.customer == PARTIES.c.customer, whole.c[told].is_not(None))
    return (
        select(OWNER)
        .select_from(KNOWN)
        .outerjoin(PARTIES, PARTIES.c.party == KNOWN.c.customer)
        .where(clause, or_(PARTIES.c.customer.is_(None), ~said))
    )


def known_of(connection: Connection, wanted: Collection[CustomerId]) -> dict[CustomerId, KnownProfile]:
    """Return what was told of these customers, each thing from the record that answers where that knows it; the others are missing."""
    found: dict[CustomerId, KnownProfile] = {}
    for owner, *born, member_since, language, zone in _TOLD.ask(connection, wanted=list(wanted)):
        profile = found.get(owner, KnownProfile())
        found[owner] = replace(
            profile,
            birthday=profile.birthday or _birthday(*born),
            member_since=profile.member_since or member_since,
            language=profile.language or language,
            zone=profile.zone or zone,
        )
    return found


def _birthday(year: int | None, month: int | None, day: int, lunar: bool) -> Birthday | None:  # noqa: FBT001  # a row's
    return None if month is None else Birthday(month, day, year, lunar=lunar)


_WANTED = one_asked_for(PARTIES.c.customer, "wanted")
_TOLD = Question(
    select(
        OWNER,
        *(KNOWN.c[name] for name in ("born_year", "born_month", "born_day", "born_lunar")),
        *(KNOWN.c[name] for name in ("member_since", "language", "zone")),
    )
    .select_from(KNOWN)
    .outerjoin(PARTIES, PARTIES.c.party == KNOWN.c.customer)
    .where(
        or_(
            one_asked_for(KNOWN.c.customer, "wanted"),
            KNOWN.c.customer.in_(select(PARTIES.c.party).where(_WANTED)),
        ),
        one_asked_for(OWNER, "wanted"),
    )
    .order_by((KNOWN.c.customer == OWNER).desc(), KNOWN.c.customer)
)
