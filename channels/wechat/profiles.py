"""What WeChat tells of a follower: since December 2021 neither name nor picture."""

import re
from typing import Final

from channels.wechat.client import WeChatClient
from channels.wechat.parse import source_of
from domain.identity import Locale, Slug
from domain.ports.profiles import Profile

UNIONID: Final = Slug("unionid")
_LANGUAGE: Final = re.compile(r"[a-zA-Z]{2,3}(?:[_-][a-zA-Z]{2,4})?")


class WeChatProfiles:
    """See domain.ports.profiles.Profiles. External ids are openids.

    Only accounts that are bound to an account of the Open Platform have unionids: developers.weixin.qq.com, "获取用户基本信息"
    (2026-11-22).
    """

    def __init__(self, client: WeChatClient) -> None:
        self._client = client

    async def about(self, external_id: str) -> Profile:
        """See Profiles: one call."""
        told = await self._client.follower(external_id)
        if not told.follows:
            return Profile()
        return Profile(
            language=Locale(told.language) if _LANGUAGE.fullmatch(told.language) else None,
            identifiers={} if told.unionid is None else {UNIONID: told.unionid},
            source=source_of(told.scene),
        )
