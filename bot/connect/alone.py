"""What is configured, where no Siyu runs: connecting needs no store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.settings import Settings
from bot.texts import Texts


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Alone:
    """See bot.connect.connecting.Known."""

    settings: Settings
    variables: Mapping[str, str]
    texts: Texts
    clock: Callable[[], datetime] = _now
    address: str = ""
