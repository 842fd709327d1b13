"""What the courier looks at before it acts, in a thread: what is due, and what would go out to whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import StoreUnavailable
from domain.identity import Account, Channel, DeliveryId
from domain.message import Rival
from domain.ports.agenda import Agenda, BrokenLease, DueDelivery
from scheduler.letters import Render, Sources, Written, recipient, write

MARKETING = 2
"""The priority of marketing's hints."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is due, what was left behind, and when the next falls due."""

    due: Sequence[DueDelivery]
    broken: Sequence[BrokenLease]
    following: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What would go out of a delivery, None where nothing was ever planned, and what may come before it."""

    written: Written | None
    rivals: Sequence[Rival] = ()


LookedUp = Mapping[DeliveryId, Found | Exception]


def look(agenda: Agenda, now: datetime, limit: int, accounts: Collection[tuple[Channel, Account]]) -> Seen:
    """Read the agenda: all of it at once, since the way to a thread costs as much as a question."""
    due = agenda.due(now, limit, accounts) if accounts else ()
    return Seen(due, agenda.broken_leases(now, limit), agenda.next_moment(now))


def look_up(hints: Sequence[DueDelivery], sources: Sources, render: Render, now: datetime) -> LookedUp:
    """Return what is to be known of these before they are claimed, or what kept it from being read.

    For all that start at once, since threads that wait for one another cost more than reading does.
    """
    try:
        held = sources.letters.planned(hint.delivery for hint in hints)
        known = sources.audience.about([recipient(hint) for hint in hints])
    except StoreUnavailable as error:
        return {hint.delivery: error for hint in hints}

    def found(hint: DueDelivery) -> Found | Exception:
        try:
            rivals = sources.agenda.rivals(hint.delivery, now) if hint.priority >= MARKETING else ()
            return Found(write(hint, sources, render, held[hint.delivery], known[recipient(hint)]), rivals)
        except Exception as error:  # noqa: BLE001  # one that cannot be read keeps no other
            return error

    return {hint.delivery: found(hint) for hint in hints}
