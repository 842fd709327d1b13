"""What the relay needs of a broker, and which there are."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.relay.parcel import Parcel
from bot.relay.settings import RelaySettings
from domain.errors import BadSettings

CONNECT_WITHIN_S: Final = 5
ACCEPT_WITHIN_S: Final = 10.0
"""Of one batch; a broker that needs longer is told again."""
CLOSE_WITHIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of a batch: ``count`` of its parcels, from the first on, are durable at the broker. ``failure``: why not the others."""

    count: int
    failure: str = ""


class Broker(Protocol):
    """A message broker. What it accepted it keeps; what it was given twice under one id may be there twice."""

    async def take(self, parcels: Sequence[Parcel]) -> Accepted:
        """Hand over a batch, and wait once for all of it; connects where there is no connection.

        The order is kept: no parcel is there before one in front of it is. Never raises for a broker that is away or refuses: the failure
        is a slug such as ``unreachable``, ``timeout``, ``not-authorized``. Fewer accepted without a failure: go on behind them at once.
        """
        ...

    async def close(self) -> None:
        """Give the connection back; harmless when there is none."""
        ...


class MemoryBroker:
    """A broker in memory: for tests. ``answers``: what the next batches meet, in turn; all is accepted afterwards."""

    def __init__(self) -> None:
        self.kept: list[Parcel] = []
        self.answers: list[Accepted] = []

    async def take(self, parcels: Sequence[Parcel]) -> Accepted:
        """See Broker."""
        accepted = self.answers.pop(0) if self.answers else Accepted(len(parcels))
        self.kept.extend(parcels[: accepted.count])
        return accepted

    async def close(self) -> None:
        """See Broker."""


async def in_order(publishing: Iterable[Awaitable[object]]) -> tuple[int, BaseException | None]:
    """Run all at once, each begun behind the one in front of it.

    Returns how many were done before the first that failed, and its error. When this returns, none is under way any more.
    """
    outcomes = await asyncio.gather(*publishing, return_exceptions=True)
    for count, outcome in enumerate(outcomes):
        if isinstance(outcome, BaseException):
            return count, outcome
    return len(outcomes), None


def open_broker(settings: RelaySettings) -> Broker:
    """Return the broker that the address names; it is not connected yet. Raises BadSettings where its client is not installed."""
    try:
        if settings.url.scheme in {"nats", "tls"}:
            from bot.relay.jetstream import JetStream  # noqa: PLC0415  # an optional dependency, and slow to import

            return JetStream(settings)
        from bot.relay.rabbitmq import RabbitMq  # noqa: PLC0415  # as above

        return RabbitMq(settings)
    except ModuleNotFoundError as error:
        raise BadSettings(
            "the relay needs a package that is not installed ({name}): pip install 'siyu[relay]'",
            name=error.name,
        ) from None
