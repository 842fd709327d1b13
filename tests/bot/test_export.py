"""The log as JSON Lines: everything comes back, and what comes in from a file moves nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.export import as_json, as_text, read_lines
from bot.operations.moving import import_events, resume_sending
from bot.operations.reading import events, list_customers, timeline
from bot.reading import SqlAgenda
from bot.texts import told
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.conversations.commands import GroupChange
from domain.conversations.events import MessageReceived
from domain.deliveries.events import DeliveryClass
from domain.errors import BadInput
from domain.identity import (
    Account,
    Address,
    BroadcastId,
    Channel,
    Party,
    ScheduleId,
    Slug,
    StreamId,
    ZoneName,
)
from domain.message import Context, Event, Origin, Personal, Recorded
from domain.operators.events import CommandGiven
from domain.ports.event_log import Unreadable
from domain.registry import EVENT_TYPES
from domain.schedules.commands import CreateSchedule
from tests.bot.eventlog import any_event
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises, settled
from tests.domain.controls.events import EVENTS, MESSAGE_RECEIVED

HERE = [(TELEGRAM, BOT)]
SLUGS = {kind: slug for slug, kind in EVENT_TYPES.items()}
FAR = timedelta(days=400)


def recorded(event: Event, context: Context | None = None, version: int = 1) -> Recorded:
    """An event as the log might give it out."""
    context = context or Context(actor=Slug("customer"), occurred_at=NOON, now=NOON)
    return Recorded(
        position=17,
        stream=StreamId("some-stream"),
        version=version,
        type=SLUGS[type(event)],
        recorded_at=context.now,
        occurred_at=context.occurred_at,
        origin=context.origin,
        actor=context.actor,
        cause=context.cause,
        correlation=context.correlation,
        event=event,
    )


def line(**changes: Any) -> bytes:  # noqa: ANN401  # JSON values
    """A line of an export, changed; None leaves a key out."""
    whole = {**json.loads(as_json(recorded(MESSAGE_RECEIVED))), **changes}
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_there_is_comes_back_equal(event: Event) -> None:
    (write,) = read_lines([as_json(recorded(event, version=4)).encode()])
    (new,) = write.events
    assert (write.stream, write.expected, new.event) == ("some-stream", 3, event)


@given(any_event.EVENTS, any_event.CONTEXTS)
def test_any_event_with_any_envelope_comes_back_equal_and_imported(event: Event, context: Context) -> None:
    exported = as_json(recorded(event, context))
    assert "\n" not in exported
    (write,) = read_lines([exported.encode()])
    (new,) = write.events
    assert new.event == event
    assert new.context == replace(context, now=context.occurred_at, origin=Origin.IMPORT)


def test_a_line_has_the_keys_that_interface_md_promises() -> None:
    said = json.loads(as_json(recorded(MESSAGE_RECEIVED)))
    assert {key: said[key] for key in said if key != "data"} == {
        "position": 17,
        "stream": "some-stream",
        "version": 1,
        "type": "message-received/1",
        "at": "2026-11-20T04:00:00.000000Z",
        "occurred_at": "2026-11-20T04:00:00.000000Z",
        "origin": "live",
        "actor": "customer",
        "cause": None,
        "correlation": None,
    }
    assert said["data"]["text"] == "多少钱?"


def test_what_cannot_be_read_says_so_and_its_text_for_people_names_it() -> None:
    damaged = replace(recorded(MESSAGE_RECEIVED), event=Unreadable("its key is missing"))
    said = json.loads(as_json(damaged))
    assert ("data" in said, said["error"]) == (False, "its key is missing")
    assert as_text(damaged).split() == [
        "17",
        "2026-11-20T04:00:00+00:00",
        "message-received/1",
        "some-stream@1",
        "customer",
    ]
    with pytest.raises(BadInput, match=r"line 1: .*data"):
        list(read_lines([as_json(damaged).encode()]))


@pytest.mark.parametrize(
    "wrong,told",
    [
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"\xff", "Invalid UTF-8|malformed"),
        (line(type="no-such-thing/1"), "'no-such-thing/1' is no event type of this Siyu"),
        (line(version="one"), r"Expected `int`, got `str` - at `\$.version`"),
        (line(version=0), r"Expected `int` >= 1 - at `\$.version`"),
        (line(occurred_at="yesterday"), "Invalid RFC3339"),
        (line(occurred_at="2026-11-20T04:00:00"), "Expected `datetime` with a timezone component"),
        (line(stream=None), "missing required field `stream`"),
        (line(stream=""), r"Expected `str` of length >= 1 - at `\$.stream`"),
        (line(data={}), "missing required field"),
        (line(data={**json.loads(line())["data"], "kind": "smell"}), "Invalid enum value 'smell'"),
        (line(data={**json.loads(line())["data"], "raw": "%%%"}), "Only base64 data is allowed"),
        (line(data={**json.loads(line())["data"], "text": ["a"]}), "Expected `str`, got `array`"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_after_it_is_read(wrong: bytes, told: str) -> None:
    lines = read_lines([line(), b"\n", wrong, b"never read"])
    assert next(lines).stream == "some-stream"
    with pytest.raises(BadInput, match=f"^line 3: .*{told}"):
        next(lines)


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: json.dumps(text).encode()))
def test_no_line_raises_anything_but_bad_input(junk: bytes) -> None:
    try:
        found = list(read_lines([junk]))
    except BadInput as error:
        assert str(error).startswith("line 1: ")  # noqa: PT017  # a blank line raises nothing
    else:
        assert (found, junk.strip()) == ([], b"")


# --- from one installation into another ------------------------------------------------------------------------------


async def lived(premises: Premises) -> None:
    """Let a little of everything happen, much of it still to come."""
    house = premises.house
    desk = await premises.desk()
    await premises.binds(desk, "li")
    premises.says("wang", "多少钱?\x00")
    premises.says("wang", "hello", group="tea")
    premises.receive("wang", GroupChange(change=Slug("migrated"), new_external_id="big-tea"), group="tea")
    premises.says("li", "/tag #2 vip")
    premises.says("li", "/note #2 likes tea")
    premises.says("li", "/rule add contains tea => tag:tea")
    premises.says("li", '/send #2 --every "daily 10:00" good morning')
    await settled(desk)
    spring = BroadcastId("spring")
    draft = DraftBroadcast(
        broadcast=spring, audience=AudienceKind.ALL, text=Personal("sale"), not_before=premises.now
    )
    daily = CreateSchedule(
        schedule=ScheduleId("daily"),
        recurrence=Slug("daily@10:00"),
        zone=ZoneName("Asia/Shanghai"),
        text=Personal("good morning"),
        starts_at=premises.now,
    )
    house.do("system", draft, ConfirmBroadcast(broadcast=spring), daily)
    house.do("system", premises.plan("wang", "now"), premises.plan("wang", "now", DeliveryClass.REPLY))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Premises]:
    opened = Premises(tmp_path / "copy")
    yield opened
    opened.close()


def exported(premises: Premises, to: Path) -> str:
    to.write_text("".join(f"{one}\n" for one in events(premises.house, json=True)), "utf8")
    return str(to)


def shown(premises: Premises) -> list[list[Any]]:
    """What people are shown of the customers."""
    house = premises.house
    people = [json.loads(str(one)) for one in list_customers(house, json=True)]
    return [people, *([json.loads(str(e)) for e in timeline(house, p["id"], json=True)] for p in people)]


def essence(premises: Premises) -> list[dict[str, Any]]:
    """The log without where, when and whence."""
    lines = [json.loads(str(one)) for one in events(premises.house, json=True)]
    return [{key: one[key] for key in one if key not in {"position", "at", "origin"}} for one in lines]


async def test_an_imported_installation_is_the_same_one(
    premises: Premises, copy: Premises, tmp_path: Path
) -> None:
    await lived(premises)
    count = premises.house.log.head()
    said = list(import_events(copy.house, exported(premises, tmp_path / "log.jsonl")))
    assert said[0] == told("{count} events imported. Nothing is sent until: siyu resume-sending", count=count)
    assert essence(copy)[:-1] == essence(premises)
    assert shown(copy) == shown(premises)
    assert {r.origin for r in copy.everything()[:-1]} == {Origin.IMPORT}


async def test_addresses_lead_to_whom_they_led_before(
    premises: Premises, copy: Premises, tmp_path: Path
) -> None:
    await lived(premises)
    list(import_events(copy.house, exported(premises, tmp_path / "log.jsonl")))
    for who in ("li", "wang"):
        assert copy.contact(who) == premises.contact(who)
    assert copy.group("tea") == copy.group("big-tea") == premises.group("tea")
    moved = Address(Party.GROUP, Channel("telegram"), Account("42"), "big-tea")
    assert copy.house.vault.address_of(Party.GROUP, premises.group("tea")) == moved
    before = len(copy.events(MessageReceived))
    copy.now = premises.now
    copy.says("wang", "again")
    assert [m.contact for m in copy.events(MessageReceived)[before:]] == [premises.contact("wang")]


async def test_nothing_of_an_imported_past_is_due_and_no_order_of_it_is_carried_out(
    premises: Premises, copy: Premises, tmp_path: Path
) -> None:
    await lived(premises)
    premises.house.catch_up()
    there = SqlAgenda(premises.house.views)
    assert len(there.due(premises.now, 10, HERE)) > 1
    assert (len(there.broadcasts(premises.now)), len(there.schedules())) == (1, 2)
    desk = await copy.desk()
    list(import_events(copy.house, exported(premises, tmp_path / "log.jsonl")))
    head = copy.house.log.head()
    await settled(desk)
    here = SqlAgenda(copy.house.views)
    for now in (premises.now, premises.now + FAR):
        assert (here.due(now, 10, HERE), here.broadcasts(now)) == ([], [])
        assert (here.schedules(), here.broken_leases(now, 10), here.next_moment(now)) == ([], [], None)
    assert copy.events(CommandGiven, head) == []
    assert list(resume_sending(copy.house)) == [told("messages leave again")]
    copy.house.catch_up()
    assert here.due(premises.now + FAR, 10, HERE) == []
    assert list(resume_sending(copy.house)) == [told("nothing was held")]


async def test_a_line_that_is_missing_is_named_by_the_one_that_does_not_follow(
    premises: Premises, copy: Premises, tmp_path: Path
) -> None:
    await lived(premises)
    file = Path(exported(premises, tmp_path / "log.jsonl"))
    lines = file.read_text("utf8").splitlines(keepends=True)
    gone = next(n for n, one in enumerate(lines) if json.loads(one)["type"] == "contact-seen/1")
    stream = json.loads(lines[gone])["stream"]
    file.write_text("".join(lines[:gone] + lines[gone + 1 :]), "utf8")
    with pytest.raises(BadInput, match=f"^{stream}@2 does not follow on what the log holds of this stream$"):
        list(import_events(copy.house, str(file)))


async def test_a_file_with_a_wrong_line_leaves_the_folder_as_empty_as_it_was(
    copy: Premises, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(line() + b"\nnonsense\n")
    with pytest.raises(BadInput, match=r"^line 2: "):
        list(import_events(copy.house, str(file)))
    assert copy.house.log.head() == 0


async def test_an_installation_with_a_past_takes_no_other_one(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    with pytest.raises(BadInput, match="import into an empty data folder"):
        list(import_events(premises.house, str(tmp_path / "never read")))


async def test_what_concerns_one_customer_or_comes_after_a_position_can_be_asked_for(
    premises: Premises,
) -> None:
    premises.says("wang", "hi")
    premises.says("li", "hello")
    head = premises.house.log.head()
    premises.says("wang", "again")
    whole = [json.loads(str(one)) for one in events(premises.house, json=True)]
    after = [json.loads(str(one)) for one in events(premises.house, after=head, json=True)]
    wangs = [json.loads(str(one)) for one in events(premises.house, customer="#1", json=True)]
    stream = [json.loads(str(one)) for one in events(premises.house, name=whole[0]["stream"], json=True)]
    assert after == whole[head:]
    assert [one["data"]["text"] for one in wangs if one["type"] == "message-received/1"] == ["hi", "again"]
    assert premises.contact("li") not in json.dumps(wangs)
    assert stream == whole[:1]
