"""Connecting a channel: guided on the terminal (``siyu connect``) and on a page (``/connect``), ticked off live."""

from bot.connect.connecting import Connecting
from bot.connect.pages import pages

__all__ = ["Connecting", "pages"]
