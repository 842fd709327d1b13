"""The relay on a real log, beside the Siyu that writes it: in order, at least once, nothing personal unless somebody says so."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot import export
from bot.operations.moving import forget_customer
from bot.relay.broker import Accepted, MemoryBroker
from bot.relay.opening import open_relay
from bot.relay.relay import BATCH, LONGEST_PAUSE_S
from bot.settings import load
from domain.errors import BadSettings, Rejected, StoreUnavailable
from domain.message import FORGOTTEN
from tests.bot.premises import Premises

URL = "nats://shop:canary-secret@127.0.0.1:1"
CANARY = "canary-text-zq"
NAMED = "canary-name-zq"


class Line:
    """A relay of its own stores, as another process has them, and what its broker keeps. ``now_s``: the clock of its pauses."""

    def __init__(self, premises: Premises, **settings: str) -> None:
        self.now_s = 0.0
        self.broker = MemoryBroker()
        said = {f"SIYU_RELAY__{name}": value for name, value in {"URL": URL, **settings}.items()}
        variables = {**premises.house.variables, **said}
        self.relay = open_relay(
            load(variables), variables, lambda: premises.now, lambda: self.now_s, lambda _: self.broker
        )

    async def settle(self) -> float | None:
        """Let it work until it waits, and return for how long."""
        while (pause := await self.relay.step()) == 0:
            pass
        return pause

    @property
    def positions(self) -> list[int]:
        return [parcel.position for parcel in self.broker.kept]

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(parcel.body) for parcel in self.broker.kept]


Lines = Callable[..., Line]


@pytest.fixture
def lines(premises: Premises) -> Iterator[Lines]:
    """Opens relays of the premises, by settings; begun at the log's end."""
    opened: list[Line] = []

    def line(**settings: str) -> Line:
        opened.append(Line(premises, **settings))
        return opened[-1]

    yield line
    for one in opened:
        one.relay.close()


def log_of(premises: Premises, after: int = 0) -> list[int]:
    return [recorded.position for recorded in premises.everything(after)]


# --- What is told ------------------------------------------------------------------------------------------------------


async def test_it_begins_at_the_logs_end_and_tells_every_event_since_in_order(
    premises: Premises, lines: Lines
) -> None:
    premises.says("wang", "before")
    head = premises.house.log.head()
    line = lines()
    await line.settle()
    for number in range(BATCH):
        premises.says(f"customer-{number % 9}", f"message {number}")
    assert await line.settle() is None
    assert line.positions == log_of(premises, head)
    assert len(line.positions) > BATCH


async def test_from_the_beginning_where_somebody_says_so(premises: Premises, lines: Lines) -> None:
    premises.says("wang", "before")
    line = lines()
    line.relay.begin_after(0)
    await line.settle()
    assert line.positions == log_of(premises)


async def test_an_event_reads_as_the_command_line_shows_it_with_the_logs_name(
    premises: Premises, lines: Lines
) -> None:
    line = lines(PERSONAL="*")
    await line.settle()
    premises.says("wang", "one", group="tea")
    await line.settle()
    known = premises.house.log.identity()
    name = f"{known.id}.{known.incarnation}"
    recorded = premises.everything(line.positions[0] - 1)
    assert [parcel.id for parcel in line.broker.kept] == [f"{name}/{r.position}" for r in recorded]
    assert line.told == [{"log": name, **json.loads(export.as_json(r))} for r in recorded]
    assert [(p.stream, p.kind, p.at) for p in line.broker.kept] == [
        (r.stream, r.type.partition("/")[0], r.recorded_at) for r in recorded
    ]


async def test_only_the_events_that_are_asked_for_are_told(premises: Premises, lines: Lines) -> None:
    line = lines(EVENTS="message-received")
    await line.settle()
    premises.says("wang", "one")
    premises.says("wang", "two")
    await line.settle()
    assert [event["type"] for event in line.told] == ["message-received/1"] * 2
    assert line.relay.passed == premises.house.log.head()


# --- What is personal --------------------------------------------------------------------------------------------------


async def test_nothing_personal_leaves_unless_the_settings_name_its_event(
    premises: Premises, lines: Lines
) -> None:
    silent, open_ = lines(), lines(PERSONAL="message-received")
    silent.relay.begin_after(0)
    premises.says(NAMED, CANARY)
    await silent.settle()
    open_.relay.begin_after(0)
    await open_.settle()
    assert silent.positions == open_.positions == log_of(premises)
    bodies = b"".join(parcel.body for parcel in silent.broker.kept)
    assert CANARY.encode() not in bodies
    assert NAMED.encode() not in bodies.lower()
    assert {e["data"]["text"] for e in silent.told if "text" in e["data"]} == {export.WITHHELD}
    shown = [event for event in open_.told if CANARY in json.dumps(event)]
    assert {event["type"] for event in shown} == {"message-received/1"}
    others = [event for event in open_.told if event["type"] != "message-received/1"]
    assert NAMED not in json.dumps(others).lower()


async def test_whoever_was_forgotten_meanwhile_reads_as_forgotten(premises: Premises, lines: Lines) -> None:
    line = lines(PERSONAL="*")
    await line.settle()
    premises.says("wang", CANARY)
    line.broker.answers = [Accepted(0, "unreachable")]  # their keys were used, and are remembered
    await line.settle()
    premises.house.catch_up()
    list(forget_customer(premises.house, "telegram:wang", yes=True))
    line.now_s += 60
    await line.settle()
    assert CANARY.encode() not in b"".join(parcel.body for parcel in line.broker.kept)
    (message,) = [event for event in line.told if event["type"] == "message-received/1"]
    assert message["data"]["text"] == FORGOTTEN
    assert "customer-forgotten/1" in {event["type"] for event in line.told}


# --- Brokers that fail -------------------------------------------------------------------------------------------------


async def test_while_a_broker_is_away_it_waits_longer_and_longer_says_so_once_and_loses_nothing(
    premises: Premises, lines: Lines
) -> None:
    line = lines()
    await line.settle()
    head = premises.house.log.head()
    premises.says("wang", "one")
    line.broker.answers = [Accepted(0, "unreachable")] * 9
    pauses = []
    with capture_logs() as said:
        while line.broker.answers:
            pauses.append(await line.settle())
            assert await line.relay.step() == pauses[-1]  # woken early, it waits all the same
            line.now_s += pauses[-1] or 0
            premises.says("wang", "more")
        assert await line.settle() is None
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    told = {"broker": "nats://127.0.0.1:1", "error": "unreachable", "told_to": head}
    assert [line for line in said if line["log_level"] != "info"] == [
        {**told, "event": "relay.failing", "log_level": "warning"}
    ]
    assert [line["event"] for line in said] == ["relay.failing", "relay.recovered"]
    assert line.positions == log_of(premises, head)


async def test_what_a_broker_took_of_a_batch_is_not_told_again(premises: Premises, lines: Lines) -> None:
    line = lines()
    await line.settle()
    head = premises.house.log.head()
    premises.says("wang", "one")
    line.broker.answers = [Accepted(2, "timeout"), Accepted(1)]
    assert await line.settle() == 1
    assert premises.house.log.progress("relay") == line.positions[-1] == head + 2
    line.now_s += 1
    await line.settle()
    assert line.positions == log_of(premises, head)


async def test_a_relay_that_is_started_again_goes_on_where_it_was(premises: Premises, lines: Lines) -> None:
    first = lines()
    await first.settle()
    head = premises.house.log.head()
    premises.says("wang", "one")
    await first.settle()
    premises.says("wang", "two")
    second = lines()
    await second.settle()
    assert first.positions + second.positions == log_of(premises, head)


async def test_a_second_relay_loses_nothing_and_is_noticed(premises: Premises, lines: Lines) -> None:
    one, other = lines(), lines()
    await one.settle()
    await other.settle()
    head = premises.house.log.head()
    premises.says("wang", "one")
    with capture_logs() as said:
        await one.settle()
        premises.says("wang", "two")
        await other.settle()
        await one.settle()
    assert {line["event"] for line in said} == {"relay.moved_by_another"}
    assert sorted({*one.positions, *other.positions}) == log_of(premises, head)


# --- Where it begins ---------------------------------------------------------------------------------------------------


async def test_it_is_set_back_but_never_forward(premises: Premises, lines: Lines) -> None:
    line = lines()
    await line.settle()
    premises.says("wang", "one")
    await line.settle()
    last = premises.house.log.head()
    line.relay.begin_after(last - 1)
    with pytest.raises(Rejected, match=f"only up to {last - 1}"):
        line.relay.begin_after(last)


async def test_what_it_notes_does_not_disturb_whoever_writes(premises: Premises, lines: Lines) -> None:
    line = lines()
    for number in range(20):
        premises.says("wang", f"message {number}")
        await line.settle()
    recent = premises.house.log.recent(line.positions[0] - 1, 1_000)
    assert recent is not None
    assert [recorded.position for recorded in recent] == line.positions


def settings_of(folder: Path, **more: str) -> dict[str, str]:
    return {"SIYU_DATA": str(folder), **more}


def opened(variables: dict[str, str]) -> None:
    open_relay(load(variables), variables, to=lambda _: MemoryBroker()).close()


def test_without_an_address_it_is_said_which_setting_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="SIYU_RELAY__URL is missing: write it as nats://host:4222"):
        opened(settings_of(tmp_path))


def test_where_there_is_no_log_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no log in .* yet: start siyu run first"):
        opened(settings_of(tmp_path, SIYU_RELAY__URL=URL))
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_another_version_is_left_alone(premises: Premises, tmp_path: Path) -> None:
    variables = settings_of(tmp_path / "data", SIYU_RELAY__URL=URL)
    opened(variables)
    with closing(sqlite3.connect(tmp_path / "data" / "log.db")) as log:
        log.execute("UPDATE alembic_version SET version_num = '9999'")
        log.commit()
    with pytest.raises(StoreUnavailable, match="of another version of Siyu: run siyu migrate"):
        opened(variables)


# --- On PostgreSQL -----------------------------------------------------------------------------------------------------


async def test_on_postgresql_it_is_woken_and_keeps_its_place(postgres_url: str, tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data", SIYU_DATABASE=postgres_url)
    line = Line(premises)
    try:
        woken = threading.Event()
        end = line.relay.log.subscribe(woken.set)
        line.relay.begin_after(0)
        await line.settle()
        woken.clear()
        premises.says("wang", "one")
        assert await asyncio.to_thread(woken.wait, 20)
        await line.settle()
        end()
        assert line.positions == log_of(premises)
        assert premises.house.log.progress("relay") == premises.house.log.head()
    finally:
        line.relay.close()
        premises.close()
