"""Telegram, by the Bot API."""

import asyncio
import random
from collections.abc import Mapping

from channels.channel import Adapter, Desk
from channels.telegram import lazily as lazily  # before anything that imports aiogram
from channels.telegram.adapter import TelegramAdapter
from channels.telegram.backoff import Backoff
from channels.telegram.settings import read_settings

__all__ = ["open_channel"]


def open_channel(name: str, settings: Mapping[str, str], desk: Desk) -> Adapter:
    """See channels.channel.OpenChannel."""
    backoff = Backoff(pause=asyncio.sleep, jitter=random.random)
    return TelegramAdapter(name, read_settings(name, settings, desk.public_url), desk, backoff)
