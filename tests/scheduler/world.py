"""A small world in one process: a shop on a log in memory, and everything the scheduler reads, folded from that log.

Nothing sleeps. ``World.pass_time`` moves both clocks; ``World.settle`` and ``World.run`` drive a courier's steps.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time, timedelta

from domain.contacts.contact import contacts
from domain.conversations.commands import Chat, Message, Sender
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, Result
from domain.errors import CannotRender, SiyuError, StoreUnavailable
from domain.identity import (
    Account,
    Address,
    ContactId,
    DeliveryId,
    GroupId,
    Party,
    ProviderMessageId,
    Slug,
    SubjectId,
    stream,
)
from domain.message import Context, Event, Origin, Personal
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.ports.audience import Audience
from domain.ports.event_log import Append, MemoryEventLog, NewEvent, StreamWrite, Unreadable
from domain.ports.identities import MemoryIdentities
from domain.ports.messenger import REQUEST_TIMEOUT_S, MemoryMessenger, Messenger, Outbound
from domain.registry import EVENT_TYPES
from scheduler.delivery import Clocks, Courier, Post, Sources
from scheduler.follower import Dispatch
from scheduler.letters import Letters
from scheduler.pacing import Pacer, Rates
from tests.domain.controls.ids import BOT, SHANGHAI, TELEGRAM
from tests.domain.shop import Shop, came
from tests.scheduler.view import LogView

CONTROLS = Controls(
    cap=FrequencyCap(per_day=1, per_week=2),
    group_cap=FrequencyCap(per_day=1, per_week=2),
    quiet=QuietHours(time(22), time(8, 30)),
    zone=SHANGHAI,
)
UNLIMITED = Rates(0, 0, 0)
TELEGRAM_RATES = Rates(30, 1, 20)
STEPS_AT_MOST = 10_000
"""A world that does not come to rest within so many steps is broken."""

TYPES = {**{event: slug for slug, event in EVENT_TYPES.items()}, Unreadable: "message-received/9"}
"""What the log may hold; an event that cannot be read stands for a message of a later Siyu."""


def render(template: str, variables: Mapping[str, str]) -> str:
    """Stands for liquid: knows {{ name }}, and that it must not be empty."""
    if "{{ name }}" not in template:
        return template
    if not variables.get("name"):
        raise CannotRender("missing_variable")
    return template.replace("{{ name }}", variables["name"])


@dataclass(slots=True)
class Provider:
    """A messenger that keeps when and what it was given, and asks ``inner`` what it says to it."""

    clock: "World"
    inner: Messenger = field(default_factory=MemoryMessenger)
    asked: list[tuple[float, str]] = field(default_factory=list)
    """Every request: seconds of the world's boot clock, and the text."""

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        self.asked.append((self.clock.boottime, outbound.text))
        return await self.inner.send(outbound)

    @property
    def texts(self) -> list[str]:
        """The texts of all requests, in order."""
        return [text for _, text in self.asked]


class World(Shop):
    """A shop with clocks, a group-committing dispatcher and a view. ``pass_time`` moves the clocks of this world only."""

    second_bot = Account("7002")
    """The account of the second messenger that a courier is given."""

    def __init__(self, *, beside: "World | None" = None) -> None:
        """``beside``: another process of the same installation, on the same log."""
        if beside is None:
            super().__init__(log=MemoryEventLog(TYPES, lambda: self.now))
        else:
            super().__init__(log=beside.log, identities=beside.identities)
            self.now = beside.now
        self._prefix = "a" if beside is None else "b"
        self.boottime = 1_000.0
        self.view = LogView(self.log)
        self.failures: list[SiyuError] = []
        """Raised by the dispatcher, one a commit, instead of committing."""
        self._waiting: list[tuple[Request, asyncio.Future[Result]]] = []

    def fresh(self) -> str:
        """Return the next id: the same in every run, and another one in the world beside."""
        return f"{self._prefix}{next(self._ids):04}"

    def pass_time(self, seconds: float) -> None:
        """Move both clocks."""
        self.now += timedelta(seconds=seconds)
        self.boottime += seconds

    async def dispatch(self, request: Request) -> Result:
        """Decide and append, together with whatever else was asked for in this turn of the loop: as bot/eventlog/writer.py does."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((request, future))
        return await future

    def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        if self.failures:
            error = self.failures.pop(0)
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), answer in zip(batch, self._decide([r for r, _ in batch]), strict=True):
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _decide(self, requests: list[Request]) -> Sequence[Result | Exception]:
        try:
            return self.dispatcher.step(requests)
        except StoreUnavailable as error:
            return [error for _ in requests]
        except Exception as error:  # noqa: BLE001  # as the writer: a bug in one request reaches its caller, and nobody else
            if len(requests) > 1:
                return [answer for request in requests for answer in self._decide([request])]
            return [Failed(error) if isinstance(error, SiyuError) else error]

    async def _rest(self, seconds: float) -> None:
        self.pass_time(seconds)
        await asyncio.sleep(0)

    def courier(
        self,
        *messengers: Messenger,
        rates: Rates = UNLIMITED,
        controls: Controls = CONTROLS,
        worker: str = "worker-1",
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        dispatch: Dispatch | None = None,
        audience: Audience | None = None,
    ) -> Courier:
        """Return a courier; the first messenger is the bot's, others are those of the bots ``7002``, ``7003`` and so on."""
        accounts = [BOT, *(Account(str(7002 + i)) for i in range(len(messengers) - 1))]
        posts = {
            (TELEGRAM, account): Post(messenger, Pacer(rates))
            for account, messenger in zip(accounts, messengers, strict=True)
        }
        return Courier(
            Sources(self.view, audience or self.view, Letters(self.log), self.identities),
            dispatch or self.dispatch,
            posts,
            controls,
            render,
            Clocks(lambda: self.now, lambda: self.boottime, self._rest),
            Slug(worker),
            request_timeout_s=request_timeout_s,
        )

    def meet(self, name: str, *, account: Account = BOT) -> ContactId:
        """Let somebody write in private, which makes them a contact, and a customer who agreed to marketing."""
        self.given(replace(came(Message(text="hi"), Sender(external_id=name, name=name)), account=account))
        return ContactId(self.identities.find(Address(Party.CONTACT, TELEGRAM, account, name)) or "")

    def forget_addresses(self) -> None:
        """Be an installation whose identity table knows nobody any more."""
        self.identities = MemoryIdentities(self.fresh)

    def meet_group(self, name: str) -> GroupId:
        """Let somebody write in a group."""
        self.given(came(Message(text="hi"), chat=Chat(external_id=name, title=name)))
        return GroupId(self.identities.find(Address(Party.GROUP, TELEGRAM, BOT, name)) or "")

    def plan(
        self,
        text: str,
        to: ContactId | None = None,
        *,
        group: GroupId | None = None,
        kind: DeliveryClass = DeliveryClass.REPLY,
        lives: timedelta = timedelta(hours=24),
    ) -> PlanDelivery:
        """Return a message to somebody known, or to a group, due now; its id is its text."""
        return PlanDelivery(
            delivery=DeliveryId(text),
            subject=SubjectId(f"contact-{to}" if group is None else f"group-{group}"),
            kind=kind,
            occasion=Slug("test"),
            contact=to,
            customer=None if to is None else self.state(contacts, to).customer,
            group=group,
            text=Personal(text),
            not_before=self.now,
            expires_at=self.now + lives,
            automatic=kind is DeliveryClass.MARKETING,
        )

    def send_to(self, to: ContactId, *texts: str, kind: DeliveryClass = DeliveryClass.REPLY) -> None:
        """Plan messages to somebody."""
        self.given(*(self.plan(text, to, kind=kind) for text in texts))

    def damage(self, category: str, key: str, *, origin: Origin = Origin.LIVE) -> None:
        """Let the log hold an event in this stream that nobody can read."""
        name = stream(category, key)
        context = Context(actor=Slug("system"), occurred_at=self.now, now=self.now, origin=origin)
        unreadable = NewEvent(Unreadable("unknown type"), context)
        self.log.append([Append((StreamWrite(name, len(self.log.read_stream(name)), (unreadable,)),))])

    async def settle(self, *couriers: Courier) -> None:
        """Let couriers work until nothing more happens at this moment."""
        for _ in range(STEPS_AT_MOST):
            before = self.log.head()
            await asyncio.gather(*(courier.step() for courier in couriers))
            for courier in couriers:
                await courier.drain()
            if self.log.head() == before:
                return
        raise AssertionError("this world does not come to rest")

    async def run(self, courier: Courier, seconds: float) -> None:
        """Let a courier work for so long, moving the clocks to whenever it wants to look again."""
        end = self.boottime + seconds
        for _ in range(STEPS_AT_MOST):
            wait = await courier.step()
            if courier.in_flight:
                await courier.drain()
                if self.boottime >= end:
                    return
            elif wait is None or self.boottime + wait >= end:
                self.pass_time(end - self.boottime)
                return
            else:
                self.pass_time(max(wait, 0.001))
        raise AssertionError("this world does not come to rest")

    def story(self, delivery: str) -> list[Event]:
        """Return the events of one delivery."""
        recorded = self.log.read_stream(stream(deliveries.category, delivery))
        return [r.event for r in recorded]

    def kinds(self, delivery: str) -> list[str]:
        """Return what happened to one delivery, by the names of the events without the word they share."""
        return [type(event).__name__.removeprefix("Delivery") for event in self.story(delivery)]
