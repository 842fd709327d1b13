"""Processes with roles on one PostgreSQL: what one receives another answers, and a worker that is killed is missed for seconds only."""

import re
from pathlib import Path

import pytest

from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import by_polling, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor
from tests.scenarios.visits import deliver, get, update

ANSWER = "we heard you"
OTHERS_WITHIN_S = 30.0
"""Ten on a machine that has nothing else to do: see test_processes_lost.py."""


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """What the processes of one installation have in common."""
    return {
        "SIYU_DATABASE": postgres_url,
        "SIYU_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        "SIYU_STARTER_RULES": "false",
    }


async def test_what_a_web_process_receives_a_worker_answers_and_the_next_one_when_it_is_killed(
    telegram: TelegramSimulator, installs: Installs, shared: dict[str, str]
) -> None:
    port = free_port()
    settings = by_webhook(telegram, port) | shared
    web = installs(settings, name="web", port=port)
    one, two = (installs(settings, name=name, port=free_port()) for name in ("one", "two"))
    await web.start("--role", "web")
    await web.do(f"/rule add any => {ANSWER}")
    assert "Web chat" not in await one.start("--role", "worker")
    telegram.user(5001, "Ada").person.started = True
    assert await deliver(web, update(1, "hello")) == 200
    await telegram.wait_for(lambda sent: len(sent) == 1)
    assert (await get(f"{one.address}/healthz"))[0] == (await get(f"{one.address}/readyz"))[0] == 200
    assert (await get(f"{one.address}/chat"))[0] == 404

    await two.start("--role", "worker")
    async with Visitor(web.address) as visitor:
        await visitor.says("hello from the page")
        shown = await visitor.hears_of(ANSWER)
    assert visitor.pushed == [shown]  # live, once, though another process sent it
    await one.kill()
    assert await deliver(web, update(2, "are you there?")) == 200
    await telegram.wait_for(lambda sent: len(sent) == 2, timeout_s=OTHERS_WITHIN_S)
    await until_async(web.settled)
    assert [sent.text for sent in telegram.sent] == [ANSWER] * 2
    assert await web.stop() == await two.stop() == 0


async def test_one_of_several_workers_polls_and_the_next_one_when_it_stops(
    telegram: TelegramSimulator, installs: Installs, shared: dict[str, str]
) -> None:
    one, two = (
        installs(by_polling(telegram) | shared, name=name, port=free_port()) for name in ("one", "two")
    )
    await one.start("--role", "worker")
    await one.do(f"/rule add any => {ANSWER}")
    await two.start("--role", "worker")
    ada = telegram.user(5001, "Ada")
    ada.says("/start")
    await telegram.wait_for(lambda sent: len(sent) == 1, timeout_s=OTHERS_WITHIN_S)
    assert await one.stop() == 0
    ada.says("still there?")
    await telegram.wait_for(lambda sent: len(sent) == 2, timeout_s=OTHERS_WITHIN_S)
    await until_async(two.settled)
    assert [sent.text for sent in telegram.sent] == [ANSWER] * 2
    assert await two.stop() == 0


@pytest.mark.parametrize("role", ["web", "worker"])
async def test_a_data_folder_has_one_process_and_a_role_beside_others_is_refused(
    installs: Installs, role: str
) -> None:
    ran = await installs({}).siyu("run", "--role", role, "--port", "0")
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(
        rf"siyu: --role {role} needs other processes beside it, .*: set SIYU_DATABASE=.* or leave the role out\n",
        ran.err,
    )
