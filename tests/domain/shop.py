"""A shop on a log in memory: everything that decides, joined as bootstrap joins it, and a clock that stands still.

``Shop().given(*commands).when(*commands).then(*events)``: what is given and what follows are commands to the dispatcher; each of the
given ones is a request of its own, those of ``when`` are decided in one append.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from domain.contacts.contact import contacts
from domain.conversations.commands import Chat, Content, Message, Receive, Sender
from domain.customers.customer import CustomerState, customers
from domain.decider import Decider
from domain.dispatch import Dispatcher, Done, Failed, Reaction, Request, Result, answering, fold
from domain.errors import SiyuError
from domain.identity import (
    Address,
    ContactId,
    CustomerId,
    GroupId,
    KeyedHash,
    Locale,
    Party,
    ProviderMessageId,
    Slug,
    stream,
)
from domain.message import Command, Context, Event, Origin, Recorded
from domain.policies.stop_words import StopWords
from domain.ports.event_log import EventLog, MemoryEventLog
from domain.ports.identities import MemoryIdentities
from domain.processes.registry import Outside, processes
from domain.registry import EVENT_TYPES, registry
from domain.rules.events import Match
from tests.domain.controls.ids import BOT, NOON, TELEGRAM, ZH

S = TypeVar("S")
E = TypeVar("E")

SILENCE = timedelta(minutes=30)
WANG = Sender(external_id="42", name="王芳", username="wangfang", language=ZH)
LIN = Sender(external_id="43", name="林涛")
TEA_FANS = Chat(external_id="-100", title="茶友群", kind=Slug("group"))

_keys = itertools.count(1)


def came(
    content: Content, by: Sender | None = WANG, *, chat: Chat | None = None, key: str | None = None
) -> Receive:
    """Something came in by Telegram; each with a key of its own unless one is named."""
    return Receive(
        channel=TELEGRAM,
        account=BOT,
        key=key or f"update-{next(_keys)}",
        occurred_at=NOON,
        content=content,
        sender=by,
        chat=chat,
    )


def said(
    text: str,
    by: Sender = WANG,
    *,
    chat: Chat | None = None,
    key: str | None = None,
    to_bot: bool = True,
    forwarded: bool = False,
    provider_message: ProviderMessageId | None = None,
    source: Slug | None = None,
) -> Receive:
    """Somebody said something."""
    message = Message(
        text=text, to_bot=to_bot, forwarded=forwarded, provider_message=provider_message, source=source
    )
    return came(message, by, chat=chat, key=key)


def translated(text: str, locale: Locale | None) -> str:
    """Stands for gettext: shows which locale was asked for."""
    return f"[{locale or 'default'}] {text}"


def matches(match: Match, pattern: str, text: str) -> bool:
    """Stands for RE2: any, exact, and contains for everything else."""
    return match is Match.ANY or text == pattern or (match is not Match.EXACT and pattern in text)


def dialled(said: str) -> str | None:
    """Stands for phonenumbers: what begins with +."""
    return said if said.startswith("+") and said[1:].isdecimal() else None


@dataclass(frozen=True, slots=True)
class Appended:
    """What ``when`` led to."""

    events: tuple[Recorded, ...] = ()
    error: SiyuError | None = None
    duplicate: bool = False

    def then(self, *events: Event) -> None:
        """Exactly these events were appended, in this order."""
        assert self.error is None, self.error
        assert [recorded.event for recorded in self.events] == list(events)

    def then_kinds(self, *kinds: type) -> None:
        """Events of exactly these classes were appended, in this order."""
        assert self.error is None, self.error
        assert [type(recorded.event).__name__ for recorded in self.events] == [
            kind.__name__ for kind in kinds
        ]

    def then_failed(self, text: str, kind: type[SiyuError]) -> None:
        """Nothing was appended, for this reason."""
        assert (type(self.error), str(self.error)) == (kind, text)


class Shop:
    """``log`` and ``identities``: shared by several shops they stand for several processes of one installation."""

    def __init__(
        self,
        *,
        implied_consent: bool = True,
        silence: timedelta = SILENCE,
        log: EventLog | None = None,
        identities: MemoryIdentities | None = None,
        topics: Mapping[Slug, str] | None = None,
        consent_text: Slug | None = None,
    ) -> None:
        self.now = NOON
        self._ids = itertools.count(1)
        self.log = log or MemoryEventLog({kind: slug for slug, kind in EVENT_TYPES.items()}, lambda: self.now)
        self.identities = identities or MemoryIdentities(self.fresh)
        self.words = StopWords.of(topics=topics)
        self.processes = processes(
            Outside(
                say=translated,
                matches=matches,
                is_command=lambda text: text.startswith("/"),
                words=self.words,
                silence=silence,
                implied_consent=implied_consent,
                dialled=dialled,
                consent_text=consent_text,
            )
        )
        self.digest = KeyedHash(b"secret of the shop")
        self.dispatcher = Dispatcher(
            self.log, self.identities, registry(self.processes), self.digest, self.fresh
        )

    def fresh(self) -> str:
        """Return the next id: they differ between shops, as random ones would."""
        return f"{next(self._ids):04x}{id(self):x}"

    def request(self, *commands: Command, actor: str = "customer", origin: Origin = Origin.LIVE) -> Request:
        """Commands for one append, now."""
        context = Context(actor=Slug(actor), occurred_at=self.now, now=self.now, origin=origin)
        return Request(context, commands)

    def batch(self, *commands: Command) -> list[Result]:
        """Decide commands in one batch, each as a request of its own."""
        return self.dispatcher.step([self.request(command) for command in commands])

    def given(self, *commands: Command) -> "Shop":
        """These were done before, each by itself."""
        for command in commands:
            done = self.when(command)
            assert done.error is None, done.error
        return self

    def when(self, *commands: Command, actor: str = "customer", origin: Origin = Origin.LIVE) -> Appended:
        """Decide commands in one append."""
        (result,) = self.dispatcher.step([self.request(*commands, actor=actor, origin=origin)])
        if isinstance(result, Failed):
            return Appended(error=result.error)
        return Appended(result.events, duplicate=result.duplicate)

    def follow(self, after: int = 0) -> list[Event]:
        """Let the processes that follow the log react to everything behind a position. Returns what that appended."""
        appended: list[Event] = []
        for process in self.processes:
            if not process.immediate:
                for recorded in self.log.read(after, 10_000):
                    if isinstance(recorded.event, process.listens_to):
                        context = answering(recorded, process, self.now)
                        (result,) = self.dispatcher.step(
                            [Request(context, reactions=(Reaction(process, recorded, self.now),))]
                        )
                        assert isinstance(result, Done), result
                        appended += [r.event for r in result.events]
        return appended

    def recorded(self) -> Sequence[Recorded]:
        """Everything in the log."""
        return self.log.read(0, 100_000)

    def all_of(self, kind: type[E]) -> list[E]:
        """Return every event of a class, in order."""
        return [r.event for r in self.recorded() if isinstance(r.event, kind)]

    def state(self, decider: Decider[S], key: str) -> S:
        """Return the state of a stream, folded anew from the log."""
        return fold(decider, self.log.read_stream(stream(decider.category, key)))

    def contact(self, sender: Sender = WANG) -> ContactId:
        """Return who is behind a sender."""
        found = self.identities.find(Address(Party.CONTACT, TELEGRAM, BOT, sender.external_id))
        assert found is not None, sender
        return ContactId(found)

    def group(self, chat: Chat = TEA_FANS) -> GroupId:
        """Return the group behind a chat."""
        found = self.identities.find(Address(Party.GROUP, TELEGRAM, BOT, chat.external_id))
        assert found is not None, chat
        return GroupId(found)

    def customer(self, sender: Sender = WANG) -> CustomerId:
        """Return the customer behind a sender."""
        customer = self.state(contacts, self.contact(sender)).customer
        assert customer is not None, sender
        return customer

    def customer_state(self, sender: Sender = WANG) -> CustomerState:
        """Return the state of the customer behind a sender."""
        return self.state(customers, self.customer(sender))
