"""Who is whom, who said stop, and where they live: worked out from the facts alone, for promises.py to judge by."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from domain.contacts.events import ContactLinked, ContactSeen
from domain.conversations.events import MessageReceived
from domain.customers.events import ConsentGranted, ConsentWithdrawn, CustomerDescribed
from domain.identity import ZoneName
from domain.message import Event


@dataclass(slots=True)
class Persons:
    """``seen``: contact by external id. ``heard``: what each contact wrote. ``stopped``: who gets no offers."""

    zone: ZoneName
    seen: dict[str, str] = field(default_factory=dict)
    heard: "defaultdict[str, Counter[str]]" = field(default_factory=lambda: defaultdict(Counter))
    stopped: set[str] = field(default_factory=set)
    _owner: dict[str, str] = field(default_factory=dict)
    _record_of: dict[str, str] = field(default_factory=dict)
    _zones: "defaultdict[str, set[str]]" = field(default_factory=lambda: defaultdict(set))
    _together: "defaultdict[str, set[str]]" = field(default_factory=lambda: defaultdict(set))
    """Contacts that were one person's at any time."""

    def look(self, event: Event) -> None:
        """Take in what happened to somebody."""
        match event:
            case ContactSeen():
                self._owner[event.contact] = self._record_of[event.contact] = event.customer
                self.seen[event.external_id.value] = event.contact
            case ContactLinked():
                self._owner[event.contact] = event.customer
                linked = self.linked(event.contact)
                for contact in linked:
                    self._together[contact] |= linked
            case MessageReceived():
                self.heard[event.contact][event.text.value] += 1
            case ConsentWithdrawn():
                self.stopped |= self.linked(event.contact)
            case ConsentGranted():
                self.stopped -= self.linked(event.contact)
            case CustomerDescribed(zone=zone) if zone is not None:
                self._zones[event.customer].add(zone)
            case _:
                return

    def linked(self, contact: str | None) -> frozenset[str]:
        """Return all accounts of whoever has this one; none for a group's."""
        mine = self._owner.get(contact or "")
        return frozenset(other for other, owner in self._owner.items() if owner == mine and mine is not None)

    def customer_of(self, contact: str) -> str:
        """Return whose account this is now."""
        return self._owner[contact]

    def merged_away(self) -> list[str]:
        """Return the records that belong to another one now."""
        return sorted(set(self._record_of.values()) - set(self._owner.values()))

    def homes(self, contact: str | None) -> Sequence[ZoneInfo]:
        """Return the zones that count as somebody's own: of whoever was merged, all that may; then any of them will do."""
        if contact is None:
            return [ZoneInfo(self.zone)]
        together = self._together.get(contact, {contact})
        known = sorted({zone for one in together for zone in self._zones[self._record_of[one]]})
        told_once = len(together) == 1 and len(known) == 1
        return [ZoneInfo(zone) for zone in (known if told_once else [*known, self.zone])]
