"""What the contract suite asks of a channel: a customer, a provider between the two, and its faults."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from channels.channel import Adapter
from domain.identity import Address
from tests.channels.house import House


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the customer sees it; `choices` are rows of (label, answer)."""

    text: str
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()


class ChannelHarness(Protocol):
    """One open channel with its provider.

    To add a channel: write a class with these members beside its tests, and name it in HARNESSES of test_channel_contract.py.
    """

    FAULTS: ClassVar[tuple[str, ...]]
    """What a send may meet; each a word that `breaks` knows."""

    customer: Address
    """Somebody who may be written to from the start."""

    @property
    def adapter(self) -> Adapter:
        """The channel, started."""
        ...

    @classmethod
    def open(cls, house: House) -> AbstractAsyncContextManager["ChannelHarness"]:
        """Start provider and channel; end them afterwards."""
        ...

    def says(self, text: str) -> None:
        """Let the customer write. The provider hands it over, again until the channel has taken it."""
        ...

    def does_something_unknown(self) -> None:
        """Let something come that this Siyu cannot read, handed over in the same way."""
        ...

    def waiting(self) -> int:
        """How many things the provider still has to hand over, as far as it was told."""
        ...

    def breaks(self, fault: str) -> None:
        """Let the next send meet a fault."""
        ...

    def shown(self) -> list[Shown]:
        """What reached the customer, oldest first."""
        ...
