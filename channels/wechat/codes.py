"""QR codes that tell by which of them somebody followed, or came back."""

from typing import Final

from channels.channel import SourceCode
from channels.wechat.api import QR_CODE_IMAGE
from channels.wechat.client import WeChatClient
from channels.wechat.settings import WECHAT
from domain.identity import Slug


class WeChatCodes:
    """See channels.channel.SourceCodes. 100,000 codes for ever, or as many as one likes for up to 30 days; service accounts only.

    developers.weixin.qq.com/doc/service/api/qrcode/qrcodes/api_createqrcode (2026-11-22).
    """

    LONGEST_LIFE_S: Final = 30 * 24 * 3_600

    def __init__(self, client: WeChatClient, api_base: str) -> None:
        """``api_base``: another one than WeChat's has pictures of its own, if any: WeChat's would not know its tickets."""
        self._client, self._pictured = client, api_base == WECHAT

    async def make(self, source: Slug, lives_s: int | None) -> SourceCode:
        """See SourceCodes. A longer life than WeChat's longest is cut to that."""
        wanted = None if lives_s is None else min(lives_s, self.LONGEST_LIFE_S)
        code = await self._client.qr_code(source, wanted)
        shown = self._pictured and code.image.startswith(QR_CODE_IMAGE)
        return SourceCode(code.url, code.image if shown else None, code.lives_s)
