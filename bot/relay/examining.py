"""What the doctor says of the relay."""

from collections.abc import Iterator

from bot.house import House
from bot.relay.relay import PLACE
from bot.relay.settings import relay_of
from bot.texts import Told, told


def relay_examined(house: House) -> Iterator[Told]:
    """Say how far the log was relayed, where the settings name a broker. Raises BadSettings, StoreUnavailable."""
    settings = relay_of(house.variables)
    if settings is None:
        return
    position = house.log.progress(PLACE)
    if position is None:
        yield told("relay      {broker}: not begun: siyu relay", broker=settings.address)
        return
    behind = max(0, house.log.head() - position)
    yield told(
        "relay      {broker}: told up to {position}, {behind} behind",
        broker=settings.address,
        position=position,
        behind=behind,
    )
