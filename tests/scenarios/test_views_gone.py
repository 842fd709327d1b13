"""D21: views that are deleted, rebuilt or damaged come back by themselves, and nothing is sent because of it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channels.simulators.telegram import TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, until_async


def delete(folder: Path) -> None:
    for file in folder.glob("views.db*"):
        file.unlink()


def belong_to_another_log(folder: Path) -> None:
    with sqlite3.connect(folder / "views.db") as connection:
        changed = connection.execute("UPDATE positions SET log_id = 'another'")
        assert changed.rowcount > 0
    connection.close()


async def shown(siyu: Installation) -> list[Any]:
    """Everything that people see of the views."""
    customers = (await siyu.siyu("customers", "--json")).lines()
    return [
        customers,
        *[(await siyu.siyu("timeline", f"#{c['number']}", "--json")).lines() for c in customers],
    ]


@pytest.mark.parametrize("harm", [delete, belong_to_another_log])
async def test_views_come_back_and_nothing_is_sent_again(
    harm: Callable[[Path], None], telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    await siyu.start()
    people = [telegram.user(5001 + n, f"Customer {n}") for n in range(3)]
    for person in people:
        person.starts()
        person.says("help")
    await telegram.wait_for(lambda sent: len(sent) >= 6)
    await siyu.do("/tag #1 vip")
    await siyu.do("/broadcast all an offer", yes=True)
    await telegram.wait_for(lambda sent: len(sent) >= 9)
    await until_async(siyu.settled)
    before, sent = await shown(siyu), list(telegram.sent)
    await siyu.kill()

    harm(siyu.folder)
    await siyu.start()
    assert await shown(siyu) == before
    assert (await siyu.siyu("rebuild")).code == 0
    assert await shown(siyu) == before
    assert (await siyu.siyu("verify")).code == 0
    people[0].says("help")
    await telegram.wait_for(lambda now: len(now) > len(sent))
    await until_async(siyu.settled)
    assert telegram.sent[:-1] == sent
