"""D17: several processes carry one campaign out on one PostgreSQL, and some of them are killed: everybody has exactly one delivery."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.campaigns.commands import CancelCampaign, DraftCampaign, LaunchCampaign
from domain.campaigns.events import RunAdvanced, RunPlanned, RunStarted
from domain.campaigns.plan import Content, Meant, Selection, Timing
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import Done, Request
from domain.identity import CampaignId, Slug, ZoneName
from domain.message import Context, Personal, Recorded
from scheduler.chunks import CHUNK
from tests.scenarios.linkers import TELEGRAM, heard
from tests.scenarios.planners import Planner

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 6 * CHUNK + 7
PROCESSES = 3
PAGE = 1_000
DEADLINE_S = 90.0
SUMMER = CampaignId("summer")


@pytest.fixture
def master(tmp_path: Path) -> str:
    return str(tmp_path / "master.key")


@pytest.fixture
def planner(postgres_url: str, master: str) -> Iterator[Planner]:
    """Return a process of its own with a campaign to everybody that was launched just now."""
    opened = Planner(postgres_url, master)
    office = opened.office
    now = datetime.now(UTC)
    context = Context(Slug("test"), now, now)
    said = [Request(context, (heard(f"p{n}", TELEGRAM, "hi", f"hello-{n}"),)) for n in range(PEOPLE)]
    for start in range(0, PEOPLE, CHUNK):
        assert all(isinstance(one, Done) for one in office.dispatcher.step(said[start : start + CHUNK]))
    draft = DraftCampaign(
        campaign=SUMMER,
        name=Personal("summer"),
        form=Personal("name: summer"),
        contents=Personal([Content(text="Summer is here")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
    )
    office.do(draft)
    assert isinstance(office.do(LaunchCampaign(campaign=SUMMER, meant=PEOPLE, alone=True)), Done)
    opened.catch_up()
    yield opened
    opened.close()


def loose(url: str, master: str, processes: int) -> list["subprocess.Popen[str]"]:
    """Start planners, and let them loose once all are ready."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.planners", url, master, str(DEADLINE_S)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for child in started:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in started:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return started


def everything(planner: Planner) -> list[Recorded]:
    return list(planner.office.log.read(0, 1_000_000))


def wrong(log: list[Recorded]) -> list[str]:
    """Return what is not as promised: somebody planned for twice or never, a run begun or ended twice, a step that was counted twice."""
    events = [recorded.event for recorded in log]
    each = Counter(event.customer for event in events if isinstance(event, DeliveryPlanned))
    found = [f"{count} deliveries for one" for count in each.values() if count != 1]
    found += [f"{len(each)} people of {PEOPLE}"] if len(each) != PEOPLE else []
    for kind in (RunStarted, RunPlanned):
        if (count := sum(isinstance(event, kind) for event in events)) != 1:
            found.append(f"{kind.__name__} {count} times")
    steps = [event.planned for event in events if isinstance(event, RunAdvanced)]
    found += [f"steps {steps}"] if steps != sorted(set(steps)) or steps[-1:] != [PEOPLE] else []
    return found


def finish(children: list["subprocess.Popen[str]"]) -> None:
    """Wait for those that are left, and be sure that none stays."""
    try:
        for child in children:
            child.communicate(timeout=DEADLINE_S)
    finally:
        for child in children:
            child.kill()
            child.communicate()


def advanced(planner: Planner, steps: int) -> None:
    """Return as soon as so many steps are planned."""
    log, position, seen = planner.office.log, 0, 0
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for recorded in log.read(position, PAGE):
            position, seen = recorded.position, seen + isinstance(recorded.event, RunAdvanced)
            if seen >= steps:
                return
    raise AssertionError("nobody plans")


def test_three_processes_at_once_plan_everybody_once(
    planner: Planner, postgres_url: str, master: str
) -> None:
    children = loose(postgres_url, master, PROCESSES)
    finish(children)
    assert [child.returncode for child in children] == [0] * PROCESSES
    assert wrong(everything(planner)) == []


def test_when_those_who_plan_are_killed_another_goes_on_where_they_were(
    planner: Planner, postgres_url: str, master: str
) -> None:
    for steps in (1, 3):
        first, second = loose(postgres_url, master, 2)
        advanced(planner, steps)
        first.kill()
        second.kill()
        finish([first, second])
    (last,) = loose(postgres_url, master, 1)
    finish([last])
    assert wrong(everything(planner)) == []


def test_after_a_cancel_nobody_more_is_planned_for(planner: Planner, postgres_url: str, master: str) -> None:
    children = loose(postgres_url, master, 2)
    advanced(planner, 1)
    cancelled = planner.office.do(CancelCampaign(campaign=SUMMER))
    assert isinstance(cancelled, Done)
    at = cancelled.events[0].position
    time.sleep(1.0)
    for child in children:
        child.kill()
    finish(children)
    later = [r for r in everything(planner) if r.position > at and isinstance(r.event, DeliveryPlanned)]
    assert later == []
    assert wrong(everything(planner)) != []  # the check sees that it was not planned to its end
