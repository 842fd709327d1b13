"""A provider's own tags of our contacts, kept equal to ours."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.errors import TagRefused
from domain.identity import Slug, Tag


class TagMirror(Protocol):
    """One account's tags at its provider."""

    def held(self) -> AsyncIterator[tuple[Tag, Collection[str]]]:
        """Yield the tags that the provider has, each with external ids of who has it, in any order. Raises SendFailed.

        A tag that many have comes several times, with at most 10,000 of them each time; one that nobody has need not come.
        """
        ...

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        """Give these a tag, making it where there is none; who has it keeps it.

        Returns whom the provider gives it not, and why: a limit, they left. The others have it. Raises TagRefused where it would give it
        to nobody; SendFailed: then some may have it.
        """
        ...

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """Take a tag away from these; who has it not goes without. Raises SendFailed: then some may have it no more."""
        ...


@dataclass(slots=True)
class MemoryTagMirror:
    """A provider in memory. ``impossible``: tags that it does not take, and why; ``full``: who gets no more."""

    tags: dict[Tag, set[str]] = field(default_factory=dict)
    impossible: dict[Tag, Slug] = field(default_factory=dict)
    full: dict[str, Slug] = field(default_factory=dict)

    async def held(self) -> AsyncIterator[tuple[Tag, Collection[str]]]:
        """See TagMirror: one holder at a time, as nobody may count on more."""
        for tag, holder in [
            (tag, holder) for tag, holders in self.tags.items() for holder in sorted(holders)
        ]:
            yield tag, (holder,)

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        """See TagMirror."""
        if tag in self.impossible:
            raise TagRefused(self.impossible[tag])
        refused = {one: self.full[one] for one in external_ids if one in self.full}
        self.tags.setdefault(tag, set()).update(one for one in external_ids if one not in refused)
        return refused

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """See TagMirror."""
        self.tags.setdefault(tag, set()).difference_update(external_ids)
