"""Bytes of one update into what came in; a mistake of ours costs one update its meaning, never the others their turn."""

import traceback
from collections.abc import Sequence
from datetime import datetime

import structlog

from channels.telegram.identity import BotIdentity
from channels.telegram.parse import parse, unreadable
from channels.telegram.plain import plain
from channels.telegram.updates import read_update
from domain.conversations.commands import Receive
from domain.errors import SiyuError

log = structlog.get_logger("channels.telegram")


def judge(body: bytes, bot: BotIdentity, now: datetime) -> Sequence[Receive]:
    """Return what an update says; see ``parse``. Raises BadInput for bytes that are no update, Overloaded for one to come again."""
    if (said := plain(body, bot)) is not None:
        return said
    update = read_update(body)
    try:
        return parse(update, bot, body, now)
    except SiyuError:
        raise
    except Exception as bug:  # noqa: BLE001 - kept as it came, it can be read once the bug is gone; raised, it would block its chat
        # Not log.exception: a traceback may show what somebody wrote.
        log.error("update not parsed: this is a bug", account=bot.account, where=place_of(bug))  # noqa: TRY400
        return (unreadable(update["update_id"], bot, body, now),)


def place_of(bug: BaseException) -> str:
    """Return type and place of an exception, without its text and variables: they may hold what somebody wrote, or the token."""
    frames = traceback.extract_tb(bug.__traceback__)
    return type(bug).__name__ + (f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else "")
