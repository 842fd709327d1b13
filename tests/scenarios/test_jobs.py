"""An import on two processes of one PostgreSQL, one of which is killed in the middle of it: every order is there, and once."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, free_port, until_async

pytestmark = pytest.mark.nightly

ORDERS = 6_000
AGAIN_WITHIN_S = 120.0
BROKEN_OFF_BEHIND = 1_000
"""Orders; the job tells of each thousand."""


def orders(folder: Path) -> Path:
    file = folder / "orders.csv"
    rows = (f"A-{number},199.00,2026-11-01 10:00" for number in range(ORDERS))
    file.write_text("\n".join(["order_number,amount,paid_at", *rows]))
    return file


async def begun(siyu: Installation, file: Path) -> "asyncio.Task[list[str]]":
    """Have a file taken in, and return once some of it was."""
    asked = asyncio.create_task(siyu.ask("import", file=str(file)))

    async def some() -> bool:
        return len(await siyu.events("order-placed")) > BROKEN_OFF_BEHIND

    await until_async(some, AGAIN_WITHIN_S)
    return asked


async def test_an_import_whose_process_is_killed_is_ended_by_the_other(
    installs: Installs, postgres_url: str, tmp_path: Path
) -> None:
    settings = {
        "SIYU_DATABASE": postgres_url,
        "SIYU_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        "SIYU_STARTER_RULES": "false",
        "SIYU_BULK": "procrastinate",
    }
    one, two = (installs(settings, name=name, port=free_port()) for name in ("one", "two"))
    await one.start()
    asked = await begun(one, orders(tmp_path))
    await two.start()
    (before,) = await two.ask("job-list")
    assert before == "1  import  running, begun 1 times"
    await one.kill()
    with pytest.raises(Exception):  # noqa: B017, PT011  # however a socket tells that its process is gone
        await asked
    deadline = time.monotonic() + AGAIN_WITHIN_S

    async def over() -> bool:
        assert time.monotonic() < deadline
        return (await two.ask("job-list")) == ["1  import  done, begun 2 times"]

    await until_async(over, AGAIN_WITHIN_S)
    told = await two.ask("job-follow", number=1)
    assert told[-3].startswith(f"{ORDERS} orders: ")
    assert "begun again: try 2" in told
    placed = Counter(event["stream"] for event in await two.events("order-placed"))
    assert len(placed) == ORDERS
    assert set(placed.values()) == {1}
