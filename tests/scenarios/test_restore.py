"""D18, D21, P2, P3: restored from yesterday's backup, nothing is sent again, no message that comes is lost, the forgotten stay so."""

import asyncio
import json
import shutil
from collections import Counter
from contextlib import suppress

import pytest

from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.bytescan import names_in, scan
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, by_webhook, free_port, until, until_async
from tests.scenarios.visits import deliver, update

ANSWER = "we heard you"
CANARIES = {
    "name": "Canaryname-4be1",
    "username": "canaryuser_93c2",
    "text": "canary text 0b77",
    "note": "canary note 5d20",
}
RESTORED = "restored"
MORE_TO_COME = 40


async def opened(siyu: Installation, telegram: TelegramSimulator) -> None:
    """Two customers, who were answered."""
    await siyu.start()
    await siyu.do(f"/rule add any => {ANSWER}")
    for n in range(2):
        telegram.user(5001 + n, f"Customer {n}").starts()
    await telegram.wait_for(lambda sent: len(sent) >= 4)  # a welcome and an answer each
    await until_async(siyu.settled)


def put_key(before: Installation, after: Installation) -> None:
    """What a backup does not hold, and an operator keeps apart."""
    after.folder.mkdir(mode=0o700)
    shutil.copy2(before.folder / "master.key", after.folder / "master.key")


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_what_was_sent_since_the_backup_is_not_sent_again_and_new_messages_are_answered(
    store: str, telegram: TelegramSimulator, installs: Installs, request: pytest.FixtureRequest
) -> None:
    siyu = installs(by_polling(telegram))
    await opened(siyu, telegram)
    await siyu.do("/broadcast all --in 4s an offer", yes=True)
    await siyu.do("/send #1 --in 4s a reminder")
    await siyu.do("/send #2 --in 2h much later")
    folder = siyu.folder.parent / "yesterday"
    assert (await siyu.siyu("backup", str(folder))).code == 0
    assert not any(sent.text in {"an offer", "a reminder"} for sent in telegram.sent)

    telegram.user(5001, "Customer 0").says("lost with the day")
    await telegram.wait_for(lambda sent: len(sent) >= 8)  # two offers, a reminder, an answer
    await siyu.kill()
    sent = Counter((s.chat_id, s.text) for s in telegram.sent)
    assert (sum(t == "an offer" for _, t in sent.elements()), sent[5001, "a reminder"]) == (2, 1)

    settings = by_polling(telegram)
    if store == "postgres":
        settings["SIYU_DATABASE"] = request.getfixturevalue("postgres_url")
    again = installs(settings, name="new")
    put_key(siyu, again)
    ran = await again.siyu("restore", str(folder))
    assert (ran.code, ran.err) == (0, "")
    await again.start()
    telegram.user(5002, "Customer 1").says("is anybody there?")
    await until_async(lambda: heard(again, "is anybody there?"))
    assert Counter((s.chat_id, s.text) for s in telegram.sent) == sent  # everything is held
    assert await again.ask("resume-sending") == ["messages leave again"]
    await telegram.wait_for(lambda now: len(now) > sent.total())
    events = await until_async(again.events)
    assert Counter((s.chat_id, s.text) for s in telegram.sent) - sent == Counter({(5002, ANSWER): 1})
    doubted = [e for e in events if e["type"] == "delivery-unknown/1" and e["data"]["reason"] == RESTORED]
    cancelled = [e for e in events if e["type"] == "broadcast-cancelled/1"]
    assert (len(doubted), len(cancelled)) == (
        1,
        1,
    )  # the reminder, and the offer that nobody was planned for yet
    assert (await again.siyu("verify")).code == 0


async def heard(siyu: Installation, text: str) -> bool:
    return any(event["data"]["text"] == text for event in await siyu.events("message-received"))


async def test_everything_answered_before_a_backup_is_in_it_though_messages_pour_in(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    siyu = installs(by_webhook(telegram, port), port=port)
    await siyu.start()
    taken: list[str] = []

    async def pour() -> None:
        while True:
            text = f"message {len(taken)}"
            assert await deliver(siyu, update(len(taken) + 1, text)) == 200
            taken.append(text)

    pouring = asyncio.create_task(pour())
    await until(lambda: len(taken) > MORE_TO_COME)
    before = len(taken)
    folder = siyu.folder.parent / "backup"
    ran = await siyu.siyu("backup", str(folder))
    assert ran.code == 0, ran
    during = len(taken)
    await until(lambda: len(taken) > during + MORE_TO_COME)
    pouring.cancel()
    with suppress(asyncio.CancelledError):
        await pouring
    assert during > before  # nobody had to wait for it
    await siyu.kill()

    again = installs({}, name="new")
    put_key(siyu, again)
    assert (await again.siyu("restore", str(folder))).code == 0
    events = (await again.siyu("events", "--json")).lines()
    texts = [e["data"]["text"] for e in events if e["type"] == "message-received/1"]
    assert texts == taken[: len(texts)]
    assert before <= len(texts) <= during + 1
    assert (await again.siyu("verify")).code == 0


async def test_an_old_backup_beside_the_vault_of_today_leaves_nothing_of_the_forgotten(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    await opened(siyu, telegram)
    telegram.user(5001, CANARIES["name"], username=CANARIES["username"]).says(CANARIES["text"])
    await until_async(lambda: heard(siyu, CANARIES["text"]))
    number = next(json.loads(line) for line in await siyu.ask("customers", json=True))["number"]
    await siyu.do(f"/note #{number} {CANARIES['note']}")
    folder = siyu.folder.parent / "yesterday"
    assert (await siyu.siyu("backup", str(folder))).code == 0
    assert scan(CANARIES, folder) == {}
    assert names_in(scan(CANARIES, siyu.folder)) == set(CANARIES)
    assert (await siyu.siyu("forget", f"#{number}", "--yes")).code == 0
    await siyu.kill()

    for file in siyu.folder.glob("log.db*"):  # what broke; the vault of today is still there
        file.unlink()
    ran = await siyu.siyu("restore", str(folder))
    assert (ran.code, ran.err) == (0, "")
    assert "forgotten since, and forgotten again: 1 customers" in ran.out
    await siyu.start()
    events = await siyu.events()
    assert Counter(e["type"] for e in events)["customer-forgotten/1"] == 1
    assert (await siyu.siyu("verify")).code == 0
    sent = len(telegram.sent)
    await siyu.ask("resume-sending")
    telegram.user(5002, "Customer 1").says("hello")
    await telegram.wait_for(lambda now: len(now) > sent)
    assert scan(CANARIES, siyu.folder, folder) == {}
    assert await siyu.stop() == 0
    assert scan(CANARIES, siyu.folder, folder) == {}
