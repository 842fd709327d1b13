"""Who is meant by a broadcast or a campaign, and what a message to somebody may say about them: read from the views."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.identity import (
    MARKETING_TOPIC,
    CampaignId,
    Channel,
    ContactId,
    CustomerId,
    GroupId,
    Locale,
    Slug,
    Tag,
    ZoneName,
)
from domain.message import ReplyWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Customers, those of operators left out: everybody, narrowed by whatever is said here.

    With all of ``tags`` and none of ``without``; on the list of ``listed_for``; whose ``occasion`` (domain/policies/occasions.py) is on
    ``day``. ``topic``: what they are written about, which decides by which of their contacts.
    """

    tags: tuple[Tag, ...] = ()
    without: tuple[Tag, ...] = ()
    listed_for: CampaignId | None = None
    occasion: Slug | None = None
    day: date | None = None
    topic: Slug = MARKETING_TOPIC


@dataclass(frozen=True, slots=True)
class Recipient:
    """A customer, and the contact to reach them by: the one heard from last, of the reachable ones, of these one that agreed to the topic.

    ``number``: the customer's, by which pages are in order. ``zone``, ``locale``: where nobody told, None.
    """

    number: int
    customer: CustomerId
    contact: ContactId
    channel: Channel
    zone: ZoneName | None = None
    locale: Locale | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of somebody at the moment of sending. ``variables``: what templates may use, e.g. ``name``."""

    variables: Mapping[str, str] = field(default_factory=dict)
    last_heard: datetime | None = None
    opened: tuple[ReplyWindow, ...] = ()
    """The reply windows they opened, on a channel that has such; also those that are over."""
    given: Mapping[Slug, int] = field(default_factory=dict)
    """Consents for single messages that they gave on such a channel, by what they are for; those that were used, too."""
    locale: Locale | None = None
    """What they read: as somebody told, else as the channel shows."""


class Audience(Protocol):
    """Reads the views. Synchronous; a lag of the views shows here."""

    def page(self, whom: Whom, after: int, limit: int) -> Sequence[Recipient]:
        """Return the next ones who are meant, by number above ``after``; none where that was all.

        Also those whom nothing can reach: the gate says why they get nothing.
        """
        ...

    def size(self, whom: Whom) -> int:
        """Return how many are meant now."""
        ...

    def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
        """Return what is known of each of these recipients: of a group and of somebody unknown, what is the same for all."""
        ...


@dataclass(slots=True)
class MemoryAudience:
    """An audience that somebody filled."""

    people: list[Recipient] = field(default_factory=list)
    tagged: dict[Tag, set[CustomerId]] = field(default_factory=dict)
    listed: dict[CampaignId, set[CustomerId]] = field(default_factory=dict)
    days: dict[tuple[Slug, date], set[CustomerId]] = field(default_factory=dict)
    """Whose occasion is on which day."""
    known: dict[str, Known] = field(default_factory=dict)

    def page(self, whom: Whom, after: int, limit: int) -> Sequence[Recipient]:
        """See Audience."""
        meant = [one for one in self.people if one.number > after and self._means(whom, one.customer)]
        return sorted(meant, key=lambda one: one.number)[:limit]

    def size(self, whom: Whom) -> int:
        """See Audience."""
        return len(self.page(whom, 0, len(self.people)))

    def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
        """See Audience."""
        return {one: self.known.get(one, Known()) for one in whom}

    def _means(self, whom: Whom, customer: CustomerId) -> bool:
        among = [self.tagged.get(tag, set()) for tag in whom.tags]
        if whom.listed_for is not None:
            among.append(self.listed.get(whom.listed_for, set()))
        if whom.occasion is not None and whom.day is not None:
            among.append(self.days.get((whom.occasion, whom.day), set()))
        spared = any(customer in self.tagged.get(tag, set()) for tag in whom.without)
        return not spared and all(customer in those for those in among)
