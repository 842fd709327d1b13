"""Forgetting in a real house: what is destroyed, by whom, and what happens to whatever comes late."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot import forgetting
from bot.bootstrap import prepare
from bot.commands.command import CLI
from bot.house import done
from bot.operations.moving import forget_customer
from bot.operations.said import Exit
from bot.operations.upkeep import check
from domain.contacts.events import AddressSuppressed, ContactForgotten
from domain.conversations.commands import Message
from domain.conversations.events import MessageReceived
from domain.customers.commands import AddNote, TagCustomer
from domain.customers.events import CustomerForgotten
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import Failed, Request
from domain.errors import Rejected, SubjectForgotten
from domain.forgetting import ForgetCustomer
from domain.identity import Address, MediaId, Party, StreamId, SubjectId, Tag
from domain.message import FORGOTTEN, Personal
from domain.operators.events import CommandGiven
from domain.rules.commands import AddRule
from domain.rules.events import Match
from projections.people.find import find
from scheduler.process_runner import ProcessRunner
from tests.bot.premises import BOT, TELEGRAM, Premises, settled
from tests.scenarios.bytescan import names_in, scan

CANARIES = {name: f"canary-{name}-zq" for name in ("text", "note", "button", "name", "command", "answer")}
CANARIES["word"] = "qqsearchable"
"""In one piece also in the index of words."""


def everything_of(premises: Premises, who: str = "canary-name-zq") -> None:
    """A person of whom there are canaries in every kind of field."""
    premises.says("li", "hello")
    premises.says(who, CANARIES["text"])
    premises.edits(who, CANARIES["word"])
    premises.presses(who, CANARIES["button"])
    customer = premises.customer(who)
    house = premises.house
    house.do("operator-cli", AddNote(customer=customer, operator=None, note=Personal(CANARIES["note"])))
    done(
        house.submit_blocking(
            Request(house.context("operator-cli"), (premises.plan(who, CANARIES["answer"]),))
        )
    )
    house.catch_up()


def forgets(premises: Premises, who: str = "canary-name-zq") -> list[object]:
    return list(forget_customer(premises.house, f"telegram:{who}", yes=True))


def promise(premises: Premises) -> ForgetCustomer:
    """The promise alone, as a process that dies at once leaves it."""
    house = premises.house
    with house.views.read() as connection:
        (found,) = find(connection, "telegram:canary-name-zq")
    return forgetting.promise(house, found, CLI, house.digest("r"))


def files(folder: Path) -> set[str]:
    return names_in(scan(CANARIES, folder))


def test_before_only_the_views_hold_them_and_afterwards_nothing_does(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    everything_of(premises)
    shown = set(CANARIES) - {"command"}
    assert names_in(scan(CANARIES, tmp_path / "data" / "log.db", tmp_path / "data" / "keys.db")) == set()
    assert files(tmp_path) == shown
    forgets(premises)
    assert files(tmp_path) == set()  # while it runs
    premises.close()
    assert files(tmp_path) == set()


def test_the_log_tells_of_it_and_replay_says_forgotten_where_something_was(premises: Premises) -> None:
    everything_of(premises)
    customer, contact = premises.customer("canary-name-zq"), premises.contact("canary-name-zq")
    before = len(premises.everything())
    forgets(premises)
    after = premises.new(before)
    kinds = {CustomerForgotten, ContactForgotten, AddressSuppressed, CommandGiven}
    assert kinds <= {type(event) for event in after}
    (promise,) = premises.events(CustomerForgotten)
    assert (promise.customer, promise.contacts, promise.operator) == (customer, (contact,), "cli")
    messages = [event.text.value for event in premises.events(MessageReceived)]
    assert messages == ["hello", FORGOTTEN]
    (given,) = [event for event in premises.events(CommandGiven) if event.command == "forget"]
    assert given.line.value == FORGOTTEN
    premises.house.projector.rebuild()
    lines = list(check(premises.house))
    assert not [line for line in lines if isinstance(line, Exit)], lines


def test_without_yes_it_says_who_and_does_nothing(premises: Premises) -> None:
    everything_of(premises)
    head = premises.house.log.head()
    asked, exit_ = forget_customer(premises.house, "telegram:canary-name-zq")
    assert "canary-name-zq" in str(asked).lower()
    assert (exit_, premises.house.log.head()) == (Exit(3), head)


def test_somebody_unknown_is_refused_and_so_is_somebody_forgotten(premises: Premises) -> None:
    everything_of(premises)
    forgets(premises)
    with pytest.raises(Rejected):
        forgets(premises)


def test_a_crash_between_the_promise_and_its_keeping_is_made_good_by_the_next_start(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    everything_of(premises)
    house = premises.house
    house.do("operator-cli", promise(premises))
    premises.close()  # and nothing of it was kept
    assert files(tmp_path) != set()

    premises = Premises(tmp_path / "data")
    prepare(premises.house)
    assert files(tmp_path) == set()
    assert [event.text.value for event in premises.events(MessageReceived)] == ["hello", FORGOTTEN]
    premises.close()


def test_keys_that_came_back_with_an_old_vault_are_destroyed_again_at_the_start(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    everything_of(premises)
    with (
        closing(sqlite3.connect(tmp_path / "data" / "keys.db")) as now,
        closing(sqlite3.connect(tmp_path / "old.db")) as old,
    ):
        now.backup(old)
    forgets(premises)
    premises.close()
    (tmp_path / "old.db").replace(tmp_path / "data" / "keys.db")

    premises = Premises(tmp_path / "data")
    text = premises.events(MessageReceived)[1].text.value
    assert text == CANARIES["text"]
    premises.close()
    premises = Premises(tmp_path / "data")
    prepare(premises.house)
    assert premises.events(MessageReceived)[1].text.value == FORGOTTEN
    assert premises.house.vault.find(Address(Party.CONTACT, TELEGRAM, BOT, "canary-name-zq")) is None
    premises.close()


def test_a_process_that_did_not_do_it_forgets_too(premises: Premises) -> None:
    """As another process on PostgreSQL sees it: the promise is in the log, its own memory is full."""
    everything_of(premises)
    house = premises.house
    contact = premises.contact("canary-name-zq")
    house.do("operator-cli", promise(premises))
    assert not forgetting.pending(house)
    house.catch_up()
    assert forgetting.pending(house)
    assert (
        forgetting.complete(house).keys == 3
    )  # the contact's, the customer's, and of the order that asked for it
    assert not forgetting.pending(house)
    assert forgetting.complete(house).keys == 0
    with pytest.raises(SubjectForgotten):
        house.vault.keys_for([SubjectId(f"contact-{contact}")])
    assert house.log.recent(0, 10) is None


def test_whoever_returns_is_somebody_new_with_nothing_of_before(premises: Premises) -> None:
    everything_of(premises)
    before = premises.contact("canary-name-zq"), premises.customer("canary-name-zq")
    forgets(premises)
    premises.says("canary-name-zq", "it is me")
    assert not set(before) & {premises.contact("canary-name-zq"), premises.customer("canary-name-zq")}
    assert premises.events(MessageReceived)[-1].text.value == "it is me"


async def test_a_plan_for_them_that_comes_late_is_refused_and_harms_no_process(premises: Premises) -> None:
    house = premises.house
    house.do(
        "operator-cli",
        AddRule(rule=house.digest("rule"), match=Match.ANY, pattern=Personal(""), answer=Personal("hi")),  # type: ignore[arg-type]  # any digest
    )
    process = next(process for process in house.processes if process.name == "auto-reply")
    parked: list[object] = []
    runner = ProcessRunner(process, premises.follower("auto-reply"), lambda *what: parked.append(what))
    while await runner.step():
        pass
    everything_of(premises)
    plan = premises.plan("canary-name-zq")
    await asyncio.to_thread(forgets, premises)
    result = house.submit_blocking(Request(house.context("operator-cli"), (plan,)))
    assert isinstance(result, Failed)
    assert isinstance(result.error, SubjectForgotten)
    while await runner.step():  # it has not seen yet what they said before
        pass
    answered = [event.contact for event in premises.events(DeliveryPlanned) if event.occasion == "auto-reply"]
    assert (answered, parked) == ([premises.contact("li")], [])
    assert runner.follower.noted == runner.follower.read_to or not parked


async def one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_their_files_are_destroyed_and_nobody_else_s(premises: Premises, tmp_path: Path) -> None:
    everything_of(premises)
    house = premises.house
    hers, his = (SubjectId(f"contact-{premises.contact(who)}") for who in ("canary-name-zq", "li"))
    first, second = MediaId("0" * 32), MediaId("1" * 32)
    await house.media.keep(first, hers, one(b"a photo"))
    await house.media.keep(second, his, one(b"a photo"))
    said = await asyncio.to_thread(forgets, premises)
    assert (house.media.holds(first, hers), house.media.holds(second, his)) == (False, True)
    assert "1" in str(said[1])


async def test_what_an_operator_said_and_was_told_of_them_goes_too(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    desk = await premises.desk()
    await premises.binds(desk, "boss")
    everything_of(premises)
    number = "telegram:canary-name-zq"
    for line in (
        f"/note {number} {CANARIES['command']}",
        f"/find {CANARIES['text']}",
        f"/timeline {number}",
        f"/note {CANARIES['name']} {CANARIES['command']}",
        "/customers",
        "/note telegram:li likes tea",
    ):
        premises.says("boss", line)
        await settled(desk)
    answers = " ".join(premises.answers("boss"))
    assert CANARIES["name"].title() in answers
    assert files(tmp_path) == set(CANARIES)
    premises.says("boss", f"/forget {number}")
    await settled(desk)
    asked = premises.answers("boss")[-1]
    assert asked.startswith("Forget #")
    premises.says("boss", f"/forget {asked.split()[1]} --yes")
    await settled(desk)
    told = premises.answers("boss")[-1]
    await asyncio.to_thread(forgetting.complete, premises.house)
    assert files(tmp_path) == set()
    kept = [event.line.value for event in premises.events(CommandGiven)]
    assert "/note telegram:li likes tea" in kept
    assert not [line for line in kept if "canary" in line]
    assert not [answer for answer in premises.answers("boss") if "canary" in answer.lower()]
    assert premises.answers("boss")[-1] == told != FORGOTTEN
    premises.house.projector.rebuild()
    lines = list(check(premises.house))
    assert not [line for line in lines if isinstance(line, Exit)], lines
    premises.close()


def test_raw_payloads_of_old_months_are_destroyed_at_every_start(tmp_path: Path) -> None:
    premises = Premises(tmp_path)
    premises.receive("wang", Message(text="hi"))
    premises.close()
    premises = Premises(tmp_path)
    premises.now += timedelta(days=400)
    prepare(premises.house)
    with pytest.raises(SubjectForgotten):
        premises.house.vault.keys_for([SubjectId("raw-2026-11")])
    premises.close()


def test_their_state_lies_in_no_snapshot(premises: Premises) -> None:
    everything_of(premises)
    customer = premises.customer("canary-name-zq")
    for number in range(110):
        premises.house.do("operator-cli", TagCustomer(customer=customer, tag=Tag(f"t{number}")))
    premises.house.snapshots.flush()
    name = StreamId(f"customer-{customer}")
    with premises.house.views.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM snapshots").scalar() == 1
    forgets(premises)
    with premises.house.views.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM snapshots").scalar() == 0
    assert premises.house.log.read_stream(name)[-1].type == "customer-forgotten/1"
