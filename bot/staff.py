"""Who is one of us, as the log says now, and on which phone they are reached."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from domain.contacts.commands import UnbindContact
from domain.dispatch import fold
from domain.identity import ContactId, OperatorId, stream
from domain.operators.events import OperatorBound, OperatorRemoved
from domain.operators.roster import ROSTER, RosterState, roster
from domain.ports.event_log import EventLog
from projections.deliveries.cards import waiting
from projections.people.contacts import Contact, contacts_by_id
from projections.windows import left

KEPT_BACK = 2
"""Of the operator's own reply window: the last ones are for the answers to their commands."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where the log says that an operator got an account of theirs, and when."""

    position: int
    at: datetime


@dataclass(slots=True)
class Staff:
    """Reads the team; of its stream only what is new. For one thread at a time."""

    log: EventLog
    bound: dict[OperatorId, Bound] = field(default_factory=dict)
    """The latest binding of each operator."""
    _state: RosterState = roster.initial
    _version: int = 0

    def team(self) -> RosterState:
        """Return the team. Raises StoreUnavailable, UnknownEvent where its stream is damaged."""
        new = self.log.read_stream(stream(roster.category, ROSTER), self._version)
        self._state = fold(roster, new, self._state)
        for recorded in new:
            self._version = recorded.version
            if isinstance(recorded.event, OperatorBound):
                self.bound[recorded.event.operator] = Bound(recorded.position, recorded.recorded_at)
        return self._state


def left_behind(log: EventLog) -> list[UnbindContact]:
    """Return what makes customers of accounts whose operator was removed when a removal did not name them yet.

    What is done already changes nothing, and who came back keeps theirs. Raises StoreUnavailable, UnknownEvent where the team's stream is
    damaged.
    """
    state, found = roster.initial, []
    for recorded in log.read_stream(stream(roster.category, ROSTER)):
        match recorded.event:
            case OperatorRemoved(operator=operator, contacts=()):
                theirs = sorted(state.members[operator].contacts)
                found += [UnbindContact(contact=contact, operator=operator) for contact in theirs]
            case _:
                pass
        state = fold(roster, [recorded], state)
    return [unbind for unbind in found if state.operator_of(unbind.contact) is None]


@dataclass(frozen=True, slots=True)
class Phone:
    """An account of an operator. ``room``: how many messages their own reply window still allows; None on a channel without."""

    contact: Contact
    room: int | None

    @property
    def is_open(self) -> bool:
        """Whether we may write without being asked."""
        return self.room is None or self.room >= KEPT_BACK


def phone(connection: Connection, contacts: Collection[ContactId], now: datetime) -> Phone | None:
    """Return the account heard from last, of those where there is room; None where none of them can be reached at all."""
    known = contacts_by_id(connection, contacts).values()
    reachable = [contact for contact in known if contact.private and contact.blocked is None]
    reachable.sort(key=lambda contact: (contact.last_in or contact.first_seen, contact.id), reverse=True)
    phones = []
    for contact in reachable:
        window = left(connection, contact.id, now)
        room = None if window is None else max(0, window.messages - waiting(connection, contact.id))
        phones.append(Phone(contact, room))
    return next((one for one in phones if one.is_open), phones[0] if phones else None)
