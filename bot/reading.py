"""What the scheduler reads, joined from the views."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import structlog
from lunardate import LunarDate
from sqlalchemy import Select, select

from bot.campaigns.variables import variables
from bot.eventlog.log import StoredEventLog
from domain.deliveries.delivery import RESEND_AFTER_LEASE, Phase
from domain.identity import Account, BroadcastId, Channel, ContactId, DeliveryId, GroupId, RunId
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
from projections.deliveries import outcomes_of
from projections.engine import Views
from projections.mirrored_tags import mirrored
from projections.people import customers
from projections.people.contacts import CONTACTS
from projections.people.meant import answering_for, meant, size
from projections.people.reached import reached
from projections.profiles_known import KnownProfile, born_on, known_of, members_for_years_on
from projections.tags import TAGS, holders
from projections.windows import opened
from scheduler.letters import Letters

FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR = 1901, 2098
"""What the tables of lunardate cover, with a year to spare."""
_SENT = {Phase.ACCEPTED, Phase.CONFIRMED, Phase.UNKNOWN}

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

    def about(self, contact: ContactId | None, group: GroupId | None) -> Known:  # noqa: ARG002  # a group has no name to use
        """See Audience. Templates may use name, username, number and brand; in a group only brand."""
        if contact is None:
            return Known({"brand": self.brand})
        with self.views.read() as connection:
            seen = reached(connection, contact)
            if seen is None:
                return Known({"brand": self.brand})
            told = known_of(connection, [seen.customer]).get(seen.customer, KnownProfile())
            windows = opened(connection, contact)
            consents = given(connection, contact)
        return Known(
            variables(self.brand, name=seen.known_as, username=seen.username, number=seen.number),
            last_heard=seen.last_in,
            opened=windows,
            locale=told.language or seen.language,
            given=consents,
        )


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


@dataclass(slots=True)
class SqlCanaries:
    """domain.ports.canaries.Canaries over the views."""

    views: Views

    def figures(self, run: RunId) -> CanaryFigures:
        """See Canaries."""
        with self.views.snapshot() as connection:
            outcomes = outcomes_of(connection, run)
            sent = {o.customer: o.started_at for o in outcomes if o.phase in _SENT and o.customer is not None}
            ended = customers.opted_out(connection, list(sent))
        counts = Counter(o.phase for o in outcomes if not o.by_rule)
        return CanaryFigures(
            planned=len(outcomes),
            open=counts[Phase.PLANNED] + counts[Phase.STARTED],
            sent=counts[Phase.ACCEPTED] + counts[Phase.CONFIRMED],
            failed=counts[Phase.REJECTED],
            unknown=counts[Phase.UNKNOWN],
            opted_out=sum(
                at >= started for who, started in sent.items() if started and (at := ended.get(who))
            ),
            last_sent=max(
                (o.started_at for o in outcomes if o.phase in _SENT and o.started_at), default=None
            ),
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


@dataclass(slots=True)
class SqlTagLedger:
    """domain.ports.tag_ledger.TagLedger over the views; ``catch_up`` brings them to the log's end."""

    views: Views
    catch_up: Callable[[], None]

    def page(self, channel: Channel, account: Account) -> Page:
        """See TagLedger."""
        self.catch_up()
        here = (CONTACTS.c.channel == channel) & (CONTACTS.c.account == account) & CONTACTS.c.private
        named = select(CONTACTS.c.external_id, CONTACTS.c.contact, CONTACTS.c.customer).where(here)
        with self.views.snapshot() as connection:
            reachable = connection.execute(named.where(CONTACTS.c.blocked.is_(None)))
            people = {row.external_id: (row.contact, row.customer) for row in reachable}
            by_hand = select(CONTACTS.c.contact, TAGS.c.tag).join(TAGS, TAGS.c.subject == CONTACTS.c.customer)
            held = by_hand.where(here, TAGS.c.rule == "", TAGS.c.known_to.is_(None))
            ours = frozenset((row.contact, row.tag) for row in connection.execute(held))
            known = {contact for contact, _ in people.values()}
            there = frozenset(one for one in mirrored(connection) if one[0] in known)
        return Page(ours, there, people)
