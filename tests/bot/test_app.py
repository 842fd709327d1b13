"""Siyu at work: drivers that nothing stops, the first start, the greeting, and an orderly end."""

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.app import App, Binding
from bot.bootstrap import open_app, prepare
from bot.bulk import InProcess
from bot.control import running, socket_path
from bot.driving import Driver, cancelled
from bot.operations.team import add_operator, team
from channels.channel import Adapter
from channels.memory import MemoryAdapter
from domain.conversations.commands import Message, Receive, Sender
from domain.conversations.events import MessageReceived
from domain.dispatch import Request
from domain.errors import BadSettings, Overloaded, StoreUnavailable, TemporaryFailure
from domain.installation.events import InstallationPrepared
from domain.message import Raw
from domain.operators.events import Role
from domain.rules.events import RuleAdded, WelcomeSet
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises, unused_desk

DEADLINE_S = 10.0
NEVER_S = 3_600.0
ANY_PORT = Binding("127.0.0.1", 0)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


# --- drivers -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Script:
    """A step that does what is written, one a call, and then says that nothing waits."""

    outcomes: list[float | Exception | None]
    calls: int = 0

    async def step(self) -> float | None:
        self.calls += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@asynccontextmanager
async def driven(
    step: Callable[[], Awaitable[float | None]], breath_s: float | Callable[[], float] = 0.0
) -> AsyncIterator[Driver]:
    """A driver at work, whom only a wake-up ends waiting."""
    driver = Driver("views", step, breath_s=breath_s, poll_s=NEVER_S, rest_s=0.001)
    task = asyncio.create_task(driver.run())
    try:
        yield driver
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_driver_goes_on_at_once_while_there_is_work_and_then_waits() -> None:
    script = Script([0.0, 0.0, 0.0])
    async with driven(script.step):
        await until(lambda: script.calls == 4)
        for _ in range(100):
            await asyncio.sleep(0)
        assert script.calls == 4


async def test_how_long_a_driver_rests_is_asked_after_each_step() -> None:
    script, asked = Script([0.0, 0.0]), list[int]()

    def breath_s() -> float:
        asked.append(script.calls)
        return 0.0

    async with driven(script.step, breath_s):
        await until(lambda: script.calls == 3)
    assert asked[:2] == [1, 2]


async def test_a_driver_that_waits_is_woken_at_once() -> None:
    script = Script([])
    async with driven(script.step) as driver:
        for calls in (1, 2, 3):
            await until(lambda calls=calls: script.calls == calls)  # type: ignore[misc]  # bound now
            driver.wake.set()


async def test_a_wake_up_in_the_middle_of_a_step_is_not_lost() -> None:
    calls = 0

    async def step() -> float | None:
        nonlocal calls
        calls += 1
        if calls == 1:
            driver.wake.set()
        return None

    async with driven(step) as driver:
        await until(lambda: calls == 2)


async def test_a_driver_that_is_woken_and_told_to_end_ends() -> None:
    script = Script([])
    async with driven(script.step) as driver:
        await until(lambda: script.calls == 1)
        for _ in range(10):
            await asyncio.sleep(0)
        driver.wake.set()


async def test_a_driver_goes_on_when_its_time_has_come_though_nobody_wakes_it() -> None:
    script = Script([0.001, 0.001])
    async with driven(script.step):
        await until(lambda: script.calls == 3)


async def test_a_bug_is_told_with_its_trace_and_the_driver_goes_on() -> None:
    bug = ZeroDivisionError("one step")
    script = Script([bug])
    with capture_logs() as logged:
        async with driven(script.step):
            await until(lambda: script.calls == 2)
    failing = {
        "event": "driver.failing",
        "log_level": "error",
        "driver": "views",
        "error": "ZeroDivisionError: one step",
        "exc_info": bug,
    }
    assert logged == [failing, {"event": "driver.recovered", "log_level": "info", "driver": "views"}]


async def test_a_store_that_stays_away_is_told_once_without_a_trace_and_its_return_too() -> None:
    script = Script([StoreUnavailable("away"), StoreUnavailable("away"), StoreUnavailable("away")])
    with capture_logs() as logged:
        async with driven(script.step):
            await until(lambda: script.calls == 4)
    assert [(line["event"], line.get("error"), line.get("exc_info")) for line in logged] == [
        ("driver.failing", "StoreUnavailable: away", None),
        ("driver.recovered", None, None),
    ]


async def test_what_goes_wrong_on_top_of_something_else_is_told_too() -> None:
    script = Script([StoreUnavailable("away"), Overloaded("full"), Overloaded("full"), KeyError("a bug")])
    with capture_logs() as logged:
        async with driven(script.step):
            await until(lambda: script.calls == 5)
    assert [line.get("error") for line in logged] == [
        "StoreUnavailable: away",
        "Overloaded: full",
        "KeyError: 'a bug'",
        None,
    ]


# --- the first start -----------------------------------------------------------------------------------------------------


def test_an_installation_is_prepared_once_and_what_was_changed_since_stays(tmp_path: Path) -> None:
    premises = Premises(tmp_path, SIYU_STARTER_RULES="true")
    prepare(premises.house)
    assert premises.events(InstallationPrepared) == [InstallationPrepared(starter_rules=True)]
    (welcome,), (rule,) = premises.events(WelcomeSet), premises.events(RuleAdded)
    assert rule.answer is not None
    assert welcome.text.value == "Hello! Write to us any time; write “help” to see what we can do."
    assert rule.answer.value.startswith("Write your question here")
    premises.close()
    again = Premises(tmp_path, SIYU_STARTER_RULES="true", SIYU_LOCALE="zh")
    head = again.house.log.head()
    prepare(again.house)
    assert again.house.log.head() == head
    again.close()


def test_without_starter_rules_an_installation_begins_empty_and_stays_so(tmp_path: Path) -> None:
    premises = Premises(tmp_path, SIYU_STARTER_RULES="false")
    prepare(premises.house)
    assert premises.new(0) == [InstallationPrepared(starter_rules=False)]
    premises.close()
    again = Premises(tmp_path, SIYU_STARTER_RULES="true")
    prepare(again.house)
    assert again.new(0) == [InstallationPrepared(starter_rules=False)]
    again.close()


def test_the_starter_texts_are_in_the_language_of_the_installation(tmp_path: Path) -> None:
    premises = Premises(tmp_path, SIYU_STARTER_RULES="true", SIYU_LOCALE="zh")
    prepare(premises.house)
    assert premises.events(WelcomeSet)[0].text.value.startswith("您好")
    premises.close()


# --- the whole -----------------------------------------------------------------------------------------------------------


class Wired(MemoryAdapter):
    """The account over which people write in these tests. ``ended``: whether it was stopped."""

    def __init__(self, premises: Premises, defect: Exception | None = None) -> None:
        super().__init__(BOT, unused_desk(premises))
        self.channel = TELEGRAM
        self.ended = False
        self._defect = defect

    async def start(self) -> None:
        if self._defect is not None:
            raise self._defect

    async def stop(self) -> None:
        self.ended = True


@pytest.fixture
def process_as_before() -> Iterator[None]:
    """What an app sets for its whole process is afterwards as it was."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@asynccontextmanager
async def at_work(app: App) -> AsyncIterator[App]:
    """An app while it serves; afterwards it was told to stop, and did."""
    told = asyncio.Event()
    serving = asyncio.create_task(app.run(told))
    ready = asyncio.create_task(app.ready.wait())
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            ready.cancel()
            await serving
    try:
        yield app
    finally:
        told.set()
        async with asyncio.timeout(DEADLINE_S):
            await serving


def opened(premises: Premises, *adapters: Adapter, binding: Binding = ANY_PORT) -> App:
    return open_app(premises.house, binding, adapters)


@pytest.mark.usefixtures("process_as_before")
async def test_an_operator_is_answered_over_the_channel_and_so_is_the_command_line(
    premises: Premises,
) -> None:
    wired = Wired(premises)
    async with at_work(opened(premises, wired)) as app:
        *_, line = await asyncio.to_thread(lambda: list(add_operator(premises.house, "li", Role.OWNER)))
        await asyncio.to_thread(premises.says, "li", str(line))
        await until(lambda: wired.outbox.sent)
        assert [sent.text for sent in wired.outbox.sent] == [
            "This account is yours now. /help lists what you can do."
        ]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{app.house.address}/healthz") as response,
        ):
            assert response.status == 200
        connection = await asyncio.to_thread(running, premises.house.settings.data)
        assert connection is not None
        connection.close()
    assert wired.ended
    assert not socket_path(premises.house.settings.data).exists()


@pytest.mark.usefixtures("process_as_before")
async def test_the_greeting_has_a_code_until_an_owner_is_bound(premises: Premises) -> None:
    wired = Wired(premises)
    async with at_work(opened(premises, wired)) as app:
        first = await asyncio.to_thread(app.greeting)
        second = await asyncio.to_thread(app.greeting)
        where = [f"Siyu runs at {app.house.address}", f"Web chat:   {app.house.address}/chat"]
        told = "To work as owner (owner), send this within 24 hours in a private chat with the bot:"
        assert (first[:3], second[:3]) == ([*where, told], [*where, told])
        assert first[3] != second[3]
        await asyncio.to_thread(premises.says, "li", first[3])  # an earlier code is as good
        await until(lambda: any(member.contacts for member in team(premises.house).members.values()))
        assert await asyncio.to_thread(app.greeting) == where


def test_where_somebody_else_is_called_owner_the_greeting_says_how_to_become_one(premises: Premises) -> None:
    list(add_operator(premises.house, "Owner", Role.VIEWER))
    assert opened(premises).greeting()[2] == "Nobody owns it yet: siyu operator add NAME --role owner"


def test_a_store_that_is_away_just_then_leaves_the_greeting_without_a_code(premises: Premises) -> None:
    app = opened(premises)
    premises.close()
    said = app.greeting()
    assert said[2].endswith("log.db cannot be used now: it was closed")
    assert said[3].startswith("Connect a channel")


@pytest.mark.usefixtures("process_as_before")
async def test_an_end_leaves_no_task_and_no_port_behind(premises: Premises) -> None:
    before = asyncio.all_tasks()
    async with at_work(opened(premises)) as app:
        port = int(app.house.address.rpartition(":")[2])
    assert asyncio.all_tasks() == before
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass


async def test_a_port_that_is_taken_is_told_before_anything_starts(premises: Premises) -> None:
    before = asyncio.all_tasks()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = opened(premises, binding=Binding("127.0.0.1", port))
        with pytest.raises(
            StoreUnavailable,
            match=rf"^cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port$",
        ):
            await app.run(asyncio.Event())
    assert asyncio.all_tasks() == before
    assert not app.ready.is_set()


async def test_a_task_that_loses_cancels_is_cancelled_until_it_has_ended() -> None:
    lost = []

    async def deaf() -> None:
        for number in range(2):
            try:
                await asyncio.sleep(NEVER_S)
            except asyncio.CancelledError:
                lost.append(number)
        await asyncio.sleep(NEVER_S)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await cancelled(task, again_s=0.01)
    assert (task.cancelled(), lost) == (True, [0, 1])
    await cancelled(task, again_s=NEVER_S)


class Broken(InProcess):
    """A runner of jobs with a bug."""

    async def work(self) -> None:
        raise LookupError("a bug")


async def test_a_part_that_fails_for_good_ends_it_and_says_why(premises: Premises) -> None:
    before = asyncio.all_tasks()
    premises.house.bulk = Broken(dict)
    with pytest.raises(LookupError, match="a bug"):
        await opened(premises).run(asyncio.Event())
    assert asyncio.all_tasks() == before


async def test_a_channel_that_cannot_start_ends_it_in_order(premises: Premises) -> None:
    before = asyncio.all_tasks()
    good, bad = Wired(premises), Wired(premises, BadSettings("SIYU_TELEGRAM__TOKEN was revoked"))
    bad.account = BOT
    app = opened(premises, good, bad)
    with pytest.raises(BadSettings, match=r"^SIYU_TELEGRAM__TOKEN was revoked$"):
        await app.run(asyncio.Event())
    assert (asyncio.all_tasks(), good.ended, bad.ended) == (before, True, True)


@pytest.mark.usefixtures("process_as_before")
async def test_a_provider_that_asks_us_to_wait_is_still_waited_for_after_a_restart(
    premises: Premises,
) -> None:
    wired = Wired(premises)
    premises.says("wang", "hi")
    wired.outbox.failures.append(TemporaryFailure("rate-limited", retry_after_s=600.0, whole_account=True))
    async with at_work(opened(premises, wired)):
        premises.house.do("system", premises.plan("wang"))
        await until(lambda: not wired.outbox.failures)
        await until(lambda: premises.house.log.get_pacing(f"{TELEGRAM}:{BOT}"))
    after = Wired(premises)
    app = opened(premises, after)
    await app.courier.step()
    assert app.courier.in_flight == 0
    premises.house.do("system", premises.plan("wang"))
    premises.house.catch_up()
    await app.courier.step()
    assert (app.courier.in_flight, after.outbox.sent) == (0, [])


def test_two_accounts_that_are_the_same_bot_are_refused(tmp_path: Path) -> None:
    token = "12345:abcdefghijklmnopqrstuvwxyz0123456789"
    premises = Premises(tmp_path, SIYU_TELEGRAM__TOKEN=token, SIYU_TELEGRAM__SHOP__TOKEN=token)
    with pytest.raises(BadSettings, match=r"^two accounts of telegram are the same one: 12345$"):
        open_app(premises.house, ANY_PORT)
    premises.close()


async def test_raw_payloads_are_nobodys_to_read_a_month_after_their_month(tmp_path: Path) -> None:
    premises = Premises(tmp_path)
    received = Receive(
        channel=TELEGRAM,
        account=BOT,
        key="1",
        occurred_at=NOON,
        content=Message(text="hi"),
        sender=Sender(external_id="wang"),
        raw=Raw(b'{"text": "hi"}'),
    )
    await premises.house.submit(Request(premises.house.context("customer"), (received,)))
    raws = []
    for later in (timedelta(0), timedelta(days=40), timedelta(days=41)):  # 30 November and 30 days
        premises.now = NOON + later
        await opened(premises)._destroy_old_raw_keys()  # noqa: SLF001  # otherwise APScheduler's, at 3 in the night
        premises.close()
        premises = Premises(tmp_path)
        message = premises.events(MessageReceived)[0]
        assert message.raw is not None
        raws.append((message.text.value, message.raw.value))
    assert raws == [("hi", b'{"text": "hi"}'), ("hi", b'{"text": "hi"}'), ("hi", b"")]
    premises.close()
