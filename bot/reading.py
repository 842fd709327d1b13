"""What the scheduler reads, joined from the views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import select

from bot.eventlog.log import StoredEventLog
from domain.deliveries.delivery import RESEND_AFTER_LEASE
from domain.identity import Account, BroadcastId, Channel, ContactId, GroupId, Tag
from domain.message import Recorded
from domain.ports.agenda import Agenda, BrokenLease, DueDelivery, DueSchedule
from domain.ports.audience import Audience, Known, Recipient
from domain.ports.tag_ledger import Page
from projections import due
from projections.engine import Views
from projections.mirrored_tags import mirrored
from projections.people import contacts, customers
from projections.people.contacts import CONTACTS
from projections.tags import TAGS, holders
from projections.windows import opened
from scheduler.letters import Letters

PAGE = 5_000

log_ = structlog.get_logger(__name__)


@dataclass(slots=True)
class SqlAudience:
    """domain.ports.audience.Audience over the views."""

    views: Views
    brand: str

    def recipients(self, tag: Tag | None) -> list[Recipient]:
        """See Audience."""
        among = None if tag is None else holders(tag)
        found: list[Recipient] = []
        after = 0
        with self.views.snapshot() as connection:
            while page := customers.recipients(connection, among=among, after=after, limit=PAGE):
                found.extend(Recipient(customer, contact) for _, customer, contact in page)
                after = page[-1][0]
        return found

    def about(self, contact: ContactId | None, group: GroupId | None) -> Known:  # noqa: ARG002  # a group has no name to use
        """See Audience. Templates may use name, username, number and brand; in a group only brand."""
        if contact is None:
            return Known({"brand": self.brand})
        with self.views.read() as connection:
            seen = contacts.contact(connection, contact)
            owner = (
                customers.customer(connection, seen.customer) if seen is not None and seen.customer else None
            )
            windows = opened(connection, contact)
        if seen is None:
            return Known({"brand": self.brand})
        variables = {
            "brand": self.brand,
            "name": owner.known_as if owner is not None else seen.name,
            "username": seen.username or "",
            "number": f"#{owner.number}" if owner is not None else "",
        }
        return Known(variables, last_heard=seen.last_in, opened=windows)


@dataclass(slots=True)
class SqlAgenda:
    """domain.ports.agenda.Agenda over the views."""

    views: Views

    def due(self, now: datetime, limit: int, *, marketing: bool) -> list[DueDelivery]:
        """See Agenda."""
        with self.views.read() as connection:
            planned = due.due_deliveries(connection, now, limit, marketing=marketing)
            overdue = due.overdue(connection, now, limit)
            again = due.resendable(connection, now, limit)
        hints = [_hint(d, d.not_before) for d in (*planned, *overdue)]
        hints += [_hint(d, d.until + RESEND_AFTER_LEASE) for d in again if d.until is not None]
        return sorted(hints, key=lambda hint: hint.priority)[:limit]

    def broken_leases(self, now: datetime, limit: int) -> list[BrokenLease]:
        """See Agenda."""
        with self.views.read() as connection:
            return [BrokenLease(d.delivery, d.attempt) for d in due.expired_leases(connection, now, limit)]

    def broadcasts(self, now: datetime) -> list[BroadcastId]:
        """See Agenda."""
        with self.views.read() as connection:
            return due.due_broadcasts(connection, now)

    def schedules(self) -> list[DueSchedule]:
        """See Agenda."""
        with self.views.read() as connection:
            return [
                DueSchedule(s.schedule, s.recurrence, s.zone, s.starts_at, s.last_day)
                for s in due.active_schedules(connection)
            ]

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
    """Agenda, audience and letters of one installation; ``park`` notes what a process could not digest."""

    agenda: Agenda
    audience: Audience
    letters: Letters
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
        with self.views.snapshot() as connection:
            people = {
                row.external_id: (row.contact, row.customer)
                for row in connection.execute(select(CONTACTS).where(here, CONTACTS.c.blocked.is_(None)))
            }
            by_hand = select(CONTACTS.c.contact, TAGS.c.tag).join(TAGS, TAGS.c.subject == CONTACTS.c.customer)
            held = by_hand.where(here, TAGS.c.rule == "", TAGS.c.known_to.is_(None))
            ours = frozenset((row.contact, row.tag) for row in connection.execute(held))
            known = {contact for contact, _ in people.values()}
            there = frozenset(one for one in mirrored(connection) if one[0] in known)
        return Page(ours, there, people)
