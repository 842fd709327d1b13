"""What was said with a contact, for channels that show it again (the web chat after a reload)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.identity import ContactId, MediaId, Slug


@dataclass(frozen=True, slots=True)
class SaidFile:
    """The file of a message. Fields as in domain.ports.messenger.Attachment; without ``media`` it is not kept, or not yet."""

    kind: Slug
    content_type: str = ""
    name: str = ""
    size: int = 0
    media: MediaId | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One message. ``id``: what the sender's side called it (a browser's UUID), or the delivery's id."""

    id: str
    at: datetime
    by_customer: bool
    text: str
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    file: SaidFile | None = None


class History(Protocol):
    """Reads what was said."""

    async def recent(self, contact: ContactId, limit: int) -> Sequence[Said]:
        """Return the last ``limit`` messages with this contact, oldest first; includes everything committed before the call."""
        ...


@dataclass(slots=True)
class MemoryHistory:
    """A history that somebody filled."""

    said: dict[ContactId, list[Said]] = field(default_factory=dict)

    async def recent(self, contact: ContactId, limit: int) -> Sequence[Said]:
        """See History."""
        return self.said.get(contact, [])[-limit:]
