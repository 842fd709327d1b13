"""What the scheduler reads, joined from the views."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import structlog
from lunardate import LunarDate
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal, select

from bot.campaigns.variables import variables
from bot.eventlog.log import StoredEventLog
from domain.deliveries.delivery import RESEND_AFTER_LEASE, Phase
from domain.identity import (
    Account,
    BroadcastId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    RunId,
    Tag,
)
from domain.message import Recorded, Rival
from domain.policies.anniversaries import LUNAR_DAYS, LunarDay
from domain.policies.occasions import BIRTHDAY, MEMBER_ANNIVERSARY
from domain.ports.agenda import Agenda, BrokenLease, DueDelivery, DueSchedule, UnderWay
from domain.ports.audience import Audience, Known, Recipient, Whom
from domain.ports.canaries import Canaries, CanaryFigures
from domain.ports.tag_ledger import Page
from projections import due
from projections.allowances import given
from projections.campaign_lists import listed_for
from projections.consents import agreed_by
from projections.deliveries.tables import DELIVERIES
from projections.engine import Views
from projections.mirrored_tags import mirrored
from projections.people.contacts import CONTACTS
from projections.people.customers import CONSENTS
from projections.people.meant import answering_for, meant, size
from projections.people.reached import reached
from projections.profiles_known import KnownProfile, born_on, known_of, members_for_years_on
from projections.question import Question
from projections.schema import one_asked_for
from projections.tags import given_by_hand, holders
from projections.windows import opened
from scheduler.letters import Letters

FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR = 1901, 2098
"""What the tables of lunardate cover, with a year to spare."""
_SENT = (Phase.ACCEPTED, Phase.CONFIRMED, Phase.UNKNOWN)

log_ = structlog.get_logger(__name__)


@dataclass(slots=True)
class SqlAudience:
    """domain.ports.audience.Audience over the views."""

    views: Views
    brand: str

    def page(self, whom: Whom, after: int, limit: int) -> list[Recipient]:
        """See Audience."""
        among, without = _narrowed(whom)
        with self.views.snapshot() as connection:
            page = meant(
                connection,
                among=among,
                without=without,
                agreed=lambda contact: agreed_by(contact, whom.topic),
                after=after,
                limit=limit,
            )
            told = known_of(connection, [one.customer for one in page])
        unknown = KnownProfile()
        return [
            Recipient(
                one.number, one.customer, one.contact, one.channel, known.zone, known.language or one.language
            )
            for one in page
            for known in (told.get(one.customer, unknown),)
        ]

    def size(self, whom: Whom) -> int:
        """See Audience."""
        among, without = _narrowed(whom)
        with self.views.read() as connection:
            return size(connection, among=among, without=without)

    def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
        """See Audience. Templates may use name, username, number and brand; in a group only brand."""
        with self.views.read() as connection:
            seen = reached(connection, whom)
            told = known_of(connection, {one.customer for one in seen.values()})
            windows, consents = opened(connection, seen), given(connection, seen)
        unknown = KnownProfile()
        known: dict[str, Known] = {
            contact: Known(
                variables(self.brand, name=one.known_as, username=one.username, number=one.number),
                last_heard=one.last_in,
                opened=windows.get(contact, ()),
                locale=told.get(one.customer, unknown).language or one.language,
                given=consents.get(contact, {}),
            )
            for contact, one in seen.items()
        }
        stranger = Known({"brand": self.brand})
        return {one: known.get(one, stranger) for one in whom}


def _narrowed(whom: Whom) -> tuple[list[Select[Any]], list[Select[Any]]]:
    """Return the questions for those among whom somebody must be, and for those who are spared."""
    among = [holders(tag) for tag in whom.tags]
    if whom.listed_for is not None:
        among.append(answering_for(listed_for(whom.listed_for)))
    if whom.occasion is not None and whom.day is not None:
        own = {
            BIRTHDAY: lambda day: born_on(day, lunar_day(day)),
            MEMBER_ANNIVERSARY: members_for_years_on,
        }
        among.append(own[whom.occasion](whom.day))
    return among, [holders(tag) for tag in whom.without]


def lunar_day(day: date) -> LunarDay | None:
    """Return what a day is in the lunar calendar; None where the tables end."""
    if not FIRST_LUNAR_YEAR <= day.year <= LAST_LUNAR_YEAR:
        return None
    there = LunarDate.from_solar_date(day.year, day.month, day.day)
    morrow = day + timedelta(days=1)
    month_ends = LunarDate.from_solar_date(morrow.year, morrow.month, morrow.day).day == 1
    return LunarDay(
        there.month, there.day, there.day if month_ends else LUNAR_DAYS, leap=bool(there.is_leap_month)
    )


def _stands(*phases: Phase) -> ColumnElement[bool]:
    return DELIVERIES.c.phase.in_([literal(phase.value) for phase in phases])


def _count(*phases: Phase) -> ColumnElement[int]:
    """Return how many stand so, but for those that our gate refused."""
    return func.count().filter(_stands(*phases), DELIVERIES.c.rule.is_(None))


_OF_RUN = DELIVERIES.c.run == bindparam("run")
_ENDED_IT = (
    select(func.count(DELIVERIES.c.customer.distinct()))
    .join(CONSENTS, CONSENTS.c.customer == DELIVERIES.c.customer)
    .where(_OF_RUN, _stands(*_SENT), CONSENTS.c.granted.is_(False), CONSENTS.c.at >= DELIVERIES.c.started_at)
    .correlate(None)
    .scalar_subquery()
)
_FIGURES = Question(
    select(
        func.count(),
        _count(Phase.PLANNED, Phase.STARTED),
        _count(Phase.ACCEPTED, Phase.CONFIRMED),
        _count(Phase.REJECTED),
        _count(Phase.UNKNOWN),
        _ENDED_IT,
        func.max(DELIVERIES.c.started_at).filter(_stands(*_SENT)),
    ).where(_OF_RUN)
)
"""As CanaryFigures has them."""


@dataclass(slots=True)
class SqlCanaries:
    """domain.ports.canaries.Canaries over the views."""

    views: Views

    def figures(self, run: RunId) -> CanaryFigures:
        """See Canaries."""
        with self.views.read() as connection:
            ((planned, open_, sent, failed, unknown, opted_out, last_sent),) = _FIGURES.ask(
                connection, run=run
            )
        return CanaryFigures(
            planned=planned,
            open=open_,
            sent=sent,
            failed=failed,
            unknown=unknown,
            opted_out=opted_out,
            last_sent=last_sent,
        )


@dataclass(slots=True)
class SqlAgenda:
    """domain.ports.agenda.Agenda over the views."""

    views: Views

    def due(self, now: datetime, limit: int, among: Collection[tuple[Channel, Account]]) -> list[DueDelivery]:
        """See Agenda."""
        with self.views.read() as connection:
            planned = due.due_deliveries(connection, now, limit, among)
            overdue = due.overdue(connection, now, limit, among)
            again = due.resendable(connection, now, limit, among)
        hints = [_hint(d, d.not_before) for d in (*planned, *overdue)]
        hints += [_hint(d, d.until + RESEND_AFTER_LEASE) for d in again if d.until is not None]
        return sorted(hints, key=lambda hint: hint.priority)

    def broken_leases(self, now: datetime, limit: int) -> list[BrokenLease]:
        """See Agenda."""
        with self.views.read() as connection:
            return [BrokenLease(d.delivery, d.attempt) for d in due.expired_leases(connection, now, limit)]

    def broadcasts(self, now: datetime) -> list[BroadcastId]:
        """See Agenda."""
        with self.views.read() as connection:
            return due.due_broadcasts(connection, now)

    def campaigns(self) -> list[UnderWay]:
        """See Agenda."""
        with self.views.snapshot() as connection:
            return [
                UnderWay(c.campaign, c.last_at, c.runs, open=c.open)
                for c in due.campaigns_under_way(connection)
            ]

    def schedules(self) -> list[DueSchedule]:
        """See Agenda."""
        with self.views.read() as connection:
            return [
                DueSchedule(s.schedule, s.recurrence, s.zone, s.starts_at, s.last_day)
                for s in due.active_schedules(connection)
            ]

    def rivals(self, delivery: DeliveryId, now: datetime) -> list[Rival]:
        """See Agenda."""
        with self.views.read() as connection:
            return due.rivals(connection, delivery, now)

    def next_moment(self, after: datetime) -> datetime | None:
        """See Agenda."""
        with self.views.read() as connection:
            return due.next_moment(connection, after)


def _hint(found: due.DueDelivery, not_before: datetime) -> DueDelivery:
    return DueDelivery(
        delivery=found.delivery,
        priority=due.PRIORITIES[found.kind],
        channel=found.channel,
        account=found.account,
        contact=found.contact,
        group=found.group,
        not_before=not_before,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Agenda, audience, letters and canaries of one installation; ``park`` notes what a process could not digest."""

    agenda: Agenda
    audience: Audience
    letters: Letters
    canaries: Canaries
    log: StoredEventLog

    def park(self, process: str, recorded: Recorded, error: Exception) -> None:
        """Keep (position, error) beside the log, for ``siyu replay``."""
        keep_parked(
            self.log, process, [*parked_by(self.log, process), (recorded.position, type(error).__name__)]
        )


def parked_by(log: StoredEventLog, process: str) -> list[tuple[int, str]]:
    """Return (position, error) of what a process could not digest, oldest first."""
    return msgspec.json.decode(log.get_cursor(f"parked:{process}") or "[]", type=list[tuple[int, str]])


def keep_parked(log: StoredEventLog, process: str, entries: Sequence[tuple[int, str]]) -> None:
    """Keep what is still parked, each position once."""
    log.set_cursor(f"parked:{process}", msgspec.json.encode(sorted(dict(entries).items())).decode())


_REACHABLE = select(CONTACTS.c.external_id, CONTACTS.c.contact, CONTACTS.c.customer).where(
    CONTACTS.c.account == bindparam("account"), CONTACTS.c.private, CONTACTS.c.blocked.is_(None)
)
_NEXT = Question(
    _REACHABLE.where(CONTACTS.c.channel == bindparam("channel"), CONTACTS.c.external_id > bindparam("after"))
    .order_by(CONTACTS.c.external_id)
    .limit(bindparam("limit"))
)
_AMONG = tuple(
    Question(
        _REACHABLE.where(
            func.coalesce(CONTACTS.c.channel, "") == bindparam("channel"), one_asked_for(column, "ids")
        )
    )
    for column in (CONTACTS.c.contact, CONTACTS.c.customer)
)
"""One after the other, and the channel where no index has it: else SQLite looks at everybody on it."""


@dataclass(slots=True)
class SqlTagLedger:
    """domain.ports.tag_ledger.TagLedger over the views; ``catch_up`` brings them to the log's end."""

    views: Views
    catch_up: Callable[[], None]

    def page(self, channel: Channel, account: Account, after: str, limit: int) -> Page:
        """See TagLedger."""
        self.catch_up()
        with self.views.snapshot() as connection:
            found = _NEXT.ask(connection, channel=channel, account=account, after=after, limit=limit)
            return _tags_of(connection, found)

    def of(
        self,
        channel: Channel,
        account: Account,
        customers: Collection[CustomerId],
        contacts: Collection[ContactId],
    ) -> Page:
        """See TagLedger."""
        self.catch_up()
        with self.views.snapshot() as connection:
            asked = zip(_AMONG, (contacts, customers), strict=True)
            found = [
                one
                for among, ids in asked
                for one in among.ask(connection, channel=channel, account=account, ids=list(ids))
            ]
            return _tags_of(connection, found)


def _tags_of(connection: Connection, found: Sequence[tuple[Any, ...]]) -> Page:
    people = {external_id: (contact, customer) for external_id, contact, customer in found}
    given: dict[CustomerId, list[Tag]] = {}
    for customer, tag in given_by_hand(connection, {customer for _, customer in people.values()}):
        given.setdefault(customer, []).append(tag)
    ours = frozenset(
        (contact, tag) for contact, customer in people.values() for tag in given.get(customer, ())
    )
    return Page(ours, mirrored(connection, [contact for contact, _ in people.values()]), people)
