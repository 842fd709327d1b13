"""The account's own tags, as operators see them in WeChat's console, for keeping ours equal to them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from channels.wechat.client import WeChatClient
from channels.wechat.limits import OPENIDS_TAGGED
from domain.errors import PermanentFailure, TagRefused
from domain.identity import Slug, Tag

_WECHATS_OWN: Final = frozenset({0, 1, 2})
"""Ungrouped, blocked, starred: they cannot be made, changed or given."""
_OF_THE_TAG: Final = frozenset({"too-many-tags", "tag-is-wechats", "tag-name-refused", "tag-name-too-long"})
"""Reasons why an account cannot have a tag: 100 tags, WeChat's own, a name that is taken or has more than 30 bytes."""
_OF_A_PERSON: Final = frozenset({"has-too-many-tags", "not-following", "openids-refused", "unknown-openid"})
"""Reasons why somebody cannot have one: 20 tags (45059), or they left."""
_UNKNOWN_TAG: Final = "unknown-tag"


class WeChatTags:
    """See domain.ports.tag_mirror.TagMirror. External ids are openids; who does not follow the account has no tags.

    Limits and errcodes: developers.weixin.qq.com/doc/service/api/usermanage/tag (2026-11-22).
    """

    def __init__(self, client: WeChatClient) -> None:
        self._client = client
        self._ids: dict[Tag, int] = {}

    async def held(self) -> AsyncIterator[tuple[Tag, Collection[str]]]:
        """See TagMirror: one call, and one for each 10,000 who have a tag."""
        for name, tag in (await self._known()).items():
            try:
                async for openids in self._client.tagged(tag):
                    yield name, openids
            except PermanentFailure as refusal:
                if refusal.reason != _UNKNOWN_TAG:  # deleted in the console meanwhile: nobody has it
                    raise

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        """See TagMirror."""
        try:
            return await self._put(tag, list(external_ids))
        except PermanentFailure as refusal:
            if refusal.reason != _UNKNOWN_TAG:
                raise
        self._ids.pop(tag, None)  # somebody deleted it in the console since it was looked up
        return await self._put(tag, list(external_ids))

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        """See TagMirror: whoever left, or a tag that is gone, needs nothing more."""
        known = await self._id_of(tag)
        if known is None:
            return
        try:
            await _each(self._client.untag, known, list(external_ids))
        except PermanentFailure as refusal:
            if refusal.reason != _UNKNOWN_TAG:
                raise
            self._ids.pop(tag, None)

    async def _put(self, tag: Tag, openids: Sequence[str]) -> Mapping[str, Slug]:
        try:
            known = await self._id_of(tag)
            if known is None:
                known = self._ids[tag] = (await self._client.create_tag(tag)).id
            return await _each(self._client.tag, known, openids)
        except PermanentFailure as refusal:
            if refusal.reason in _OF_THE_TAG:
                raise TagRefused(refusal.reason) from refusal
            raise

    async def _id_of(self, tag: Tag) -> int | None:
        return self._ids.get(tag) or (await self._known()).get(tag)

    async def _known(self) -> Mapping[Tag, int]:
        tags = await self._client.tags()
        self._ids = {Tag(tag.name): tag.id for tag in tags if tag.id not in _WECHATS_OWN}
        return self._ids


async def _each(
    call: Callable[[int, Sequence[str]], Awaitable[None]], tag: int, openids: Sequence[str]
) -> dict[str, Slug]:
    refused: dict[str, Slug] = {}
    for start in range(0, len(openids), OPENIDS_TAGGED):
        refused |= await _halved(call, tag, openids[start : start + OPENIDS_TAGGED])
    return refused


async def _halved(
    call: Callable[[int, Sequence[str]], Awaitable[None]], tag: int, openids: Sequence[str]
) -> dict[str, Slug]:
    """WeChat takes all of a call or nobody, and does not say whom it refuses: they are found by halves."""
    try:
        await call(tag, openids)
    except PermanentFailure as refusal:
        if refusal.reason not in _OF_A_PERSON:
            raise
        if len(openids) == 1:
            return {openids[0]: Slug(refusal.reason)}
        middle = len(openids) // 2
        first = await _halved(call, tag, openids[:middle])
        return first | await _halved(call, tag, openids[middle:])
    return {}
