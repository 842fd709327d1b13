"""The other processes on one PostgreSQL, for channels whose people are connected to one of them: what one sends, another shows.

What is said is an id: whoever has the page open looks the message up. It may be lost with a connection; the page shows it when it comes
again, as the history has it.
"""

import asyncio
from collections.abc import Callable

import structlog

from bot.eventlog.bell import PostgresBell
from bot.eventlog.postgres import SCHEMA
from bot.eventlog.postgres_store import PostgresStore
from channels.channel import Shows
from domain.errors import StoreUnavailable
from domain.identity import Address, ContactId, Party

log_ = structlog.get_logger(__name__)


class PostgresNeighbours:
    """See channels.channel.Neighbours."""

    def __init__(
        self, url: str, address_of: Callable[[Party, str], Address | None], schema: str = SCHEMA
    ) -> None:
        """``address_of``: where somebody is, by their id; called in a thread. Connects when it is first asked."""
        self._address_of = address_of
        self._bell = PostgresBell(
            PostgresStore(url, schema).connect, f"siyu_{schema}_chat", _nothing, self._told
        )
        self._shows: list[Shows] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._showing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Hear the others from now on; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._bell.start()

    async def tell(self, contact: ContactId, what: str) -> None:
        """See Neighbours."""
        try:
            await asyncio.to_thread(self._bell.ring, f"{contact} {what}")
        except StoreUnavailable as error:
            log_.warning("neighbours.not_told", error=str(error))

    def hear(self, shows: Shows) -> None:
        """See Neighbours."""
        self._shows.append(shows)

    def close(self) -> None:
        """Hear them no more."""
        self._bell.close()

    def _told(self, said: str) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._begin, said)

    def _begin(self, said: str) -> None:
        task = asyncio.ensure_future(self._show(said))
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    async def _show(self, said: str) -> None:
        contact, _, what = said.partition(" ")
        try:
            address = await asyncio.to_thread(self._address_of, Party.CONTACT, contact)
            if address is not None:
                for shows in self._shows:
                    await shows(address, ContactId(contact), what)
        except StoreUnavailable as error:
            log_.warning("neighbours.not_shown", error=str(error))


def _nothing() -> None:
    """Do what is to be done when something may have been missed: the page asks when it comes again."""
