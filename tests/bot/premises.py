"""The real house on SQLite with a settable clock, and people who write to it."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.bootstrap import open_house
from bot.desk import Desk
from bot.house import House, done
from bot.operations.team import add_operator
from bot.settings import load
from channels import channel
from domain.conversations.commands import Chat, Content, Edit, Message, Press, Receive, Sender
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.dispatch import Request
from domain.identity import (
    Account,
    Address,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    Party,
    ProviderMessageId,
    Slug,
    StreamId,
    SubjectId,
)
from domain.message import Context, Event, Personal, Recorded
from domain.operators.events import Role
from domain.ports.event_log import EventLog
from domain.ports.history import MemoryHistory
from domain.ports.media import MemoryUploads
from scheduler.follower import Follower

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
TELEGRAM, BOT = Channel("telegram"), Account("42")
E = TypeVar("E")


class Premises:
    """It is Friday, 20 November 2026, noon in Shanghai. ``settings``: variables besides SIYU_DATA."""

    def __init__(
        self, folder: Path, through: Callable[[EventLog], EventLog] = lambda log: log, **settings: str
    ) -> None:
        variables = {"SIYU_DATA": str(folder), "SIYU_LOCALE": "en", "SIYU_STARTER_RULES": "false", **settings}
        self.now = NOON
        self.house: House = open_house(load(variables), variables, lambda: self.now, through)
        self._numbers = itertools.count(1)

    def close(self) -> None:
        self.house.close()

    # What people do

    def receive(self, who: str, content: Content, group: str | None = None) -> None:
        self.now += timedelta(seconds=1)
        received = Receive(
            channel=TELEGRAM,
            account=BOT,
            key=str(next(self._numbers)),
            occurred_at=self.now,
            content=content,
            sender=Sender(external_id=who, name=who.title(), username=f"{who}_x"),
            chat=None if group is None else Chat(external_id=group, title=group.title()),
        )
        context = Context(actor=Slug("customer"), occurred_at=self.now, now=self.now)
        done(self.house.submit_blocking(Request(context, (received,))))

    def says(self, who: str, text: str, *, group: str | None = None, forwarded: bool = False) -> None:
        message = ProviderMessageId(f"m{next(self._numbers)}")
        self.receive(who, Message(text=text, provider_message=message, forwarded=forwarded), group)

    def edits(self, who: str, text: str) -> None:
        self.receive(who, Edit(text=text, provider_message=ProviderMessageId("m1")))

    def presses(self, who: str, data: str, on: str | None = "b1") -> None:
        """Press a button below the message ``on``."""
        message = None if on is None else ProviderMessageId(on)
        self.receive(who, Press(data=data, query=f"q{next(self._numbers)}", provider_message=message))

    # Who they are

    def contact(self, who: str) -> ContactId:
        return ContactId(self._id(Address(Party.CONTACT, TELEGRAM, BOT, who)))

    def group(self, which: str) -> GroupId:
        return GroupId(self._id(Address(Party.GROUP, TELEGRAM, BOT, which)))

    def _id(self, address: Address) -> str:
        return self.house.vault.resolve([address])[address]

    def customer(self, who: str) -> CustomerId:
        seen = self.house.log.read_stream(StreamId(f"contact-{self.contact(who)}"))
        return CustomerId(seen[0].event.customer)  # type: ignore[attr-defined]  # ContactSeen

    # What we do

    def plan(
        self, who: str, text: str = "hello", kind: DeliveryClass = DeliveryClass.SERVICE
    ) -> PlanDelivery:
        """A plan that is due now and for a day, for somebody who wrote; it is not handed in."""
        return PlanDelivery(
            delivery=DeliveryId(f"delivery{next(self._numbers):04}"),
            subject=SubjectId(f"contact-{self.contact(who)}"),
            kind=kind,
            occasion=Slug("send"),
            contact=self.contact(who),
            customer=self.customer(who),
            text=Personal(text),
            not_before=self.now,
            expires_at=self.now + timedelta(days=1),
        )

    def follower(self, name: str = "operator-desk") -> Follower:
        return Follower(name, self.house.log, self.house.submit, self.house.clock)

    async def desk(self) -> Desk:
        """A desk that takes over where the last one stopped; the first one begins here."""
        desk = Desk(self.house, self.follower())
        await settled(desk)
        return desk

    async def binds(self, desk: Desk, who: str, role: Role = Role.OWNER) -> None:
        """Make somebody an operator of this role, the way operators do it."""
        *_, line = add_operator(self.house, who, role)
        self.says(who, str(line))
        await settled(desk)

    # What came of it

    def everything(self, after: int = 0) -> list[Recorded]:
        return self.house.log.read(after, 100_000)

    def events(self, kind: type[E], after: int = 0) -> list[E]:
        return [recorded.event for recorded in self.everything(after) if isinstance(recorded.event, kind)]

    def new(self, after: int) -> list[Event]:
        return [recorded.event for recorded in self.everything(after)]

    def answers(self, who: str, after: int = 0) -> list[str]:
        """The answers of the desk to somebody, in order."""
        return [
            planned.text.value
            for planned in self.events(DeliveryPlanned, after)
            if planned.occasion == "command" and planned.contact == self.contact(who) and planned.text
        ]


async def settled(desk: Desk) -> None:
    """Let the desk carry out everything that waits."""
    while await desk.step():
        pass


def unused_desk(premises: Premises) -> channel.Desk:
    """What a channel is given that hands in nothing by itself."""

    async def intake(received: Sequence[Receive]) -> None:
        raise AssertionError("nobody writes over it")

    async def confirmed(_delivery: str) -> None:
        raise AssertionError("nobody saw anything")

    async def all_said(contact: ContactId) -> None:
        raise AssertionError(f"{contact} waits for nothing")

    return channel.Desk(
        intake=intake,
        history=MemoryHistory(),
        cursors=premises.house.log,
        contact_of=lambda _channel, _account, _external_id: None,
        confirmed=confirmed,
        accepted=confirmed,
        all_said=all_said,
        clock=premises.house.clock,
        public_url=None,
        brand="Tea House",
        locale="en",
        say=lambda text, _locale: text,
        uploads=MemoryUploads(),
        link=lambda media: f"/media/{media}",
    )
