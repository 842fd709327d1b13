"""What we know of tags on one account: ours, and what its provider was last known to have."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from domain.identity import Account, Channel, ContactId, CustomerId, Tag

Held = tuple[ContactId, Tag]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of one account's people. ``ours``: tags given by hand to whoever they are; ``mirrored``: what the provider has, as we know."""

    ours: frozenset[Held] = frozenset()
    mirrored: frozenset[Held] = frozenset()
    people: Mapping[str, tuple[ContactId, CustomerId]] = field(default_factory=dict)
    """Contact and customer by external id."""


class TagLedger(Protocol):
    """Reads the views, of those who are known on an account and can be reached. Synchronous.

    What is returned includes everything committed before the call. Both raise StoreUnavailable.
    """

    def page(self, channel: Channel, account: Account, after: str, limit: int) -> Page:
        """Return those whose external ids come next after one ("": the first), at most ``limit``, in their order; empty at the end."""
        ...

    def of(
        self,
        channel: Channel,
        account: Account,
        customers: Collection[CustomerId],
        contacts: Collection[ContactId],
    ) -> Page:
        """Return those who are one of these contacts, or belong to one of these customers."""
        ...


@dataclass(slots=True)
class MemoryTagLedger:
    """A ledger that somebody filled."""

    pages: dict[tuple[Channel, Account], Page] = field(default_factory=dict)

    def page(self, channel: Channel, account: Account, after: str, limit: int) -> Page:
        """See TagLedger."""
        whole = self.pages.get((channel, account), Page())
        return _some(whole, islice((one for one in sorted(whole.people) if one > after), limit))

    def of(
        self,
        channel: Channel,
        account: Account,
        customers: Collection[CustomerId],
        contacts: Collection[ContactId],
    ) -> Page:
        """See TagLedger."""
        whole = self.pages.get((channel, account), Page())
        wanted = {*customers, *contacts}
        return _some(whole, (one for one, ids in whole.people.items() if not wanted.isdisjoint(ids)))


def _some(whole: Page, external_ids: Iterable[str]) -> Page:
    people = {one: whole.people[one] for one in external_ids}
    known = {contact for contact, _ in people.values()}
    ours, mirrored = (frozenset(h for h in held if h[0] in known) for held in (whole.ours, whole.mirrored))
    return Page(ours, mirrored, people)


def by_tag(held: Collection[Held]) -> dict[Tag, list[ContactId]]:
    """Return who has each tag, in the order of their ids."""
    found: dict[Tag, list[ContactId]] = {}
    for contact, tag in sorted(held):
        found.setdefault(tag, []).append(contact)
    return found
