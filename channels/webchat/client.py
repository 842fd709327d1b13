"""The way out: pushes to a visitor's open sockets."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from channels.channel import Neighbours
from channels.webchat import render
from channels.webchat.errors import TOO_MANY_SOCKETS, BadFrame
from channels.webchat.limits import SOCKETS_PER_VISITOR
from domain.errors import PermanentFailure
from domain.identity import Account, Address, Channel, ContactId, Party, ProviderMessageId
from domain.ports.messenger import Outbound

RECALLED = ":recalled"
ContactOf = Callable[[Channel, Account, str], ContactId | None]


class Socket(Protocol):
    """An open socket, as far as others may use it. Neither call waits."""

    def show(self, id_: str, frame: str) -> None:
        """Put a message on the visitor's screen."""
        ...

    def close(self, code: int) -> None:
        """End the connection, after what was put in before."""
        ...


class OpenSockets:
    """Every open socket, and whose it is. ``limit``: how many there may be."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._all: set[Socket] = set()
        self._of: dict[str, set[Socket]] = {}
        self._none_left = asyncio.Event()
        self._none_left.set()

    def has_room(self) -> bool:
        """Whether one more may open."""
        return len(self._all) < self._limit

    def open(self, socket: Socket) -> None:
        """Count a socket; it is nobody's yet."""
        self._all.add(socket)
        self._none_left.clear()

    def join(self, external_id: str, socket: Socket) -> None:
        """Let a socket be this visitor's. Raises BadFrame where they have too many."""
        theirs = self._of.setdefault(external_id, set())
        if len(theirs) >= SOCKETS_PER_VISITOR:
            raise BadFrame(TOO_MANY_SOCKETS)
        theirs.add(socket)

    def has(self, external_id: str) -> bool:
        """Whether this visitor has one."""
        return external_id in self._of

    def leave(self, external_id: str, socket: Socket) -> None:
        """Let a socket be nobody's again."""
        theirs = self._of.get(external_id, set())
        theirs.discard(socket)
        if not theirs:
            self._of.pop(external_id, None)

    def closed(self, socket: Socket) -> None:
        """Forget a socket that left before."""
        self._all.discard(socket)
        if not self._all:
            self._none_left.set()

    def push(self, external_id: str, id_: str, frame: str, *, but: Socket | None = None) -> None:
        """Show a message on all sockets of this visitor, ``but`` one."""
        for socket in self._of.get(external_id, set()) - {but}:
            socket.show(id_, frame)

    def close(self, code: int) -> None:
        """Ask all of them to end."""
        for socket in self._all:
            socket.close(code)

    async def closed_all(self) -> None:
        """Return when none is open."""
        await self._none_left.wait()


class WebChatMessenger:
    """Sends to a visitor.

    Whether a socket is open makes no difference: the history shows the message when the visitor comes back, so it is
    sent once it may be shown. That asks of the History that it has a delivery from the moment it was started: a page
    that connects between this push and the outcome's commit would otherwise miss it until its next visit.
    """

    def __init__(
        self,
        sockets: OpenSockets,
        contact_of: ContactOf,
        clock: Callable[[], datetime],
        link: render.Link,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._sockets, self._contact_of, self._clock, self._link = sockets, contact_of, clock, link
        self._neighbours = neighbours

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """See Messenger. The id is the delivery's. Raises PermanentFailure only, for who was never here."""
        to = outbound.to
        if to.party is not Party.CONTACT:
            raise PermanentFailure("no-groups")
        contact = self._contact_of(to.channel, to.account, to.external_id)
        if contact is None:
            raise PermanentFailure("unknown-visitor", unreachable=True)
        self._sockets.push(to.external_id, outbound.key, render.live(outbound, self._clock(), self._link))
        if self._neighbours is not None:
            await self._neighbours.tell(contact, outbound.key)
        return ProviderMessageId(outbound.key)

    async def take_back(self, to: Address, message: ProviderMessageId) -> None:
        """See domain.ports.recalls.Recalls: gone from open pages now, and from the history that later ones are shown."""
        self._sockets.push(to.external_id, f"{message}{RECALLED}", render.recalled(message))
        contact = self._contact_of(to.channel, to.account, to.external_id)
        if self._neighbours is not None and contact is not None:
            await self._neighbours.tell(contact, f"{message}{RECALLED}")
