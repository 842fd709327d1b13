"""A system is told what happens: signed, in order, again until it takes it."""

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from bot.commands.command import CLI
from bot.forgetting import lines
from bot.hooks.hook import PARKED_AFTER, pause_s
from bot.hooks.letter import LARGEST_BYTES
from bot.hooks.post import Post
from bot.hooks.standing import Standing, Stopped
from bot.operations.hooks import replay_hook
from bot.operations.reading import one_customer
from domain.errors import PermanentFailure
from domain.operators.events import CommandGiven
from tests.bot.hooks.receiver import SECRET, Line, Receiver, receiving, settings
from tests.bot.premises import Premises

DOCS = Path(__file__).resolve().parents[3] / "docs" / "hooks.md"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def line(premises: Premises, receiver: Receiver) -> Line:
    """A hook that has begun: it is told what comes next."""
    begun = Line(premises, settings(receiver.url))
    assert await begun.settle() is None
    return begun


def texts(receiver: Receiver) -> list[str]:
    return [event["data"]["text"] for event in receiver.events]


def stands(line: Line) -> Standing:
    assert line.at.standing is not None
    return line.at.standing


def set_back(premises: Premises, url: str, after: int, until: int | None = None) -> str:
    premises.house.variables = {
        "SIYU_HOOKS__CRM__URL": url,
        "SIYU_HOOKS__CRM__SECRET": SECRET,
        "SIYU_HOOKS__CRM__ALLOW_PRIVATE": "true",
    }
    (said,) = replay_hook(premises.house, "crm", after, until)
    return premises.house.texts.shown(said)  # type: ignore[arg-type]  # no Exit


# --- what is told ------------------------------------------------------------------------------------------------------


async def test_events_are_told_as_the_command_line_shows_them(line: Line, receiver: Receiver) -> None:
    line.premises.says("wang", "have you green tea?")
    await line.settle()
    (came,) = receiver.came
    (event,) = came.events
    recorded = next(r for r in line.premises.everything() if r.type == "message-received/1")
    assert (event["position"], event["stream"], event["version"]) == (
        recorded.position,
        recorded.stream,
        recorded.version,
    )
    assert event["data"]["text"] == "have you green tea?"
    log = line.premises.house.log.identity()
    assert (
        came.headers["Siyu-Delivery"] == f"{log.id}.{log.incarnation}/{event['position']}-{event['position']}"
    )
    assert came.headers["Content-Type"] == "application/json"


async def test_the_example_of_the_docs_accepts_what_is_signed_and_nothing_else(
    line: Line, receiver: Receiver
) -> None:
    example: dict[str, object] = {}
    code = re.search(r"```python\n(.*?)```", DOCS.read_text("utf8"), re.DOTALL)
    assert code is not None
    exec(code[1], example)
    is_from_siyu = example["is_from_siyu"]
    assert callable(is_from_siyu)
    line.premises.now = line.premises.now.fromtimestamp(time.time(), line.premises.now.tzinfo)
    line.premises.says("wang", "你好")
    await line.settle()
    (came,) = receiver.came
    signature = came.headers["Siyu-Signature"]
    assert is_from_siyu(SECRET, signature, came.body) is True
    assert is_from_siyu(SECRET, signature, came.body + b" ") is False
    assert is_from_siyu("another secret of 16", signature, came.body) is False
    later = re.sub(r"t=(\d+)", lambda found: f"t={int(found[1]) + 1}", signature)
    assert is_from_siyu(SECRET, later, came.body) is False


async def test_a_new_hook_begins_at_the_logs_end(premises: Premises, receiver: Receiver) -> None:
    premises.says("wang", "before")
    line = Line(premises, settings(receiver.url))
    await line.settle()
    premises.says("wang", "after")
    await line.settle()
    assert texts(receiver) == ["after"]


async def test_only_what_is_asked_for_is_told(premises: Premises, receiver: Receiver) -> None:
    line = Line(premises, settings(receiver.url, "contact-seen, customer-created"))
    await line.settle()
    premises.says("wang", "hello")
    await line.settle()
    assert {event["type"] for event in receiver.events} == {"contact-seen/1", "customer-created/1"}


async def test_all_is_told_by_a_star(premises: Premises, receiver: Receiver) -> None:
    line = Line(premises, settings(receiver.url, "*"))
    await line.settle()
    before = premises.house.log.head()
    premises.says("wang", "hello")
    await line.settle()
    assert [event["position"] for event in receiver.events] == [
        recorded.position for recorded in premises.everything(before)
    ]


async def test_who_was_forgotten_meanwhile_is_told_as_forgotten(line: Line, receiver: Receiver) -> None:
    premises = line.premises
    premises.says("wang", "my secret")
    list(lines(premises.house, one_customer(premises.house, "#1"), CLI, confirmed=True))
    await line.settle()
    assert texts(receiver) == ["[forgotten]"]


async def test_many_events_come_in_order_in_batches_one_at_a_time(line: Line, receiver: Receiver) -> None:
    said = [f"message {number}" for number in range(250)]
    for text in said:
        line.premises.says("wang", text)
    await line.settle()
    assert texts(receiver) == said
    assert receiver.most_at_once == 1
    assert max(len(came.events) for came in receiver.came) <= 100


async def test_large_events_come_in_smaller_batches(line: Line, receiver: Receiver) -> None:
    for number in range(8):
        line.premises.says("wang", f"{number}" * 200_000)
    await line.settle()
    assert [text[0] for text in texts(receiver)] == list("01234567")
    assert all(len(came.body) <= LARGEST_BYTES + 1_000 for came in receiver.came)
    assert len(receiver.came) > 1


# --- again -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [500, 404, 302, 429])
async def test_what_is_not_taken_is_told_again_later_and_nothing_overtakes_it(
    answer: int, line: Line, receiver: Receiver
) -> None:
    receiver.answers = [answer]
    line.premises.says("wang", "one")
    assert await line.settle() == 1.0
    line.premises.now -= timedelta(seconds=1)  # says() lets a second pass
    line.premises.says("wang", "two")
    assert await line.settle() == 1.0
    assert len(receiver.came) == 1
    line.premises.now += timedelta(seconds=1)
    assert await line.settle() is None
    assert texts(receiver) == ["one", "one", "two"]


async def test_where_nobody_listens_or_answers_it_is_told_again(premises: Premises) -> None:
    async with receiving() as receiver:
        url = receiver.url
    line = Line(premises, settings(url))
    await line.settle()
    premises.says("wang", "one")
    assert await line.settle() == 1.0
    assert stands(line).error == "unreachable"


async def test_who_does_not_answer_in_time_is_told_again(premises: Premises, receiver: Receiver) -> None:
    line = Line(premises, settings(receiver.url), timeout_s=0.2)
    await line.settle()
    receiver.answers = [None]
    premises.says("wang", "one")
    assert await line.settle() == 1.0
    assert stands(line).error == "timeout"
    premises.now += timedelta(seconds=1)
    await line.settle()
    assert receiver.came[0].ids == receiver.came[1].ids


async def test_the_server_may_ask_for_more_time(line: Line, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [503], {"Retry-After": "30"}
    line.premises.says("wang", "one")
    assert await line.settle() == 30.0


def test_pauses_double_up_to_ten_minutes_and_come_apart_by_chance() -> None:
    assert [pause_s(attempts, 1.0) for attempts in (1, 2, 3, 10, 11, 5_000)] == [1, 2, 4, 512, 600, 600]
    assert [pause_s(attempts, 0.0) for attempts in (1, 2, 3, 11)] == [1, 1, 2, 300]


async def test_a_redirect_is_not_followed(line: Line, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [307], {"Location": receiver.url}
    line.premises.says("wang", "one")
    await line.settle()
    assert len(receiver.came) == 1
    assert stands(line).error == "redirected"


async def test_killed_between_the_request_and_the_note_of_it_the_same_events_come_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    premises = Premises(tmp_path / "data")
    line = Line(premises, settings(receiver.url))
    await line.settle()
    premises.says("wang", "one")
    premises.says("wang", "two")
    receiver.answers = [None]
    step = asyncio.create_task(line.at.step())
    await receiver.arrived.wait()
    step.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await step
    premises.close()
    again = Premises(tmp_path / "data")
    line = Line(again, settings(receiver.url))
    await line.settle()
    assert [came.ids for came in receiver.came] == [receiver.came[0].ids] * 2
    assert receiver.came[0].headers["Siyu-Delivery"] == receiver.came[1].headers["Siyu-Delivery"]
    again.close()


async def test_trouble_is_remembered_over_a_restart(line: Line, receiver: Receiver) -> None:
    receiver.answers = [500, 500]
    line.premises.says("wang", "one")
    await line.settle()
    since = stands(line).failing_since
    line.premises.now += timedelta(hours=1)
    line.restart()
    await line.settle()
    assert (stands(line).failing_since, stands(line).attempts) == (since, 2)


# --- stopped -----------------------------------------------------------------------------------------------------------


async def test_after_three_days_a_hook_is_stopped_and_told_of_once(line: Line, receiver: Receiver) -> None:
    receiver.answers = [500] * 20
    line.premises.says("wang", "one")
    await line.settle()
    line.premises.now += PARKED_AFTER - timedelta(seconds=1)
    await line.settle()
    assert line.stops == []
    line.premises.now += timedelta(minutes=10)
    await line.settle()
    ((how, _),) = line.stops
    assert how.stopped is Stopped.PARKED
    asked = len(receiver.came)
    line.premises.now += timedelta(days=1)
    line.restart()
    await line.settle()
    assert (len(receiver.came), len(line.stops)) == (asked, 1)


async def test_gone_stops_a_hook_at_once_and_a_replay_begins_again_without_a_loss(
    line: Line, receiver: Receiver
) -> None:
    receiver.answers = [410]
    line.premises.says("wang", "one")
    await line.settle()
    ((how, position),) = line.stops
    assert how.stopped is Stopped.GONE
    line.premises.says("wang", "two")
    await line.settle()
    assert texts(receiver) == ["one"]
    set_back(line.premises, receiver.url, position)
    await line.settle()
    assert texts(receiver) == ["one", "one", "two"]


# --- replay ------------------------------------------------------------------------------------------------------------


async def test_a_replay_tells_again_what_is_above_a_position_and_the_audit_notes_it(
    line: Line, receiver: Receiver
) -> None:
    premises = line.premises
    for text in ("one", "two", "three"):
        premises.says("wang", text)
    await line.settle()
    first = receiver.events[0]["position"]
    said = set_back(premises, receiver.url, first)
    assert re.fullmatch(rf"crm is told again what is above {first}, up to \d+", said)
    premises.says("wang", "four")
    await line.settle()
    assert texts(receiver) == ["one", "two", "three", "two", "three", "four"]
    (given,) = premises.events(CommandGiven)
    assert (given.command, given.line.value.partition(" --until")[0]) == (
        "hook-replay",
        f"hook replay crm --after {first}",
    )


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_replay_up_to_a_position_goes_on_where_the_hook_was(
    restarted: bool, line: Line, receiver: Receiver
) -> None:
    premises = line.premises
    for text in ("one", "two", "three", "four"):
        premises.says("wang", text)
    await line.settle()
    positions = [event["position"] for event in receiver.events]
    set_back(premises, receiver.url, positions[0], positions[2])
    if restarted:
        line.restart()
    premises.says("wang", "five")
    await line.settle()
    assert texts(receiver) == ["one", "two", "three", "four", "two", "three", "five"]


async def test_a_replay_while_a_request_is_under_way_counts(line: Line, receiver: Receiver) -> None:
    premises = line.premises
    premises.says("wang", "one")
    await line.settle()
    receiver.answers, receiver.arrived = [None], asyncio.Event()
    premises.says("wang", "two")
    step = asyncio.create_task(line.at.step())
    await receiver.arrived.wait()
    await asyncio.to_thread(set_back, premises, receiver.url, 0)
    receiver.released.set()
    await step
    await line.settle()
    assert texts(receiver) == ["one", "two", "one", "two"]


# --- where it leads, and what is never shown ---------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "2130706433", "127.1", "0x7f000001"])
async def test_the_own_network_is_refused_when_the_connection_is_made(
    host: str, premises: Premises, receiver: Receiver
) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    line = Line(premises, settings(f"https://{host}:{port}/", ALLOW_PRIVATE="false"))
    await line.settle()
    premises.says("wang", "one")
    await line.settle()
    assert stands(line).error == "not-allowed"
    assert receiver.came == []


class Inside(ThreadedResolver):
    """Every name leads inside."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await super().resolve("127.0.0.1", port, family)


async def test_a_name_that_leads_inside_is_refused(premises: Premises, receiver: Receiver) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    hook = settings(f"https://crm.example:{port}/", ALLOW_PRIVATE="false")
    with pytest.raises(PermanentFailure, match="not-allowed"):
        await Post(hook, resolver=Inside()).deliver(b"{}", {})
    assert receiver.came == []


async def test_neither_secret_nor_address_nor_text_stands_in_a_log(
    line: Line, receiver: Receiver, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [500, 410]
    line.premises.says("wang", "canary of a text")
    await line.settle()
    line.premises.now += timedelta(seconds=2)
    await line.settle()
    written = capsys.readouterr()
    said = written.out + written.err + caplog.text + repr(line.hook)
    assert "hook.failing" in said
    assert "canary" not in said
