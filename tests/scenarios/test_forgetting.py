"""P1, P4, P5: on the running program, whoever is forgotten is in no file any more, everything else is as it was, and they may return."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, get_type_hints

from channels.simulators.telegram import TelegramSimulator
from domain.registry import EVENT_TYPES
from tests.scenarios.bytescan import names_in, scan
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import OUTCOMES, Event, Installation, by_polling, until, until_async

ADA, BOB, BOSS = 5839201746, 5001, 5002
CANARIES = {
    "a name": "Canaryna Zq84 金丝雀",
    "a user name": "canary_user_zq85",
    "an external id": str(ADA),
    "a text": "canary-text-zq81 我的电话",
    "an edited text": "canary-edit-zq83",
    "a caption": "canary-caption-zq90",
    "a text in a group": "canary-group-text-zq82",
    "a word by itself": "qqsearchable93",
    "a phone": "+8613800zq138",
    "a note": "canary-note-zq87",
    "a remark": "canary-remark-zq92",
    "an answer": "canary-reply-zq88",
    "a recurring message": "canary-weekly-zq94",
}
OTHER_NOTE = "other-note-zq96"
ELSEWHERE = {"another's text": "other-text-zq95", "another's note": OTHER_NOTE}


PERSONAL = {
    name
    for event in EVENT_TYPES.values()
    for name, kind in get_type_hints(event).items()
    if "Personal" in str(kind) or "Raw" in str(kind)
}


async def live(siyu: Installation, telegram: TelegramSimulator) -> None:
    """Let every canary pass; the operator writes by Telegram and in the terminal."""
    ada = telegram.user(ADA, CANARIES["a name"], CANARIES["a user name"])
    bob = telegram.user(BOB, "Bob")
    boss = telegram.user(BOSS, "Boss")
    club = telegram.group(-1006275839, "Club")
    bob.says(ELSEWHERE["another's text"])
    await until_async(lambda: events_of(siyu, "customer-created", 1))
    message = ada.says(CANARIES["a text"])
    ada.edits(message["message_id"], CANARIES["an edited text"])
    ada.sends_photo(CANARIES["a caption"])
    ada.says(CANARIES["a word by itself"])
    ada.says(CANARIES["a phone"])
    ada.joins(club)
    ada.says(CANARIES["a text in a group"], chat=club)
    await until_async(lambda: events_of(siyu, "message-received", 6))
    code = (await siyu.ask("operator-add", name="boss", role="owner"))[-1]
    boss.says(str(code).strip().splitlines()[-1])
    await until_async(lambda: events_of(siyu, "operator-bound", 1))
    for line in (
        f"/note @{CANARIES['a user name']} {CANARIES['a note']}",
        f"/find {CANARIES['a text'].split()[0]}",
        f"/timeline @{CANARIES['a user name']}",
    ):
        boss.says(line)
    await until_async(lambda: events_of(siyu, "command-given", 4))
    number = await number_of(siyu, CANARIES["a user name"])
    await siyu.do(f"/name #{number} {CANARIES['a remark']}")
    await siyu.do(f"/tag #{number} vip")
    await siyu.do(f"/reply #{number} {CANARIES['an answer']}")
    await siyu.do(f'/send #{number} --every "mon 10:00" {CANARIES["a recurring message"]}')
    await siyu.do(f"/note #1 {OTHER_NOTE}")
    await siyu.do("/broadcast all an offer for everybody", yes=True)
    await until_async(lambda: at_rest(siyu))


async def at_rest(siyu: Installation) -> bool:
    """Whether the offer is planned for both, and no delivery is about to leave: Ada's waits, since a person talks with her."""
    events = await siyu.events()
    last = {event["stream"]: event["type"] for event in events if event["stream"].startswith("delivery-")}
    offers = [event for event in events if event["data"].get("occasion") == "broadcast"]
    return len(offers) == 2 and set(last.values()) <= OUTCOMES | {"delivery-postponed/1"}


async def events_of(siyu: Installation, kind: str, at_least: int) -> list[dict[str, Any]]:
    found = await siyu.events(kind)
    return found if len(found) >= at_least else []


async def number_of(siyu: Installation, username: str) -> int:
    for line in await siyu.ask("customers", json=True):
        customer = json.loads(line)
        if any(contact["username"] == username for contact in customer["contacts"]):
            return int(customer["number"])
    raise AssertionError(f"nobody is called {username}")


def files(siyu: Installation) -> list[Path]:
    """Everything that an installation has on disk, with what its processes printed as servers."""
    printed = siyu.folder.parent.glob(f"{siyu.folder.name}-output/*-run.*")
    return [siyu.folder, *printed]


def what(event: Event) -> tuple[Any, ...]:
    """What stays of an event: which it is, when it was, and every coded field."""
    coded = {name: value for name, value in event["data"].items() if name not in PERSONAL}
    return (
        event["position"],
        event["stream"],
        event["version"],
        event["type"],
        event["at"],
        event["cause"],
        coded,
    )


async def test_whoever_is_forgotten_is_in_no_file_and_everything_else_is_as_it_was(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    await siyu.start()
    await live(siyu, telegram)
    assert names_in(scan(CANARIES, siyu.folder / "log.db", siyu.folder / "keys.db")) == set()
    assert names_in(scan(CANARIES, siyu.folder)) == set(CANARIES)  # in the views: the scanner works
    before = await siyu.events()
    number = await number_of(siyu, CANARIES["a user name"])

    ran = await siyu.siyu("forget", f"#{number}", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert scan(CANARIES, *files(siyu)) == {}  # while it runs
    after = await siyu.events()
    assert [what(event) for event in after[: len(before)]] == [what(event) for event in before]
    gone = json.dumps(after, ensure_ascii=False)
    assert not [name for name, text in CANARIES.items() if text in gone]
    assert all(text in gone for text in ELSEWHERE.values())
    assert "[forgotten]" in gone
    assert (await siyu.siyu("verify")).code == 0
    assert (await siyu.siyu("rebuild")).code == 0
    assert scan(CANARIES, *files(siyu)) == {}
    assert await siyu.stop() == 0
    assert scan(CANARIES, *files(siyu)) == {}
    assert names_in(scan(ELSEWHERE, siyu.folder)) == set(ELSEWHERE)


async def test_the_person_returns_as_somebody_new_and_is_sent_no_offers_until_they_say_start(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    await siyu.start()
    ada, bob = telegram.user(ADA, "Ada"), telegram.user(BOB, "Bob")
    bob.says("hello")
    ada.says("hello")
    await until_async(lambda: events_of(siyu, "customer-created", 2))
    (first,) = [e for e in await siyu.events("contact-seen") if e["data"]["external_id"] == str(ADA)]
    assert (await siyu.siyu("forget", f"telegram:{ADA}", "--yes")).code == 0

    ada.says("it is me again")
    await until_async(lambda: events_of(siyu, "customer-created", 3))
    (again,) = [e for e in await siyu.events("contact-seen") if e["data"]["external_id"] == str(ADA)]
    assert first["data"]["contact"] != again["data"]["contact"]
    assert first["data"]["customer"] != again["data"]["customer"]
    known = json.dumps([e for e in await siyu.events() if again["data"]["contact"] in json.dumps(e)])
    assert first["data"]["contact"] not in known
    await siyu.do("/broadcast all the first offer", yes=True)
    await until_async(siyu.settled)
    await telegram.wait_for(lambda sent: any(s.text == "the first offer" for s in sent))
    await until_async(lambda: events_of(siyu, "delivery-suppressed", 1))
    assert {s.chat_id for s in telegram.sent if s.text == "the first offer"} == {BOB}
    suppressed = await siyu.events("delivery-suppressed")
    assert [event["data"]["reason"] for event in suppressed] == ["opted-out"]
    ada.says("START")
    await until_async(lambda: events_of(siyu, "consent-granted", 3))
    await siyu.do("/broadcast all the second offer", yes=True)
    await until_async(siyu.settled)
    await telegram.wait_for(lambda sent: len([s for s in sent if s.text == "the second offer"]) > 1)
    assert {s.chat_id for s in telegram.sent if s.text == "the second offer"} == {ADA, BOB}


async def test_killed_while_it_forgets_it_is_complete_after_the_next_start(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    await siyu.start()
    await live(siyu, telegram)
    number = await number_of(siyu, CANARIES["a user name"])
    asking = asyncio.create_task(siyu.siyu("forget", f"#{number}", "--yes"))
    await asyncio.to_thread(until_promised, siyu.folder / "log.db")
    await siyu.kill()
    assert (await asking).code in {0, 1}

    await siyu.start()
    assert scan(CANARIES, *files(siyu)) == {}
    assert (await siyu.siyu("verify")).code == 0


def until_promised(log: Path) -> None:
    """Return in the moment in which the promise is in the log."""
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as connection:
        while not connection.execute(
            "SELECT 1 FROM stored_events WHERE topic LIKE 'customer-forgotten%' LIMIT 1"
        ).fetchone():
            pass


async def test_it_works_where_none_runs_and_by_an_operator_s_command(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    await siyu.start()
    await live(siyu, telegram)
    assert await siyu.stop() == 0
    ran = await siyu.siyu("forget", f"@{CANARIES['a user name']}")
    assert ran.code == 2  # nobody was there to say yes
    ran = await siyu.siyu("forget", f"@{CANARIES['a user name']}", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert scan(CANARIES, *files(siyu)) == {}
    await siyu.start()
    boss = telegram.user(BOSS, "Boss")
    boss.says("/forget #1 --yes")
    await until_async(lambda: events_of(siyu, "customer-forgotten", 2))
    await until(lambda: names_in(scan(ELSEWHERE, siyu.folder)) == set())


async def test_of_two_processes_the_one_that_did_not_do_it_forgets_too(
    telegram: TelegramSimulator, installs: Installs, postgres_url: str
) -> None:
    """P1 on PostgreSQL, as far as its promise goes: nothing can be read any more, and the other process remembers nobody."""
    shared = {"SIYU_DATABASE": postgres_url, "SIYU_STARTER_RULES": "false"}
    one = installs({**by_polling(telegram), **shared}, name="one")
    await one.start()
    key = one.folder / "master.key"
    other = installs({**shared, "SIYU_MASTER_KEY_FILE": str(key)}, name="two")
    await other.start()
    ada = telegram.user(ADA, CANARIES["a name"])
    ada.says(CANARIES["a text"])
    await until_async(lambda: events_of(other, "customer-created", 1))
    assert CANARIES["a text"] in json.dumps(await other.events(), ensure_ascii=False)  # it knows the keys
    assert (await other.siyu("forget", f"telegram:{ADA}", "--yes")).code == 0
    await until_async(lambda: forgot(one))
    ada.says("it is me again")
    seen = await until_async(lambda: events_of(one, "contact-seen", 2))
    assert seen[0]["data"]["contact"] != seen[1]["data"]["contact"]
    for siyu in (one, other):
        assert await forgot(siyu)
        assert (await siyu.siyu("verify")).code == 0


async def forgot(siyu: Installation) -> bool:
    return CANARIES["a text"] not in json.dumps(await siyu.events(), ensure_ascii=False)
