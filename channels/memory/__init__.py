"""A channel without a provider: what is said is handed in by a call, what is sent is kept. It shows all that a channel is."""

from collections.abc import Mapping

from channels.channel import Desk
from channels.memory.adapter import MemoryAdapter

__all__ = ["MemoryAdapter", "open_channel"]


def open_channel(name: str, settings: Mapping[str, str], desk: Desk) -> MemoryAdapter:
    """See channels.channel.OpenChannel. There is nothing to set, and the account is the name."""
    del settings
    return MemoryAdapter(name, desk)
