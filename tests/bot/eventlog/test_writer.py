import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.eventlog.writer import BATCH, Writer
from domain.dispatch import Done, Failed, Request, Result
from domain.errors import Overloaded, StoreUnavailable, SubjectForgotten
from domain.identity import Slug
from domain.message import Context
from tests.bot.eventlog.examples import NOON

DEADLINE_S = 20


def asked(name: str) -> Request:
    return Request(Context(actor=Slug(name), occurred_at=NOON, now=NOON))


def names(batch: Sequence[Request]) -> list[str]:
    return [request.context.actor for request in batch]


class Gate:
    """A dispatcher that keeps its batches, waits at a gate in each, and answers as it was told."""

    def __init__(self, answer: Callable[[Request], Result | Exception] = lambda _: Done()) -> None:
        self.batches: list[list[str]] = []
        self.inside = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self._answer = answer

    def step(self, requests: Sequence[Request]) -> list[Result]:
        self.batches.append(names(requests))
        self.inside.release()
        assert self.open.wait(DEADLINE_S)
        results: list[Result] = []
        for request in requests:
            answer = self._answer(request)
            if isinstance(answer, Exception):
                raise answer
            results.append(answer)
        return results


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def writer(gate: Gate) -> Iterator[Writer]:
    writer = Writer(gate, capacity=300)
    yield writer
    gate.open.set()
    writer.close()


async def test_what_queues_during_a_commit_is_the_next_batch(gate: Gate, writer: Writer) -> None:
    gate.open.clear()
    first = asyncio.create_task(writer.submit(asked("0")))
    await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
    others = [asyncio.create_task(writer.submit(asked(str(n)))) for n in range(1, 250)]
    await asyncio.sleep(0)  # every task runs up to its await
    gate.open.set()

    assert await asyncio.gather(first, *others) == [Done()] * 250
    expected = [str(n) for n in range(1, 250)]
    assert gate.batches == [["0"], expected[:BATCH], expected[BATCH:]]


async def test_what_is_submitted_in_one_turn_of_the_loop_is_one_batch(gate: Gate, writer: Writer) -> None:
    for _ in range(50):
        gate.batches.clear()
        answers = await asyncio.gather(*(writer.submit(asked(name)) for name in "abc"))
        assert answers == [Done()] * 3
        assert gate.batches == [["a", "b", "c"]]


async def test_what_was_submitted_just_before_the_end_is_refused(gate: Gate, writer: Writer) -> None:
    task = asyncio.create_task(writer.submit(asked("too late")))
    await asyncio.sleep(0)
    writer.close()

    with pytest.raises(StoreUnavailable):
        await task
    assert gate.batches == []


async def test_a_full_queue_refuses_and_goes_on(gate: Gate, writer: Writer) -> None:
    gate.open.clear()
    first = asyncio.create_task(writer.submit(asked("first")))
    await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
    waiting = [asyncio.create_task(writer.submit(asked("waiting"))) for _ in range(300)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await writer.submit(asked("one too many"))
    gate.open.set()

    assert await asyncio.gather(first, *waiting) == [Done()] * 301
    assert await writer.submit(asked("later")) == Done()


async def test_a_store_that_is_away_fails_each_of_its_batch_and_the_writer_lives_on() -> None:
    away = [True]
    gate = Gate(lambda _: StoreUnavailable("the disk is full") if away[0] else Done())
    writer = Writer(gate)

    failed = await asyncio.gather(*[writer.submit(asked(str(n))) for n in range(5)], return_exceptions=True)
    away.clear()
    away.append(False)
    later = await writer.submit(asked("later"))
    writer.close()

    assert [(type(error), str(error)) for error in failed] == [(StoreUnavailable, "the disk is full")] * 5
    assert later == Done()


async def test_a_bug_in_one_request_reaches_its_caller_and_nobody_else() -> None:
    gate = Gate(lambda request: KeyError("a bug") if request.context.actor == "3" else Done())
    gate.open.clear()
    writer = Writer(gate)
    tasks = [asyncio.create_task(writer.submit(asked(str(n)))) for n in range(6)]
    await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
    gate.open.set()

    answers = await asyncio.gather(*tasks, return_exceptions=True)
    writer.close()

    assert [type(answer) for answer in answers] == [Done, Done, Done, KeyError, Done, Done]


async def test_what_siyu_anticipates_is_an_answer_not_an_exception() -> None:
    error = SubjectForgotten("forgotten")
    writer = Writer(Gate(lambda request: error if request.context.actor == "gone" else Done()))

    answers = await asyncio.gather(writer.submit(asked("gone")), writer.submit(asked("here")))
    writer.close()

    assert list(answers) == [Failed(error), Done()]


async def test_somebody_who_stopped_waiting_disturbs_nobody(gate: Gate, writer: Writer) -> None:
    gate.open.clear()
    tasks = [asyncio.create_task(writer.submit(asked(str(n)))) for n in range(3)]
    await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
    tasks[1].cancel()
    gate.open.set()

    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [Done, asyncio.CancelledError, Done]


def test_threads_and_several_loops_get_their_own_answers(writer: Writer) -> None:
    async def many(name: str) -> list[Result]:
        return await asyncio.gather(*[writer.submit(asked(name)) for _ in range(50)])

    with ThreadPoolExecutor(4) as pool:
        loops = [pool.submit(lambda: asyncio.run(many("loop"))) for _ in range(2)]
        threads = [pool.submit(writer.submit_blocking, asked("thread")) for _ in range(20)]

        assert [future.result(DEADLINE_S) for future in loops] == [[Done()] * 50] * 2
        assert [future.result(DEADLINE_S) for future in threads] == [Done()] * 20


async def test_closing_answers_what_is_waiting_and_then_refuses(gate: Gate, writer: Writer) -> None:
    gate.open.clear()
    first = asyncio.create_task(writer.submit(asked("first")))
    await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
    waiting = [asyncio.create_task(writer.submit(asked("waiting"))) for _ in range(250)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    gate.open.set()

    assert await asyncio.gather(first, *waiting) == [Done()] * 251
    await closing
    with pytest.raises(StoreUnavailable):
        await writer.submit(asked("too late"))
    writer.close()


def test_a_loop_that_is_gone_disturbs_nobody(gate: Gate, writer: Writer) -> None:
    gate.open.clear()

    async def leave() -> None:
        task = asyncio.create_task(writer.submit(asked("left")))
        await asyncio.to_thread(gate.inside.acquire, timeout=DEADLINE_S)
        task.cancel()

    asyncio.run(leave())
    gate.open.set()

    assert writer.submit_blocking(asked("still here")) == Done()
