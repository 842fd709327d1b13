"""D16: eight workers on one PostgreSQL claim five campaigns' offers to the same people at once, where one a day is the cap."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from domain.customers.events import SendReserved
from domain.deliveries.events import DeliveryPostponed, DeliveryStarted, DeliverySuppressed
from tests.crash.claimers import CAMPAIGNS, PEOPLE, prepare
from tests.scenarios.linkers import Office

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 8
DEADLINE_S = 120


def at_once(url: str, master: str) -> list[int]:
    """Let all workers loose; returns how many claims each was allowed."""
    arguments = [sys.executable, "-m", "tests.crash.claimers", url, master]
    workers = [
        subprocess.Popen(
            [*arguments, str(seed)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for seed in range(WORKERS)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        found = [int(worker.communicate(timeout=DEADLINE_S)[0]) for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * WORKERS
        return found
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_eight_workers_and_five_campaigns_send_each_person_one_a_day(
    postgres_url: str, tmp_path: Path
) -> None:
    master = str(tmp_path / "master.key")
    first = Office(postgres_url, master)
    prepare(first)
    allowed = at_once(postgres_url, master)
    events = [recorded.event for recorded in first.log.read(0, 100_000)]
    first.close()
    reserved = Counter(event.contact for event in events if isinstance(event, SendReserved))
    assert sorted(reserved.values()) == [1] * PEOPLE
    assert sum(allowed) == sum(isinstance(event, DeliveryStarted) for event in events) == PEOPLE
    waits = {event.delivery for event in events if isinstance(event, DeliveryPostponed | DeliverySuppressed)}
    assert len(waits) == PEOPLE * (CAMPAIGNS - 1)
    assert sum(map(bool, allowed)) > 1  # it was a race
