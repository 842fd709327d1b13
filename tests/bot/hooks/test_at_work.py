"""A hook of a running Siyu: what operators are told, what the command line, the doctor and the metrics show."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.app import Binding
from bot.beside import tell_managers
from bot.bootstrap import open_app, prepare
from bot.control_server import perform
from domain.deliveries.events import DeliveryPlanned
from domain.errors import BadSettings
from domain.identity import Locale
from domain.operators.events import Role
from tests.bot.hooks.receiver import SECRET, Line, Receiver, receiving, settings
from tests.bot.premises import Premises

DEADLINE_S = 20.0


def named(url: str) -> dict[str, str]:
    return {
        "SIYU_HOOKS__CRM__URL": url,
        "SIYU_HOOKS__CRM__SECRET": SECRET,
        "SIYU_HOOKS__CRM__EVENTS": "message-received",
        "SIYU_HOOKS__CRM__ALLOW_PRIVATE": "true",
    }


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def line(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Line]:
    premises = Premises(tmp_path / "data", through=lambda log: log, **named(receiver.url))
    begun = Line(premises, settings(receiver.url), tell=partial(tell_managers, premises.house))
    await begun.settle()
    yield begun
    premises.close()


def said(
    premises: Premises,
    operation: str,
    locale: str = "en",
    **arguments: Any,  # noqa: ANN401  # JSON values
) -> tuple[int, list[str]]:
    messages = list(perform(premises.house, operation, arguments, Locale(locale)))
    lines = [str(m.get("line") or m.get("error")) for m in messages if m.keys() - {"exit"}]
    return int(messages[-1]["exit"]), lines


async def stopped(line: Line, receiver: Receiver) -> int:
    """Let the system say that it wants nothing more. Returns up to where it was told."""
    receiver.answers = [410]
    line.premises.says("wang", "one")
    await line.settle()
    return line.at.passed


# --- operators ---------------------------------------------------------------------------------------------------------


async def test_those_who_may_set_it_right_are_told_that_a_hook_was_stopped(
    line: Line, receiver: Receiver
) -> None:
    premises = line.premises
    desk = await premises.desk()
    await premises.binds(desk, "li", Role.OWNER)
    await premises.binds(desk, "chen", Role.AGENT)
    await line.settle()
    position = await stopped(line, receiver)
    (notice,) = [planned for planned in premises.events(DeliveryPlanned) if planned.occasion == "notice"]
    assert notice.contact == premises.contact("li")
    assert notice.text is not None
    assert notice.text.value == (
        "✗ The hook crm: stopped: it answered that it wants nothing more. "
        f"siyu hook replay crm --after {position} begins again"
    )


async def test_where_nobody_can_be_told_a_hook_is_stopped_all_the_same(
    line: Line, receiver: Receiver
) -> None:
    await stopped(line, receiver)
    assert line.premises.events(DeliveryPlanned) == []
    assert line.at.standing is not None
    assert line.at.standing.stopped


# --- command line, doctor, metrics -------------------------------------------------------------------------------------


async def test_the_list_shows_how_far_each_was_told_and_never_its_address_or_secret(
    line: Line, receiver: Receiver
) -> None:
    line.premises.says("wang", "one")
    await line.settle()
    position = line.at.passed
    assert said(line.premises, "hook-list") == (0, [f"crm: 127.0.0.1, told up to {position}; well"])
    assert said(line.premises, "hook-list", "zh") == (
        0,
        [f"crm：127.0.0.1，已通知到位置 {position}；正常"],
    )
    receiver.answers = [500]
    line.premises.says("wang", "two")
    await line.settle()
    assert said(line.premises, "hook-list")[1] == [
        f"crm: 127.0.0.1, told up to {position}; failing: status-500 (1 in a row)"
    ]
    code, (shown,) = said(line.premises, "hook-list", json=True)
    found = msgspec.json.decode(shown)
    assert (code, found["hook"], found["position"], found["attempts"], found["error"]) == (
        0,
        "crm",
        position,
        1,
        "status-500",
    )
    assert "canary" not in shown


def test_without_hooks_the_list_says_where_to_read_on(premises: Premises) -> None:
    assert said(premises, "hook-list") == (
        0,
        ["There are no hooks yet: docs/hooks.md tells how to set one up."],
    )


@pytest.mark.parametrize(
    "arguments, told",
    [
        ({"name": "shop", "after": 0}, "no hook is called 'shop': siyu hook list shows them"),
        ({"name": "crm", "after": 999}, "crm was told only up to 0: nothing is left out"),
        ({"name": "crm", "after": 0, "until": 0}, "--until is a position above --after"),
    ],
)
async def test_a_replay_of_what_is_not_there_is_refused(
    arguments: dict[str, Any], told: str, line: Line
) -> None:
    assert said(line.premises, "hook-replay", **arguments) == (2, [told])


async def test_a_hook_that_never_began_cannot_be_set_back(tmp_path: Path, receiver: Receiver) -> None:
    premises = Premises(tmp_path / "other", through=lambda log: log, **named(receiver.url))
    assert said(premises, "hook-replay", name="crm", after=0) == (
        2,
        ["crm has been told nothing yet: it begins when Siyu runs"],
    )
    premises.close()


async def test_the_doctor_ends_with_1_while_a_hook_takes_nothing(line: Line, receiver: Receiver) -> None:
    code, lines = said(line.premises, "doctor")
    assert (code, lines[-1]) == (0, "hook       crm: well")
    position = await stopped(line, receiver)
    code, lines = said(line.premises, "doctor")
    assert (code, lines[-2:]) == (
        1,
        [
            "hook       crm: stopped: it answered that it wants nothing more",
            f"siyu hook replay crm --after {position} begins again",
        ],
    )


# --- a Siyu that runs --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def running(premises: Premises) -> AsyncIterator[str]:
    """Siyu at work; yields its address."""
    prepare(premises.house)
    app = open_app(premises.house, Binding("127.0.0.1", 0), [])
    until = asyncio.Event()
    serving = asyncio.create_task(app.run(until))
    async with asyncio.timeout(DEADLINE_S):
        await app.ready.wait()
    try:
        yield premises.house.address
    finally:
        until.set()
        await serving


async def happens(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_running_siyu_tells_and_tells_again_when_it_is_asked_to(
    tmp_path: Path, receiver: Receiver
) -> None:
    premises = Premises(tmp_path / "data", through=lambda log: log, **named(receiver.url))
    async with running(premises):
        await happens(lambda: premises.house.log.progress("hook-crm") is not None)
        await asyncio.to_thread(premises.says, "wang", "one")
        await happens(lambda: len(receiver.events) == 1)
        noted = receiver.events[0]["position"]
        await happens(lambda: (premises.house.log.progress("hook-crm") or 0) >= noted)
        code, _ = await asyncio.to_thread(said, premises, "hook-replay", name="crm", after=0)
        assert code == 0
        await happens(lambda: len(receiver.events) == 2)
        text = premises.house.metrics.text().decode()
    assert 'siyu_hook_failures{hook="crm"} 0.0' in text
    assert 'siyu_hook_stopped{hook="crm"} 0.0' in text
    assert 'siyu_hook_lag_events{hook="crm"}' in text
    assert receiver.came[0].ids == receiver.came[1].ids
    premises.close()


def test_a_bad_setting_keeps_siyu_from_starting(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data", SIYU_HOOKS__CRM__URL="https://crm.example")
    with pytest.raises(BadSettings, match="SIYU_HOOKS__CRM__SECRET: is missing"):
        open_app(premises.house, Binding("127.0.0.1", 0), [])
    premises.close()


async def test_of_several_siyu_on_one_log_one_works_for_a_hook_until_it_is_gone(
    tmp_path: Path, postgres_url: str, receiver: Receiver
) -> None:
    both = [
        Premises(
            tmp_path / str(number), SIYU_DATABASE=postgres_url, SIYU_MASTER_KEY_FILE=str(tmp_path / "key")
        )
        for number in range(2)
    ]
    one, other = (Line(premises, settings(receiver.url)) for premises in both)
    await one.settle()
    await other.settle()
    for number in range(3):
        both[0].says("wang", f"message {number}")
        await asyncio.gather(one.settle(), other.settle())
    assert [event["data"]["text"] for event in receiver.events] == [f"message {n}" for n in range(3)]
    assert (one.at.standing is None, other.at.standing is None) == (False, True)
    both[0].says("wang", "the last")
    both[1].now = both[0].now + timedelta(minutes=1)
    await other.settle()
    assert receiver.events[-1]["data"]["text"] == "the last"
    for premises in both:
        premises.close()
