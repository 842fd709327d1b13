"""What we know of tags on one account: ours, and what its provider was last known to have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.identity import Account, Channel, ContactId, CustomerId, Tag

Held = tuple[ContactId, Tag]


@dataclass(frozen=True, slots=True)
class Page:
    """One account's tags. ``ours``: given by hand to whoever the contact belongs to; ``mirrored``: what the provider has, as we know."""

    ours: frozenset[Held] = frozenset()
    mirrored: frozenset[Held] = frozenset()
    people: Mapping[str, tuple[ContactId, CustomerId]] = field(default_factory=dict)
    """Contact and customer by external id, of all who are known on this account and can be reached."""


class TagLedger(Protocol):
    """Reads the views. Synchronous."""

    def page(self, channel: Channel, account: Account) -> Page:
        """Return what is known of one account; includes everything committed before the call. Raises StoreUnavailable."""
        ...


@dataclass(slots=True)
class MemoryTagLedger:
    """A ledger that somebody filled."""

    pages: dict[tuple[Channel, Account], Page] = field(default_factory=dict)

    def page(self, channel: Channel, account: Account) -> Page:
        """See TagLedger."""
        return self.pages.get((channel, account), Page())


def by_tag(held: Collection[Held]) -> dict[Tag, list[ContactId]]:
    """Return who has each tag, in the order of their ids."""
    found: dict[Tag, list[ContactId]] = {}
    for contact, tag in sorted(held):
        found.setdefault(tag, []).append(contact)
    return found
