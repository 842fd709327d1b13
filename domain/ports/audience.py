"""Who is meant by a broadcast, and what a message to somebody may say about them: read from the views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.identity import ContactId, CustomerId, GroupId, Tag
from domain.message import ReplyWindow


@dataclass(frozen=True, slots=True)
class Recipient:
    """A customer, and the contact to reach them by: the reachable one that was heard from last."""

    customer: CustomerId
    contact: ContactId


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of somebody at the moment of sending. ``variables``: what templates may use, e.g. ``name``."""

    variables: Mapping[str, str] = field(default_factory=dict)
    last_heard: datetime | None = None
    opened: tuple[ReplyWindow, ...] = ()
    """The reply windows they opened, on a channel that has such; also those that are over."""


class Audience(Protocol):
    """Reads the views. Synchronous; a lag of the views shows here."""

    def recipients(self, tag: Tag | None) -> Sequence[Recipient]:
        """Return everyone with a tag (None: everyone) who can be reached, operators left out, in a stable order."""
        ...

    def about(self, contact: ContactId | None, group: GroupId | None) -> Known:
        """Return what is known of a recipient; nothing about somebody unknown."""
        ...


@dataclass(slots=True)
class MemoryAudience:
    """An audience that somebody filled."""

    tagged: dict[Tag | None, list[Recipient]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)

    def recipients(self, tag: Tag | None) -> Sequence[Recipient]:
        """See Audience."""
        return self.tagged.get(tag, [])

    def about(self, contact: ContactId | None, group: GroupId | None) -> Known:
        """See Audience."""
        return self.known.get(contact or group or "", Known())
