"""D15, D20: stop words and claims that race merges and un-merges, on two processes and one PostgreSQL."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from domain.contacts.events import ContactLinked, ContactSeen
from domain.customers.events import ConsentGranted, ConsentWithdrawn, CustomerMerged, CustomerUnmerged
from domain.deliveries.events import DeliverySuppressed
from domain.dispatch import Done
from domain.message import Recorded
from tests.scenarios.linkers import OFFERS, TELEGRAM, WEBCHAT, Office, claim, heard, names, offers, stop

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 40
DEADLINE_S = 120


@pytest.fixture
def master(tmp_path: Path) -> str:
    return str(tmp_path / "master.key")


@pytest.fixture
def office(postgres_url: str, master: str) -> Iterator[Office]:
    opened = Office(postgres_url, master)
    yield opened
    opened.close()


def prepared(office: Office) -> None:
    """Everybody wrote with both accounts, and has offers waiting for each."""
    for name in names(PAIRS):
        office.do(heard(name, TELEGRAM, "你好", f"t-{name}"))
        office.do(heard(name, WEBCHAT, "你好", f"w-{name}"))
        office.do(*(offer for account in office.person(name) for offer in offers(account)))


def raced(url: str, master: str, seeds: Iterable[str]) -> list[dict[str, int]]:
    """Let as many processes loose at once."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.linkers", url, master, seed, str(PAIRS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in seeds
    ]
    try:
        for child in started:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in started:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        found = [json.loads(child.communicate(timeout=DEADLINE_S)[0]) for child in started]
        assert [child.returncode for child in started] == [0] * len(started)
        return found
    finally:
        for child in started:
            child.kill()
            child.communicate()


def claims_against_a_stop(log: Iterable[Recorded]) -> tuple[list[str], int]:
    """Return (events that reserve a send for somebody who had said stop by then, how many sends were allowed), read from the log alone.

    A stop is everybody's who is linked at that moment, for good; a person has stopped if any of their accounts has.
    """
    owner: dict[str, str] = {}
    stopped: set[str] = set()
    wrong: list[str] = []
    allowed = 0
    for recorded in log:
        match recorded.event:
            case (
                ContactSeen(contact=contact, customer=customer)
                | ContactLinked(contact=contact, customer=customer)
            ):
                owner[contact] = customer
            case ConsentWithdrawn(contact=contact):
                stopped |= {other for other in owner if owner[other] == owner[contact]}
            case event if type(event).__name__ == "SendReserved":
                contact = event.contact  # type: ignore[attr-defined]  # SendReserved
                linked = {other for other in owner if owner[other] == owner[contact]}
                allowed += 1
                wrong += [recorded.id] if linked & stopped else []
            case _:
                continue
    return wrong, allowed


def test_no_marketing_is_claimed_after_a_stop_whoever_merges_and_un_merges_meanwhile(
    office: Office, postgres_url: str, master: str
) -> None:
    prepared(office)
    became = raced(postgres_url, master, "12")
    log = office.log.read(0, 1_000_000)

    wrong, allowed = claims_against_a_stop(log)
    assert wrong == []
    kinds = [type(recorded.event) for recorded in log]
    assert allowed + kinds.count(DeliverySuppressed) == 2 * OFFERS * PAIRS
    assert min(allowed, kinds.count(DeliverySuppressed)) > PAIRS / 2  # it was a race
    assert kinds.count(CustomerMerged) >= kinds.count(CustomerUnmerged) > PAIRS
    assert sum(one["Receive duplicate"] for one in became if "Receive duplicate" in one) == PAIRS
    assert kinds.count(ConsentWithdrawn) == PAIRS

    name = names(1)[0]
    restarted = office.do(heard(name, WEBCHAT, "START", "start"))
    assert isinstance(restarted, Done)
    assert ConsentGranted in {type(recorded.event) for recorded in restarted.events}
    again = office.do(stop(name))
    assert again == Done(duplicate=True)
    assert office.log.read(restarted.events[-1].position, 10) == []


def test_the_check_itself_sees_a_claim_behind_a_stop(office: Office) -> None:
    """The negative control: the same log with the stop moved to its front."""
    office.do(heard("ann", WEBCHAT, "你好", "1"))
    log = office.log.read(0, 100)
    (account,) = [account for account in office.person("ann") if account.record]
    assert claims_against_a_stop(log) == ([], 0)
    (offer, *_) = offers(account)
    office.do(offer)
    claimed = office.do(claim(offer))
    assert isinstance(claimed, Done)
    stopped = office.do(stop("ann"))
    assert isinstance(stopped, Done)
    seen, reserved, ended = log, list(claimed.events), list(stopped.events)
    assert claims_against_a_stop([*seen, *reserved, *ended])[0] == []
    assert len(claims_against_a_stop([*seen, *ended, *reserved])[0]) == 1
