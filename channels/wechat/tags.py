"""The account's own tags, as operators see them in WeChat's console, for keeping ours equal to them."""

from collections.abc import Collection, Mapping
from typing import Final

from channels.wechat.client import WeChatClient
from domain.identity import Tag

_WECHATS_OWN: Final = frozenset({0, 1, 2})
"""Ungrouped, blocked, starred: they cannot be made, changed or given."""


class WeChatTags:
    """See domain.ports.tag_mirror.TagMirror. External ids are openids; who does not follow the account has no tags."""

    def __init__(self, client: WeChatClient) -> None:
        self._client = client
        self._ids: dict[Tag, int] = {}

    async def held(self) -> Mapping[Tag, Collection[str]]:
        """See TagMirror: one call, and one for each 10,000 who have a tag."""
        known = await self._known()
        return {name: [openid async for openid in self._client.tagged(tag)] for name, tag in known.items()}

    async def put(self, tag: Tag, external_ids: Collection[str]) -> None:
        """See TagMirror. A name of more than 30 bytes is refused."""
        if tag not in self._ids and tag not in await self._known():
            self._ids[tag] = (await self._client.create_tag(tag)).id
        await self._client.tag(self._ids[tag], list(external_ids))

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """See TagMirror."""
        if tag in self._ids or tag in await self._known():
            await self._client.untag(self._ids[tag], list(external_ids))

    async def _known(self) -> Mapping[Tag, int]:
        tags = await self._client.tags()
        self._ids = {Tag(tag.name): tag.id for tag in tags if tag.id not in _WECHATS_OWN}
        return self._ids
