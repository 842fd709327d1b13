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
from scheduler.turns import AccountKey

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
        self.owns: Callable[[AccountKey], bool] = lambda _account: True
        """Whether this process sends over an account, and asks for what comes over it; with several, one does."""
        self._one_at_a_time = asyncio.Lock()
        self._stopped = False

    @property
    def adapters(self) -> Sequence[Adapter]:
        """Those that are open."""
        return tuple(self._open.values())

    async def start(self, which: Callable[[Adapter], bool] = lambda _adapter: True) -> None:
        """Let them receive, all of them or some."""
        async with self._one_at_a_time:
            for adapter in self.adapters:
                if which(adapter):
                    await adapter.start()

    async def ask(self, account: AccountKey) -> None:
        """Ask for what comes in over an account, where one has to ask."""
        async with self._one_at_a_time:
            for adapter in self.adapters:
                if key_of(adapter) == account and asks(adapter) and not self._stopped:
                    await adapter.start()

    async def hand_over(self, account: AccountKey) -> None:
        """Send over an account no more, and ask for nothing that comes over it: another process does. Returns when all has landed."""
        courier = self.courier
        if courier is not None:
            courier.leave(account)
            while courier.flying(account):  # noqa: ASYNC110  # each landing is another's news
                await asyncio.sleep(LANDED_ASKED_EVERY_S)
        async with self._one_at_a_time:
            for key, adapter in list(self._open.items()):
                if key_of(adapter) == account and asks(adapter) and not self._stopped:
                    await adapter.stop()
                    self._open[key] = self._make(*key)

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
            ours = self.owns(key_of(adapter))
            if ours:
                courier.serve(key_of(adapter), post_of(adapter))
            replaced = _paths(old) if old is not None else frozenset()
            routes = self.web.router.routes
            routes[:] = [*adapter.routes(), *(route for route in routes if _path(route) not in replaced)]
            if old is not None:
                await self._close(old, adapter, courier)
            if ours or not asks(adapter):
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


def key_of(adapter: Adapter) -> AccountKey:
    """Return which account it is."""
    return adapter.channel, adapter.account


def asks(adapter: Adapter) -> bool:
    """Whether it asks its provider for what comes in (by long polling), instead of listening at an address."""
    return not adapter.routes()


def post_of(adapter: Adapter) -> Post:
    """Return an account's way out, with full buckets."""
    limits = adapter.limits
    rates = Rates(limits.rate_per_s, limits.chat_rate_per_s, limits.group_rate_per_min)
    return Post(adapter.messenger, Pacer(rates), limits.routes)


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path", ""))


def _paths(adapter: Adapter) -> frozenset[str]:
    return frozenset(map(_path, adapter.routes()))
