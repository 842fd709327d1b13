"""What domain.ports.event_log promises, on every store."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.eventlog.codec import Codec
from bot.eventlog.sqlite import SqliteEventLog
from domain.identity import EventId, Slug, StreamId
from domain.message import Context, Origin, Recorded
from domain.ports.event_log import (
    Appended,
    Conflict,
    Duplicate,
    EventLog,
    NewEvent,
    Outcome,
    Progress,
    StreamWrite,
)
from tests.bot.eventlog.conftest import Opener
from tests.bot.eventlog.examples import NOON, Clock, inbound, message, returned, unit, write


def positions(outcome: Outcome) -> list[int]:
    assert isinstance(outcome, Appended), outcome
    return [recorded.position for recorded in outcome.events]


def streams(log: EventLog) -> list[str]:
    """The ids of all events, by position."""
    return [recorded.id for recorded in log.read(0, 1_000)]


def test_an_empty_log_holds_nothing(log: EventLog) -> None:
    assert (log.head(), log.read(0, 10), log.read_stream(StreamId("contact-1")), log.progress("p")) == (
        0,
        [],
        [],
        None,
    )


def test_what_was_appended_is_read_back_by_stream_and_by_position_with_its_envelope(log: EventLog) -> None:
    context = Context(
        actor=Slug("operator-7"),
        occurred_at=NOON - timedelta(days=900, microseconds=1),
        now=NOON,
        cause=EventId("inbound-1@1"),
        correlation=Slug("inbound-0@1"),
        origin=Origin.IMPORT,
    )
    event = message("你好 👋🏽 \u202eمرحبا")

    (outcome,) = log.append([unit(StreamWrite(StreamId("inbound-2"), 0, (NewEvent(event, context),)))])

    assert isinstance(outcome, Appended)
    expected = Recorded(
        position=outcome.events[0].position,
        stream=StreamId("inbound-2"),
        version=1,
        type="message-received/1",
        recorded_at=NOON,
        occurred_at=context.occurred_at,
        origin=Origin.IMPORT,
        actor=context.actor,
        cause=context.cause,
        correlation=context.correlation,
        event=event,
    )
    assert list(outcome.events) == [expected]
    assert log.read_stream(StreamId("inbound-2")) == [expected]
    assert log.read(0, 10) == [expected]
    assert log.head() == expected.position


def test_one_unit_writes_many_streams_in_order(log: EventLog) -> None:
    (outcome,) = log.append([unit(write("contact-1", 0, returned(), returned()), write("customer-1", 0))])

    assert len(positions(outcome)) == 3
    assert positions(outcome) == sorted(positions(outcome))
    assert streams(log) == ["contact-1@1", "contact-1@2", "customer-1@1"]


def test_reading_goes_on_after_a_position_and_after_a_version(log: EventLog) -> None:
    (outcome,) = log.append([unit(write("contact-1", 0, *[returned()] * 5))])
    second = positions(outcome)[1]

    assert [recorded.version for recorded in log.read(second, 2)] == [3, 4]
    assert [recorded.version for recorded in log.read_stream(StreamId("contact-1"), 3)] == [4, 5]
    assert log.read(log.head(), 10) == []


def test_several_streams_are_read_at_once(log: EventLog) -> None:
    log.append(
        [
            unit(write("contact-1", 0, returned(), returned()), write("customer-1", 0)),
            unit(write("group-1", 0)),
        ]
    )
    wanted = [StreamId("customer-1"), StreamId("contact-never"), StreamId("contact-1")]

    assert log.read_streams(wanted) == {stream: log.read_stream(stream) for stream in wanted}
    assert log.read_streams([]) == {}


def test_what_memory_holds_is_what_the_store_holds(log: EventLog) -> None:
    log.append([inbound("a"), inbound("a"), unit(write("contact-1", 0, returned(), returned()))])
    log.append([unit(write("contact-1", 0))])
    log.append([inbound("b")])

    for after in range(log.head() + 1):
        for limit in (1, 2, 10):
            recent = log.recent(after, limit)
            assert recent is None or recent == log.read(after, limit)


def test_a_duplicate_in_the_middle_is_dropped_whole_and_its_neighbours_are_not_touched(log: EventLog) -> None:
    log.append([inbound("b")])
    again = unit(write("inbound-b", 0, message("hi")), write("contact-9", 0), once="inbound-b")

    outcomes = log.append([inbound("a"), again, inbound("c")])

    assert [type(outcome) for outcome in outcomes] == [Appended, Duplicate, Appended]
    assert streams(log) == ["inbound-b@1", "inbound-a@1", "inbound-c@1"]
    assert log.read_stream(StreamId("contact-9")) == []


def test_the_same_message_twice_in_one_batch_is_stored_once(log: EventLog) -> None:
    first, second = log.append([inbound("a", "one"), inbound("a", "two")])

    assert (type(first), second) == (Appended, Duplicate())
    assert [recorded.event for recorded in log.read(0, 10)] == [message("one")]


def test_once_is_looked_at_before_the_versions(log: EventLog) -> None:
    log.append([inbound("a"), unit(write("contact-1", 0))])

    (outcome,) = log.append([unit(write("inbound-a", 0), once="inbound-a", unchanged={"contact-1": 0})])

    assert outcome == Duplicate()


def test_a_conflict_in_the_middle_drops_its_unit_only(log: EventLog) -> None:
    log.append([unit(write("contact-1", 0))])

    outcomes = log.append(
        [
            unit(write("contact-2", 0)),
            unit(write("contact-1", 0), write("contact-3", 0)),
            unit(write("contact-4", 0)),
        ]
    )

    assert [type(outcome) for outcome in outcomes] == [Appended, Conflict, Appended]
    assert outcomes[1] == Conflict("contact-1")
    assert streams(log) == ["contact-1@1", "contact-2@1", "contact-4@1"]


@pytest.mark.parametrize("expected", [1, 3])
def test_a_version_that_is_not_the_stream_s_is_a_conflict(log: EventLog, expected: int) -> None:
    log.append([unit(write("contact-1", 0, returned(), returned()))])

    assert log.append([unit(write("contact-1", expected))]) == [Conflict("contact-1")]


def test_a_stream_that_was_only_read_must_be_unchanged_too(log: EventLog) -> None:
    log.append([unit(write("contact-1", 0))])

    outcomes = log.append(
        [
            unit(write("customer-1", 0), unchanged={"contact-1": 0}),
            unit(write("customer-2", 0), unchanged={"contact-1": 1, "contact-never": 0}),
        ]
    )

    assert [type(outcome) for outcome in outcomes] == [Conflict, Appended]
    assert streams(log) == ["contact-1@1", "customer-2@1"]


def test_a_unit_sees_what_earlier_units_of_its_batch_wrote(log: EventLog) -> None:
    outcomes = log.append(
        [
            unit(write("contact-1", 0)),
            unit(write("contact-1", 1), unchanged={"contact-2": 0}),
            unit(write("contact-2", 0), unchanged={"contact-1": 2}),
            unit(write("contact-2", 0)),
        ]
    )

    assert [type(outcome) for outcome in outcomes] == [Appended, Appended, Appended, Conflict]


def test_a_dropped_unit_leaves_no_trace_for_those_behind_it(log: EventLog) -> None:
    log.append([inbound("a"), unit(write("contact-1", 0))])
    duplicate = unit(
        write("inbound-a", 0), write("contact-2", 0), once="inbound-a", progress=Progress("p", 0, 7)
    )
    conflict = unit(write("contact-2", 0), write("contact-1", 0), progress=Progress("p", 0, 8))

    outcomes = log.append([duplicate, conflict, unit(write("contact-3", 0), progress=Progress("p", 0, 9))])

    assert [type(outcome) for outcome in outcomes] == [Duplicate, Conflict, Appended]
    assert log.progress("p") == 9


def test_a_unit_behind_a_dropped_one_is_in_conflict_on_its_streams_at_any_version(log: EventLog) -> None:
    """Whoever comes later in a batch saw what the dropped unit meant to write, though somebody else wrote that version instead."""
    log.append([unit(write("customer-1", 0)), unit(write("customer-1", 1))])
    dropped = unit(write("customer-1", 1))

    outcomes = log.append(
        [
            dropped,
            unit(write("delivery-1", 0), unchanged={"customer-1": 2}),
            unit(write("customer-1", 2)),
            unit(unchanged={"customer-1": 2}),
            unit(write("delivery-2", 0)),
        ]
    )

    conflict = Conflict("customer-1")
    assert outcomes[:4] == [conflict, conflict, conflict, conflict]
    assert isinstance(outcomes[4], Appended)
    assert streams(log) == ["customer-1@1", "customer-1@2", "delivery-2@1"]


def test_a_unit_without_writes_is_checked_like_any_other(log: EventLog) -> None:
    log.append([inbound("a"), unit(write("contact-1", 0))])

    outcomes = log.append(
        [
            unit(unchanged={"contact-1": 1}),
            unit(unchanged={"contact-1": 0}),
            unit(once="inbound-a"),
            unit(once="inbound-b"),
        ]
    )

    assert outcomes == [Appended(()), Conflict("contact-1"), Duplicate(), Appended(())]


def test_a_process_moves_together_with_what_it_caused(log: EventLog) -> None:
    log.append([unit(write("contact-1", 0), progress=Progress("auto-reply", 0, 4))])
    outcomes = log.append(
        [
            unit(write("contact-2", 0), progress=Progress("auto-reply", 0, 5)),
            unit(progress=Progress("auto-reply", 4, 6)),
            unit(write("contact-3", 0), progress=Progress("auto-reply", 6, 7)),
            unit(progress=Progress("welcome", 0, 2)),
        ]
    )

    assert [type(outcome) for outcome in outcomes] == [Conflict, Appended, Appended, Appended]
    assert (outcomes[0], outcomes[1]) == (Conflict("progress:auto-reply"), Appended(()))
    assert (log.progress("auto-reply"), log.progress("welcome")) == (7, 2)
    assert streams(log) == ["contact-1@1", "contact-3@1"]


def test_a_batch_of_nothing_is_nothing(log: EventLog) -> None:
    assert log.append([]) == []


def test_the_time_of_recording_never_goes_back_though_the_clock_does(log: EventLog, clock: Clock) -> None:
    log.append([inbound("a")])
    clock.now = NOON - timedelta(hours=1)
    (outcome,) = log.append([inbound("b")])
    clock.now = NOON + timedelta(microseconds=1)
    log.append([inbound("c")])

    times = [recorded.recorded_at for recorded in log.read(0, 10)]
    assert times == [NOON, NOON, NOON + timedelta(microseconds=1)]
    assert isinstance(outcome, Appended)
    assert outcome.events[0].recorded_at == NOON


def test_followers_are_woken_until_they_leave(log: EventLog) -> None:
    woken: list[str] = []
    leave = log.subscribe(lambda: woken.append("first"))
    log.subscribe(lambda: woken.append("second"))
    woken.clear()  # PostgreSQL wakes once when it begins to listen

    log.append([inbound("a")])
    assert {"first", "second"} <= set(woken)

    leave()
    woken.clear()
    log.append([inbound("b")])
    assert "first" not in woken


def test_a_batch_may_touch_thousands_of_streams(log: EventLog) -> None:
    many = [
        unit(write(f"inbound-{n}", 0, message(str(n))), once=f"inbound-{n}", unchanged={f"contact-{n}": 0})
        for n in range(2_500)
    ]

    assert {type(outcome) for outcome in log.append(many)} == {Appended}
    assert set(log.append(many)) == {Duplicate()}


def test_a_reopened_log_goes_on_where_it_was(opened: Opener) -> None:
    log = opened()
    log.append([inbound("a"), unit(progress=Progress("p", 0, 5))])
    log.set_cursor("telegram-7", "100")
    log.set_cursor("telegram-7", "101")
    log.set_pacing("telegram-7", "{}")
    before = (log.identity(), log.read(0, 10))

    log = opened()

    assert (log.identity(), log.read(0, 10)) == before
    assert log.append([inbound("a"), unit(progress=Progress("p", 0, 5))]) == [
        Duplicate(),
        Conflict("progress:p"),
    ]
    assert (log.get_cursor("telegram-7"), log.get_cursor("telegram-8")) == ("101", None)
    assert (log.get_pacing("telegram-7"), log.get_pacing("telegram-8")) == ("{}", None)


def test_a_reopened_log_holds_in_memory_what_was_appended_since(
    tmp_path: Path, codec: Codec, clock: Clock
) -> None:
    log = SqliteEventLog(tmp_path / "log.db", codec, clock)
    log.append([inbound("a")])
    log.close()

    log = SqliteEventLog(tmp_path / "log.db", codec, clock)
    log.append([inbound("b")])

    assert (log.recent(0, 10), log.recent(1, 10), log.recent(2, 10)) == (None, log.read(1, 10), [])
    log.close()


def test_a_new_incarnation_is_the_same_log(opened: Opener) -> None:
    log = opened()
    first = log.identity()
    log.new_incarnation()

    assert (first.incarnation, log.identity().id, log.identity().incarnation) == (1, first.id, 2)


def test_a_follower_that_fails_does_not_make_a_durable_append_look_failed(opened: Opener) -> None:
    log = opened()
    woken = []

    def fail() -> None:
        woken.append(1)
        raise RuntimeError("a bug in a follower")

    log.subscribe(fail)

    assert [type(outcome) for outcome in log.append([inbound("a")])] == [Appended]
    assert woken
