"""What an operation says, and how it ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.texts import Told


@dataclass(frozen=True, slots=True)
class Exit:
    """How an operation ended, where not with 0."""

    code: int


Said = Iterator["str | Told | Exit"]
Operation = Callable[..., Said]
