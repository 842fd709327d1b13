"""D5, D7: two processes on one PostgreSQL: whatever comes to both at once is one event and one answer."""

import asyncio
from collections import Counter
from pathlib import Path

from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_webhook, free_port, until_async
from tests.scenarios.visits import deliver, update

REPEATS = 5
"""Of each update, at each process."""
UPDATES = 20
ANSWER = "we heard you"


async def both(
    installs: Installs, telegram: TelegramSimulator, database: str, key: Path
) -> tuple[Installation, Installation]:
    """Two processes of one installation."""
    shared = {"SIYU_DATABASE": database, "SIYU_MASTER_KEY_FILE": str(key), "SIYU_STARTER_RULES": "false"}
    ports = free_port(), free_port()
    one, two = (
        installs(by_webhook(telegram, port) | shared, name=f"process-{port}", port=port) for port in ports
    )
    await one.start()
    await one.do(f"/rule add any => {ANSWER}")
    await two.start()
    return one, two


async def insist(siyu: Installation, raw: dict[str, object]) -> None:
    """Deliver until it is taken, as a provider does."""
    while (status := await deliver(siyu, raw)) != 200:
        assert status == 503


async def test_an_update_that_comes_to_both_at_once_is_one_event_and_one_answer(
    telegram: TelegramSimulator, installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    one, two = await both(installs, telegram, postgres_url, tmp_path / "master.key")
    telegram.user(5001, "Ada").starts()
    await telegram.wait_for(bool)
    updates = [update(n, f"message {n}") for n in range(1, 1 + UPDATES)]
    for raw in updates:
        await asyncio.gather(*(insist(siyu, raw) for siyu in (one, two) for _ in range(REPEATS)))
    await telegram.wait_for(lambda sent: len(sent) >= 1 + UPDATES, timeout_s=60)

    events = await until_async(one.settled)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["/start", *(f"message {n}" for n in range(1, 1 + UPDATES))]
    assert [sent.text for sent in telegram.sent] == [ANSWER] * (1 + UPDATES)
    assert (await one.siyu("verify")).code == 0
    assert await one.stop() == await two.stop() == 0


async def test_fifty_messages_at_once_from_somebody_new_make_one_customer(
    telegram: TelegramSimulator, installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    one, two = await both(installs, telegram, postgres_url, tmp_path / "master.key")
    ada = telegram.user(5001, "Ada")
    ada.person.started = True
    updates = [update(n, f"message {n}") for n in range(50)]
    await asyncio.gather(*(insist((one, two)[n % 2], raw) for n, raw in enumerate(updates)))
    await telegram.wait_for(lambda sent: len(sent) >= 50, timeout_s=60)

    events = await until_async(one.settled)
    kinds = Counter(event["type"] for event in events)
    assert (kinds["contact-seen/1"], kinds["customer-created/1"], kinds["message-received/1"]) == (1, 1, 50)
    said = {event["data"]["text"] for event in events if event["type"] == "message-received/1"}
    assert said == {f"message {n}" for n in range(50)}
    assert [sent.text for sent in telegram.sent] == [ANSWER] * 50
