"""Who is behind an address: the vault's identity table, as the domain sees it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from domain.identity import Address, Party


class Identities(Protocol):
    """Finds the id behind an address, and the address behind an id. Synchronous."""

    def resolve(self, addresses: Iterable[Address]) -> Mapping[Address, str]:
        """Return the id of each address, making those that are new; they are durable when this returns. Raises StoreUnavailable."""
        ...

    def find(self, address: Address) -> str | None:
        """Return the id of an address, None where nobody is known there."""
        ...

    def address_of(self, party: Party, key: str) -> Address | None:
        """Return the newest address of a contact or group, None where it is unknown or forgotten."""
        ...

    def alias(self, address: Address, key: str) -> None:
        """Let one more address lead to a known contact or group; from now on it is its newest. Durable when this returns."""
        ...


class MemoryIdentities:
    """Identities in memory."""

    def __init__(self, fresh: Callable[[], str]) -> None:
        """``fresh``: makes a new random id."""
        self._fresh = fresh
        self._ids: dict[Address, str] = {}
        self._addresses: dict[tuple[Party, str], Address] = {}

    def resolve(self, addresses: Iterable[Address]) -> Mapping[Address, str]:
        """See Identities."""
        found = {}
        for address in addresses:
            if address not in self._ids:
                self.alias(address, self._fresh())
            found[address] = self._ids[address]
        return found

    def find(self, address: Address) -> str | None:
        """See Identities."""
        return self._ids.get(address)

    def address_of(self, party: Party, key: str) -> Address | None:
        """See Identities."""
        return self._addresses.get((party, key))

    def alias(self, address: Address, key: str) -> None:
        """See Identities."""
        self._ids[address] = key
        self._addresses[address.party, key] = address
