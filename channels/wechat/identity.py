"""Who we are at WeChat."""

from typing import Final

from domain.identity import Channel

WECHAT_CHANNEL: Final = Channel("wechat")
