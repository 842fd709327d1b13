"""WeChat, by the API and callbacks of Official Accounts."""

from collections.abc import Mapping

from channels.channel import Adapter, Desk
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.settings import read_settings

__all__ = ["open_channel"]


def open_channel(name: str, settings: Mapping[str, str], desk: Desk) -> Adapter:
    """See channels.channel.OpenChannel."""
    return WeChatAdapter(name, read_settings(name, settings), desk)
