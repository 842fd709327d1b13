"""D16: eight processes claim five broadcasts for the same few people on one PostgreSQL: no cap is passed, and nobody is woken."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.customers.events import ConsentSource, ConsentWithdrawn, SendReserved
from domain.deliveries.events import DeliveryPostponed, DeliveryStarted, DeliverySuppressed
from domain.dispatch import Done
from domain.identity import CustomerId, ZoneName
from domain.message import Recorded
from tests.scenarios.claimers import (
    BEGIN,
    BROADCASTS,
    CONTROLS,
    NEWS,
    PER_DAY,
    PER_WEEK,
    ZONES,
    account,
    claim,
    do_at,
    offers,
    prepare,
)
from tests.scenarios.linkers import Office

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 8
DEADLINE_S = 150


@pytest.fixture
def master(tmp_path: Path) -> str:
    return str(tmp_path / "master.key")


@pytest.fixture
def office(postgres_url: str, master: str) -> Iterator[Office]:
    opened = Office(postgres_url, master, topics={NEWS: "新品"})
    yield opened
    opened.close()


def raced(url: str, master: str) -> list[int]:
    """Let the processes loose at once. Returns how many claims each made."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.claimers", url, master, str(seed)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(PROCESSES)
    ]
    try:
        for child in started:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in started:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        found = [json.loads(child.communicate(timeout=DEADLINE_S)[0]) for child in started]
        assert [child.returncode for child in started] == [0] * PROCESSES
        return found
    finally:
        for child in started:
            child.kill()
            child.communicate()


def broken_promises(log: Iterable[Recorded], zones: dict[CustomerId, ZoneName]) -> list[str]:
    """Return what went out against a promise: over a cap, at night, of an ended topic. Read from the log alone."""
    sent: dict[CustomerId, list[SendReserved]] = {}
    ended: set[CustomerId] = set()
    wrong: list[str] = []
    for recorded in log:
        match recorded.event:
            case SendReserved(customer=customer, at=at, topic=topic) as reserved:
                local = at.astimezone(ZoneInfo(zones[customer]))
                if CONTROLS.quiet.begin <= local.time() or local.time() < CONTROLS.quiet.end:
                    wrong.append(f"at night: {recorded.id}")
                if topic == NEWS and customer in ended:
                    wrong.append(f"after they ended it: {recorded.id}")
                sent.setdefault(customer, []).append(reserved)
            case ConsentWithdrawn(customer=customer):
                ended.add(customer)
            case _:
                continue
    for customer, all_sent in sent.items():
        wrong += _over_a_cap(customer, all_sent, zones[customer])
    return wrong


def _over_a_cap(customer: CustomerId, sent: Sequence[SendReserved], zone: ZoneName) -> Iterator[str]:
    days = Counter(event.at.astimezone(ZoneInfo(zone)).date() for event in sent)
    if max(days.values()) > PER_DAY:
        yield f"over the day's cap: {customer}"
    for first in sent:
        week = [event for event in sent if first.at <= event.at < first.at + timedelta(days=7)]
        if len(week) > PER_WEEK:
            yield f"over the week's cap: {customer}"
        if len([event for event in week if event.topic == NEWS]) > 1:
            yield f"over the topic's cap: {customer}"


def test_eight_processes_pass_no_cap_and_wake_nobody(office: Office, postgres_url: str, master: str) -> None:
    prepare(office)
    zones = {account(office, name).record: zone for name, zone in ZONES.items()}
    made = raced(postgres_url, master)
    log = office.log.read(0, 1_000_000)

    assert broken_promises(log, zones) == []
    assert made == [made[0]] * PROCESSES
    kinds = Counter(type(recorded.event) for recorded in log)
    assert kinds[SendReserved] == kinds[DeliveryStarted] >= len(ZONES)
    assert kinds[SendReserved] <= PER_WEEK * len(ZONES) < BROADCASTS * len(ZONES)
    assert kinds[DeliveryPostponed] > len(ZONES)  # they waited, for the morning or the cap
    assert kinds[ConsentWithdrawn] == 1
    assert all(
        recorded.event.reason and recorded.event.rule
        for recorded in log
        if isinstance(recorded.event, DeliveryPostponed | DeliverySuppressed)
    )


def test_the_check_itself_sees_what_is_wrong(office: Office) -> None:
    """The negative control: the log of one person, with one send too many, at night, of a topic they had ended."""
    prepare(office)
    zones = {account(office, name).record: zone for name, zone in ZONES.items()}
    ann = account(office, "ann").record
    offer = next(offers(account(office, "ann")))
    done = do_at(office, BEGIN, claim(offer.delivery, BEGIN))
    assert isinstance(done, Done)
    claimed = done.events
    reserved = next(recorded for recorded in claimed if isinstance(recorded.event, SendReserved))
    event = reserved.event
    assert isinstance(event, SendReserved)
    assert broken_promises(claimed, zones) == []
    night = replace(reserved, event=replace(event, customer=ann, at=event.at + timedelta(hours=12)))
    assert broken_promises([night], zones) == [f"at night: {reserved.id}"]
    assert broken_promises([reserved, reserved], zones)[0].startswith("over the day's cap")
    news = replace(reserved, event=replace(event, topic=NEWS))
    ended = replace(
        reserved,
        event=ConsentWithdrawn(
            customer=event.customer, contact=event.contact, topic=NEWS, source=ConsentSource.STOP_WORD
        ),
    )
    assert broken_promises([ended, news], zones) == [f"after they ended it: {reserved.id}"]
