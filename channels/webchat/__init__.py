"""The web chat: a page at ``/chat`` and a WebSocket behind it. The provider is Siyu itself."""

from channels.webchat.adapter import open_channel

__all__ = ["open_channel"]
