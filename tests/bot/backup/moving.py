"""Backups of the house under test, and the houses that come of them."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bot.backup.restoring import restore
from bot.backup.taking import take
from bot.operations.said import Exit, Said
from bot.operations.upkeep import check
from bot.settings import load
from bot.texts import Texts
from domain.conversations.events import MessageReceived
from tests.bot.premises import Premises

ENGLISH = Texts("en")


def backed_up(premises: Premises, folder: Path) -> list[str]:
    """Take a backup; returns what was told."""
    return [ENGLISH.shown(line) for line in take(premises.house, folder)]


def restored(
    backup: Path, data: Path, now: datetime, key: Path | None = None, database: str = ""
) -> list[str]:
    """Restore into a data folder, whose master key is first brought there; returns what was told."""
    if key is not None:
        data.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(key, data / "master.key")
    told = restore(load({"SIYU_DATA": str(data), "SIYU_DATABASE": database}), backup, lambda: now)
    return [ENGLISH.shown(line) for line in told]


@contextmanager
def opened(data: Path, now: datetime, **settings: str) -> Iterator[Premises]:
    """The house on a data folder, at a moment."""
    premises = Premises(data, lambda log: log, **settings)
    premises.now = now
    premises._numbers = itertools.count(int(now.timestamp()))  # noqa: SLF001  # no update that the log has already
    try:
        yield premises
    finally:
        premises.close()


def shown(said: Said) -> list[str]:
    """What an operation says, which ends with 0."""
    lines = list(said)
    assert not any(isinstance(line, Exit) for line in lines), lines
    return [ENGLISH.shown(line) for line in lines if not isinstance(line, Exit)]


def is_fine(premises: Premises) -> bool:
    """Whether siyu verify finds nothing."""
    return [line.partition(":")[0] for line in shown(check(premises.house))] == ["fine"]


def key_of(premises: Premises) -> Path:
    """Where its master key is."""
    return premises.house.settings.data / "master.key"


def texts(premises: Premises) -> list[str]:
    """What customers said, in the order of the log."""
    return [message.text.value for message in premises.events(MessageReceived)]
