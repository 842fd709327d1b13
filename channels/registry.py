"""The channels there are. A package is imported only when its channel is configured: vendors' SDKs are slow to load."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from channels.channel import OpenChannel
from channels.connecting import Guide


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel's name, its package with ``open_channel``, and whether it runs without settings."""

    name: str
    package: str
    always: bool = False

    def load(self) -> OpenChannel:
        """Import the package."""
        return cast(OpenChannel, import_module(self.package).open_channel)

    def guide(self) -> Guide:
        """Import how an account is connected: every channel that needs settings has a ``connecting`` with a ``GUIDE``."""
        return cast(Guide, import_module(f"{self.package}.connecting").GUIDE)


CHANNELS = (
    Kind("webchat", "channels.webchat", always=True),
    Kind("telegram", "channels.telegram"),
    Kind("wechat", "channels.wechat"),
)
