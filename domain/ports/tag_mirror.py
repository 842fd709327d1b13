"""A provider's own tags of our contacts, kept equal to ours."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.identity import Slug, Tag


class TagMirror(Protocol):
    """One account's tags at its provider."""

    async def held(self) -> Mapping[Tag, Collection[str]]:
        """Return every tag that the provider has, with the external ids of who has it. Raises SendFailed."""
        ...

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        """Give these a tag, making it where there is none; who has it keeps it. Raises SendFailed: then some may have it.

        Returns whom the provider gives it not, and why: a name it does not take, a limit. The others have it.
        """
        ...

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """Take a tag away from these; who has it not goes without. Raises SendFailed: then some may have it no more."""
        ...


@dataclass(slots=True)
class MemoryTagMirror:
    """A provider in memory. ``impossible``: tags that it does not take, and why."""

    tags: dict[Tag, set[str]] = field(default_factory=dict)
    impossible: dict[Tag, Slug] = field(default_factory=dict)

    async def held(self) -> Mapping[Tag, Collection[str]]:
        """See TagMirror."""
        return {tag: set(holders) for tag, holders in self.tags.items()}

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        """See TagMirror."""
        if tag in self.impossible:
            return dict.fromkeys(external_ids, self.impossible[tag])
        self.tags.setdefault(tag, set()).update(external_ids)
        return {}

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """See TagMirror."""
        self.tags.setdefault(tag, set()).difference_update(external_ids)
