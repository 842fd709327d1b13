"""One of several processes that claim the same messages at once: ``python -m tests.scenarios.claimers URL MASTER_KEY SEED``.

It says ``ready``, waits for a line, goes through two days of its own clock, claims what there is for everybody in an order of its own,
hears people end a topic, and prints how many claims it made as JSON.
"""

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from domain.customers.commands import DescribeCustomer
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request, Result
from domain.errors import Rejected
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Slug, SubjectId, ZoneName
from domain.message import Command, Context, Personal
from domain.policies.facts import Controls
from domain.policies.frequency_cap import FrequencyCap, Scope, ScopedCap
from domain.policies.quiet_hours import QuietHours
from tests.scenarios.linkers import TELEGRAM, Office, TheirAccount, heard

BEGIN = datetime(2026, 3, 2, 4, tzinfo=UTC)
STEPS, STEP = 9, timedelta(hours=5)
BROADCASTS = 5
NEWS, SALE = Slug("news"), Slug("sale")
ZONES = {
    "ann": ZoneName("Asia/Shanghai"),
    "ben": ZoneName("America/New_York"),
    "cai": ZoneName("Europe/Berlin"),
    "dai": ZoneName("Pacific/Auckland"),
}
PER_DAY, PER_WEEK = 1, 2
CONTROLS = Controls(
    cap=FrequencyCap(PER_DAY, PER_WEEK),
    group_cap=FrequencyCap(0, 0),
    quiet=QuietHours(time(21), time(9)),
    zone=ZoneName("Asia/Shanghai"),
    caps=(ScopedCap(FrequencyCap(0, 1), Scope.TOPIC, NEWS),),
)


def do_at(office: Office, at: datetime, *commands: Command) -> Result:
    """Decide in one append at a moment of the test's clock, and again where others were quicker."""
    request = Request(Context(Slug("test"), at, at), commands)
    for _ in range(100):
        (result,) = office.dispatcher.step([request])
        if not isinstance(result, Failed) or isinstance(result.error, Rejected):
            return result
    raise AssertionError(f"{commands}: others were quicker a hundred times")


def account(office: Office, name: str) -> TheirAccount:
    """Somebody's one account."""
    return office.person(name)[0]


def about(number: int) -> Slug:
    """The topic of a broadcast."""
    return NEWS if number % 2 else SALE


def offers(of: TheirAccount) -> Iterator[PlanDelivery]:
    """Five broadcasts for one person, all due at once."""
    for number in range(BROADCASTS):
        yield PlanDelivery(
            delivery=DeliveryId(f"{of.name}n{number}"),
            subject=SubjectId(f"contact-{of.contact}"),
            kind=DeliveryClass.MARKETING,
            occasion=Slug("broadcast"),
            contact=of.contact,
            customer=of.record,
            text=Personal("春茶上新"),
            not_before=BEGIN,
            expires_at=BEGIN + timedelta(days=9),
            topic=about(number),
        )


def claim(delivery: DeliveryId, at: datetime) -> ClaimDelivery:
    """A worker wants to send it at this moment."""
    until = at + timedelta(seconds=60)
    return ClaimDelivery(delivery=delivery, worker=Slug("w"), until=until, controls=CONTROLS)


def prepare(office: Office) -> None:
    """Everybody wrote, lives somewhere, and has the five waiting."""
    for name, zone in ZONES.items():
        do_at(office, BEGIN, heard(name, TELEGRAM, "你好", f"hello-{name}"))
        of = account(office, name)
        do_at(office, BEGIN, DescribeCustomer(customer=of.record, zone=zone, source=Slug("import")))
        do_at(office, BEGIN, *offers(of))


def _moments(office: Office, chance: random.Random) -> Iterator[tuple[datetime, list[Command]]]:
    accounts = [account(office, name) for name in ZONES]
    for step in range(STEPS):
        at = BEGIN + step * STEP
        deeds: list[Command] = [claim(offer.delivery, at) for of in accounts for offer in offers(of)]
        deeds += [heard("dai", TELEGRAM, "STOP news", "stop-dai")] if step == 1 else []
        chance.shuffle(deeds)
        yield at, deeds


def main(url: str, master: str, seed: str) -> int:
    """Do it all; each process has the clock of its own position, so some are a day ahead of others."""
    office, chance = Office(url, master, topics={NEWS: "新品"}), random.Random(seed)
    moments = list(_moments(office, chance))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for at, deeds in moments:
        for deed in deeds:
            do_at(office, at, deed)
    office.close()
    return sum(len(deeds) for _, deeds in moments)


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
