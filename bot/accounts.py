"""The accounts that are open: one more may be opened, and one be replaced, while Siyu runs."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from channels.channel import Adapter
from domain.errors import BadSettings, StoreUnavailable
from domain.identity import Account, Channel
from projections import groups
from projections.engine import Views
from projections.people import contacts
from scheduler.delivery import Courier, Post
from scheduler.pacing import Pacer, Rates

LANDED_WITHIN_S = 10.0
LANDED_ASKED_EVERY_S = 0.05
GROUPS_ASKED_FOR = 100

Key = tuple[str, str]
"""A channel, and what the account is called in the settings."""


class Accounts:
    """See bot.checking.Live. ``make``: opens an account as it is configured now, and raises BadSettings.

    ``web``: has the routes of those that are open already.
    """

    def __init__(
        self, opened: Mapping[Key, Adapter], make: Callable[[str, str], Adapter], views: Views, web: Starlette
    ) -> None:
        self._open, self._make, self._views, self.web = dict(opened), make, views, web
        self.courier: Courier | None = None
        """Who sends over them; the app sets it."""
        self._one_at_a_time = asyncio.Lock()
        self._stopped = False

    @property
    def adapters(self) -> Sequence[Adapter]:
        """Those that are open."""
        return tuple(self._open.values())

    async def start(self) -> None:
        """Let all of them receive."""
        async with self._one_at_a_time:
            for adapter in self.adapters:
                await adapter.start()

    async def stop(self) -> None:
        """Stop all of them, whatever one of them meets."""
        async with self._one_at_a_time:
            self._stopped = True
            for adapter in self.adapters:
                with contextlib.suppress(Exception):
                    await adapter.stop()

    def adapter(self, channel: str, name: str) -> Adapter | None:
        """See Live."""
        return self._open.get((channel, name))

    def make(self, channel: str, name: str) -> Adapter:
        """See Live."""
        made = self._make(channel, name)
        others = (adapter for key, adapter in self._open.items() if key != (channel, name))
        if any((other.channel, other.account) == (made.channel, made.account) for other in others):
            raise BadSettings(
                "two accounts of {channel} are the same one: {account}", channel=channel, account=made.account
            )
        return made

    async def put(self, channel: str, name: str, adapter: Adapter) -> None:
        """Let an account that was made work, in the place of what was open under its name.

        What is sent from now on goes over the new one; the old one is closed once what it was sending has landed, and before the new one
        receives: a provider gives its messages to one of them.
        """
        async with self._one_at_a_time:
            courier = self.courier
            if self._stopped or courier is None:
                raise StoreUnavailable("Siyu stopped while it answered: try again")
            old = self._open.get((channel, name))
            self._open[channel, name] = adapter
            courier.serve((adapter.channel, adapter.account), post_of(adapter))
            replaced = _paths(old) if old is not None else frozenset()
            routes = self.web.router.routes
            routes[:] = [*adapter.routes(), *(route for route in routes if _path(route) not in replaced)]
            if old is not None:
                await self._close(old, adapter, courier)
            await adapter.start()

    async def _close(self, old: Adapter, new: Adapter, courier: Courier) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LANDED_WITHIN_S):
                while courier.flying((old.channel, old.account)):  # noqa: ASYNC110  # each landing is another's news
                    await asyncio.sleep(LANDED_ASKED_EVERY_S)
        if (old.channel, old.account) != (new.channel, new.account):
            courier.leave((old.channel, old.account))
        await old.stop()

    async def heard(self, channel: Channel, account: Account) -> bool:
        """See Live."""
        return await asyncio.to_thread(self._heard, channel, account)

    async def groups(self, channel: Channel, account: Account) -> Sequence[str]:
        """See Live."""
        return await asyncio.to_thread(self._groups, channel, account)

    def _heard(self, channel: Channel, account: Account) -> bool:
        with self._views.read() as connection:
            return contacts.anybody_wrote(connection, channel, account)

    def _groups(self, channel: Channel, account: Account) -> Sequence[str]:
        with self._views.read() as connection:
            known = groups.listed(connection, limit=GROUPS_ASKED_FOR)
        return [group.external_id for group in known if (group.channel, group.account) == (channel, account)]


def post_of(adapter: Adapter) -> Post:
    """Return an account's way out, with full buckets."""
    limits = adapter.limits
    rates = Rates(limits.rate_per_s, limits.chat_rate_per_s, limits.group_rate_per_min)
    return Post(adapter.messenger, Pacer(rates), limits.routes)


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path", ""))


def _paths(adapter: Adapter) -> frozenset[str]:
    return frozenset(map(_path, adapter.routes()))
