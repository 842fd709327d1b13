"""What a provider knows of somebody besides what their messages say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.identity import Locale, Slug


@dataclass(frozen=True, slots=True)
class Profile:
    """``language``: None where it is not told. ``identifiers``: by kind (``unionid``), what the provider vouches for.

    ``source``: the code by which they came, as far as the provider remembers it.
    """

    language: Locale | None = None
    identifiers: Mapping[Slug, str] = field(default_factory=dict)
    source: Slug | None = None


class Profiles(Protocol):
    """One account's knowledge of people."""

    async def about(self, external_id: str) -> Profile:
        """Return what is known of somebody; of who left, nothing. Raises SendFailed."""
        ...


@dataclass(slots=True)
class MemoryProfiles:
    """Somebody who knows people, in memory. ``asked``: after whom."""

    known: dict[str, Profile] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def about(self, external_id: str) -> Profile:
        """See Profiles."""
        self.asked.append(external_id)
        return self.known.get(external_id, Profile())
