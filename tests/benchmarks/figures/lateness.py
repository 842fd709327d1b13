"""P6: how late messages leave when a thousand fall due every second."""

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.bootstrap import open_house, prepare
from bot.eventlog.codec import stamped_us
from bot.eventlog.packing import stored_as
from bot.house import House, done
from bot.settings import Settings
from domain.contacts.events import ContactSeen
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Request
from domain.identity import Address, ContactId, CustomerId, DeliveryId, Party, Slug, StreamId, SubjectId
from domain.message import Personal
from tests.benchmarks import sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Judged, Line, Lost
from tests.benchmarks.figures.start import ACCOUNT, AT_ONCE, CHANNEL, message_of
from tests.benchmarks.load.requests import CHATS, user_of
from tests.benchmarks.sides import ACCEPTED, Side

DUE_PER_S, LASTS_S = 1_000, 3
APART_S = 12
"""From the beginning of one round to that of the next: what is late in one must not make the next one late."""
BEGINS_AFTER_S = 20.0
"""Siyu starts meanwhile."""
_STARTED = "SELECT originator_id, state FROM stored_events WHERE topic = ? ORDER BY rowid DESC"


def _name(number: int) -> str:
    return f"bench{number:08}"


def due_at(number: int, per_round: int) -> timedelta:
    """Return when a message of this number falls due, from the first one's moment."""
    round_, place = divmod(number, per_round)
    return timedelta(seconds=round_ * APART_S + place / DUE_PER_S)


async def _plan(house: House, total: int, per_round: int) -> datetime:
    """Let everybody write once, and plan the messages to them, in turn. Returns when the first one is due."""
    begin = time.monotonic()
    await _submit(house, [message_of(number) for number in range(CHATS)])
    each_s = (time.monotonic() - begin) / CHATS
    begins = datetime.now(UTC) + timedelta(seconds=BEGINS_AFTER_S + 2 * each_s * total)
    people = _people(house)
    commands = (_command(number, people, begins + due_at(number, per_round)) for number in range(total))
    await _submit(house, [Request(house.context("bench"), (command,)) for command in commands])
    return begins


async def _submit(house: House, requests: Sequence[Request]) -> None:
    for start in range(0, len(requests), AT_ONCE):
        for result in await asyncio.gather(*map(house.submit, requests[start : start + AT_ONCE])):
            done(result)


def _people(house: House) -> list[tuple[ContactId, CustomerId]]:
    known = {Address(Party.CONTACT, CHANNEL, ACCOUNT, str(user_of(n))): n for n in range(CHATS)}
    ids = house.vault.resolve(list(known))
    people = []
    for address in known:
        contact = ContactId(ids[address])
        seen = house.log.read_stream(StreamId(f"contact-{contact}"))[0].event
        if not isinstance(seen, ContactSeen) or seen.customer is None:
            raise RuntimeError(f"{contact} was never seen")
        people.append((contact, seen.customer))
    return people


def _command(number: int, people: Sequence[tuple[ContactId, CustomerId]], at: datetime) -> PlanDelivery:
    contact, customer = people[number % len(people)]
    return PlanDelivery(
        delivery=DeliveryId(_name(number)),
        subject=SubjectId(f"contact-{contact}"),
        kind=DeliveryClass.SERVICE,
        occasion=Slug("send"),
        contact=contact,
        customer=customer,
        text=Personal("Your parcel is here"),
        not_before=at,
        expires_at=at + timedelta(days=1),
    )


def _lateness(data: Path, begins: datetime, total: int, per_round: int) -> list[list[float]]:
    """Return, for each round, how many seconds after its time each message was started."""
    with contextlib.closing(sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True)) as connection:
        started = {
            stream.rpartition("-")[2]: stamped_us(state) / 1_000_000
            for stream, state in connection.execute(_STARTED, (stored_as("delivery-started/1"),))
        }
    late = [
        started[_name(number)] - (begins + due_at(number, per_round)).timestamp() for number in range(total)
    ]
    return [late[start : start + per_round] for start in range(0, total, per_round)]


def _measure(bench: Bench) -> Sequence[Line]:
    per_round = bench.count(DUE_PER_S * LASTS_S)
    total = per_round * bench.rounds
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        driver = stack.enter_context(Driver())
        house = open_house(Settings(data=data, starter_rules=False), {})
        try:
            prepare(house)
            begins = asyncio.run(_plan(house, total, per_round))
            house.catch_up()
        finally:
            house.close()
        siyu = stack.enter_context(sides.siyu(driver, data))
        if datetime.now(UTC) > begins:
            raise RuntimeError(
                "planning took longer than it was thought to: the first messages are late already"
            )
        accepted = Side(siyu.name, siyu.pid, 0, "", stored=sides.events_of(data, ACCEPTED))
        wait_s = (begins - datetime.now(UTC)).total_seconds() + APART_S  # between two that are accepted
        missing = accepted.missing(total, within_s=wait_s)
        if missing:
            raise Lost(f"{missing} of {total:,} messages that were due")
        rounds = _lateness(data, begins, total, per_round)
    p99 = [sorted(late)[int(len(late) * 0.99)] for late in rounds]
    p50 = [statistics.median(late) for late in rounds]
    return [
        Line(
            measure=f"P6 lateness at {DUE_PER_S:,} due/s: p99",
            unit="s",
            ours=p99,
            judged=Judged.AT_MOST,
            goal=1.0,
        ),
        Line(measure=f"P6 lateness at {DUE_PER_S:,} due/s: p50", unit="s", ours=p50, judged=Judged.AT_MOST),
    ]


FIGURE = Figure(
    name="lateness",
    title="P6 Lateness at a thousand due a second",
    about=(
        "Service messages to 2,000 people fall due, a thousand a second for three seconds, with pauses between rounds; each is late by"
        " the time from its moment to the commit with which its sending begins. All of them have to arrive."
    ),
    measure=_measure,
)
