"""What runs beside the conversations, with providers that know tags or people: joined from the house and its open accounts."""

import time
from collections.abc import Callable, Sequence

from bot.house import House
from bot.reading import SqlTagLedger
from channels.channel import Adapter
from domain.identity import Address, BroadcastId, CampaignId, ContactId, DeliveryId, Party
from projections.deliveries import left_of
from scheduler.follower import Follower
from scheduler.profiles import Acquaintance, Knowing
from scheduler.recalling import Recaller, Recalling
from scheduler.tag_sync import Mirrors, TagSync

Adapters = Callable[[], Sequence[Adapter]]
"""Those that are open now."""


def tag_sync(house: House, adapters: Adapters) -> TagSync:
    """Return what keeps tags equal on both sides."""

    def mirrors() -> Mirrors:
        return {(a.channel, a.account): a.tags for a in adapters() if a.tags is not None}

    ledger = SqlTagLedger(house.views, house.catch_up)
    return TagSync(mirrors, ledger, house.submit, house.clock, time.monotonic)


def recaller(house: House, adapters: Adapters) -> Recaller:
    """Return what takes messages back."""

    def recalling() -> Recalling:
        return {(a.channel, a.account): a.recalls for a in adapters() if a.recalls is not None}

    def left(of: CampaignId | BroadcastId, after: DeliveryId | None, limit: int) -> Sequence[DeliveryId]:
        house.catch_up()
        with house.views.read() as connection:
            return left_of(connection, of, after, limit)

    follower = Follower("recalls", house.log, house.submit, house.clock)
    return Recaller(recalling, left, house.log, house.vault, follower)


def acquaintance(house: House, adapters: Adapters) -> Acquaintance:
    """Return what asks providers after new people."""

    def knowing() -> Knowing:
        return {(a.channel, a.account): a.profiles for a in adapters() if a.profiles is not None}

    def address_of(contact: ContactId) -> Address | None:
        return house.vault.address_of(Party.CONTACT, contact)

    follower = Follower("profiles", house.log, house.submit, house.clock)
    return Acquaintance(knowing, address_of, follower, house.digest, time.monotonic)
