"""Taking a message back from somebody's screen, on channels that can."""

from dataclasses import dataclass, field
from typing import Protocol

from domain.errors import SendFailed
from domain.identity import Address, ProviderMessageId


class Recalls(Protocol):
    """One account's way to take messages back."""

    async def take_back(self, to: Address, message: ProviderMessageId) -> None:
        """Let the message disappear; one that is gone already is no error.

        Raises PermanentFailure where the channel will not any more (``too-late``), TemporaryFailure and OutcomeUnknown: try again.
        """
        ...


@dataclass(slots=True)
class MemoryRecalls:
    """Keeps what was taken back; ``failures`` are raised first, one a call."""

    taken: list[tuple[Address, ProviderMessageId]] = field(default_factory=list)
    failures: list[SendFailed] = field(default_factory=list)

    async def take_back(self, to: Address, message: ProviderMessageId) -> None:
        """See Recalls."""
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append((to, message))
