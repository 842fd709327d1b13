"""The reply window: what a channel still allows towards somebody who wrote (shared/design/delivery.md, "Window budget").

The views say what was opened and when; what was used since then is counted on the conversation's own stream, where every claim writes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.message import ReplyWindow


def left(opened: Sequence[ReplyWindow], spent: Sequence[datetime], now: datetime) -> ReplyWindow | None:
    """Return what is left: of the windows that are open, the one that allows most; ``messages`` is what it still allows.

    None where the channel has no windows (nothing was ever opened). Where all are over, or used up, what is left is 0 messages.
    """
    if not opened:
        return None
    return max((_remaining(window, spent, now) for window in opened), key=lambda w: (w.messages, w.until))


def _remaining(window: ReplyWindow, spent: Iterable[datetime], now: datetime) -> ReplyWindow:
    used = sum(1 for at in spent if at >= window.since)
    messages = max(0, window.messages - used) if now < window.until else 0
    return ReplyWindow(messages, window.since, window.until)
