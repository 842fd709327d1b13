"""One of several processes that decide on the same people at once: ``python -m tests.scenarios.linkers URL MASTER_KEY SEED PAIRS``.

It says ``ready``, waits for a line, merges, un-merges, claims and hears people say stop, in an order of its own, and prints what became
of it as JSON.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from bot.eventlog.codec import Codec
from bot.eventlog.postgres import PostgresEventLog
from bot.eventlog.vault import Vault
from bot.ids import fresh_id
from domain.contacts.contact import contacts
from domain.conversations.commands import Message, Receive, Sender
from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Dispatcher, Done, Failed, Request, Result
from domain.errors import Rejected
from domain.gate import ClaimDelivery
from domain.identity import (
    Account,
    Address,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    KeyedHash,
    Party,
    Slug,
    SubjectId,
    ZoneName,
    stream,
)
from domain.message import Command, Context, Personal
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.policies.stop_words import StopWords
from domain.processes.registry import Outside, processes
from domain.registry import EVENT_TYPES, registry

OFFERS = 4
"""Planned for each contact of a pair."""
TURNS = 3
"""So often each process merges and un-merges a pair."""
TELEGRAM, WEBCHAT, BOT = Channel("telegram"), Channel("webchat"), Account("7001")
ALWAYS = Controls(
    cap=FrequencyCap(0, 0),
    group_cap=FrequencyCap(0, 0),
    quiet=QuietHours(time(0), time(0)),
    zone=ZoneName("Asia/Shanghai"),
)


@dataclass(frozen=True, slots=True)
class TheirAccount:
    """One of a person's two accounts, and the record it was first known as."""

    name: str
    channel: Channel
    contact: ContactId
    record: CustomerId


class Office:
    """One process's own way to the shared log."""

    def __init__(self, url: str, master: str, topics: Mapping[Slug, str] | None = None) -> None:
        self.vault = Vault(url, Path(master))
        self.log = PostgresEventLog(url, Codec(EVENT_TYPES, self.vault))
        outside = Outside(
            say=lambda text, _locale: text,
            matches=lambda _match, _pattern, _text: False,
            is_command=lambda _text: False,
            words=StopWords.of(topics=topics),
            silence=timedelta(0),
            implied_consent=True,
            dialled=lambda _said: None,
        )
        digest = KeyedHash(self.vault.secret())
        self.dispatcher = Dispatcher(self.log, self.vault, registry(processes(outside)), digest, fresh_id)

    def close(self) -> None:
        """Let go of the stores."""
        self.log.close()
        self.vault.close()

    def do(self, *commands: Command) -> Result:
        """Decide in one append, and again where others were quicker more often than the dispatcher tries."""
        now = datetime.now(UTC)
        request = Request(Context(Slug("test"), now, now), commands)
        for _ in range(100):
            (result,) = self.dispatcher.step([request])
            if not isinstance(result, Failed) or isinstance(result.error, Rejected):
                return result
        raise AssertionError(f"{commands}: others were quicker a hundred times")

    def person(self, name: str) -> tuple[TheirAccount, TheirAccount]:
        """The two accounts of a person who has written with both."""
        one, other = (self._account(name, channel) for channel in (TELEGRAM, WEBCHAT))
        return one, other

    def _account(self, name: str, channel: Channel) -> TheirAccount:
        contact = ContactId(self.vault.resolve([a := Address(Party.CONTACT, channel, BOT, name)])[a])
        seen = self.log.read_stream(stream(contacts.category, contact))
        record = seen[0].event.customer if seen else CustomerId("")  # type: ignore[attr-defined]  # ContactSeen
        return TheirAccount(name, channel, contact, record)


def heard(name: str, channel: Channel, text: str, key: str) -> Receive:
    """Somebody says something."""
    return Receive(
        channel=channel,
        account=BOT,
        key=key,
        occurred_at=datetime.now(UTC),
        content=Message(text=text),
        sender=Sender(external_id=name, name=name),
    )


def names(pairs: int) -> list[str]:
    """Who there is."""
    return [f"person-{number}" for number in range(pairs)]


def offers(account: TheirAccount) -> Iterator[PlanDelivery]:
    """What is planned for one account."""
    now = datetime.now(UTC)
    for number in range(OFFERS):
        yield PlanDelivery(
            delivery=DeliveryId(f"{account.channel}{account.name}n{number}"),
            subject=SubjectId(f"contact-{account.contact}"),
            kind=DeliveryClass.MARKETING,
            occasion=Slug("broadcast"),
            contact=account.contact,
            customer=account.record,
            text=Personal("春茶上新"),
            not_before=now,
            expires_at=now + timedelta(days=1),
        )


def stop(name: str) -> Receive:
    """The one message with which somebody ends it, on one of their channels; both processes are handed it."""
    return heard(name, WEBCHAT, "退订", f"stop-{name}")


def claim(offer: PlanDelivery) -> ClaimDelivery:
    """A worker wants to send it now."""
    until = datetime.now(UTC) + timedelta(seconds=60)
    return ClaimDelivery(delivery=offer.delivery, worker=Slug("w"), until=until, controls=ALWAYS)


def _deeds(office: Office, name: str, chance: random.Random) -> list[Command]:
    one, other = office.person(name)
    deeds: list[Command] = [stop(name)]
    deeds += [MergeCustomers(customer=one.record, other=other.record)] * TURNS
    deeds += [UnmergeCustomer(customer=other.record)] * TURNS
    deeds += [claim(offer) for account in (one, other) for offer in offers(account)]
    chance.shuffle(deeds)
    return deeds


def main(url: str, master: str, seed: str, pairs: str) -> object:
    """Do it all, person by person, so that the others are at the same person."""
    office, chance = Office(url, master), random.Random(seed)
    todo = [_deeds(office, name, chance) for name in names(int(pairs))]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    became: Counter[str] = Counter()
    for deed in (deed for deeds in todo for deed in deeds):
        result = office.do(deed)
        what = "duplicate" if isinstance(result, Done) and result.duplicate else type(result).__name__
        became[f"{type(deed).__name__} {what}"] += 1
    office.close()
    return became


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
