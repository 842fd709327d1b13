"""Pacing survives a restart, and goes with an account that comes into other hands: noted beside the log."""

import asyncio

import structlog

from bot.driving import boottime, set_within
from bot.house import House
from domain.errors import StoreUnavailable
from scheduler.delivery import Courier, Post
from scheduler.turns import AccountKey

SAVED_EVERY_S = 5.0
SAVED_TOGETHER_EVERY_S = 1.0
"""The same, where others may take over at any time."""

TRIES = 2
"""A connection that somebody ended while it rested fails once."""

log_ = structlog.get_logger(__name__)


class PacingNotes:
    """What a courier spent, by account."""

    def __init__(self, house: House, courier: Courier) -> None:
        self._house, self._courier = house, courier

    def load(self, account: AccountKey, post: Post) -> None:
        """Let an account's way out go on where it was left. Raises StoreUnavailable."""
        left = self._house.log.get_pacing(_name(account))
        if left is not None:
            post.pacer.load(left, boottime(), self._house.clock().timestamp())

    def load_all(self) -> None:
        """Do so for all of them."""
        for account, post in self._courier.posts.items():
            self.load(account, post)

    def save(self, account: AccountKey, post: Post) -> None:
        """Note what was spent. Raises StoreUnavailable."""
        self._house.log.set_pacing(
            _name(account), post.pacer.dump(boottime(), self._house.clock().timestamp())
        )

    async def save_all(self) -> None:
        """Note it of all of them. Where the store is away that is logged, and the limits are kept by what was noted before."""
        for rest in reversed(range(TRIES)):
            try:
                await asyncio.to_thread(self._save_all)
                return
            except StoreUnavailable as error:
                if not rest:
                    log_.warning("pacing.not_saved", error=str(error))

    def _save_all(self) -> None:
        for account, post in list(self._courier.posts.items()):
            self.save(account, post)

    async def save_often(self, every_s: float) -> None:
        """A 429 still counts after a crash: noted at once; what else is spent every few seconds. Full buckets need no note."""
        while True:
            await set_within(self._courier.frozen, every_s)
            self._courier.frozen.clear()
            if any(post.pacer.spent(boottime()) for post in self._courier.posts.values()):
                await self.save_all()


def _name(account: AccountKey) -> str:
    return ":".join(account)
