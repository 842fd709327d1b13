"""One of several workers that claim at once: ``python -m tests.crash.claimers URL MASTER_KEY SEED``.

It says ``ready``, waits for a line, claims every offer there is in an order of its own, and prints how many it was allowed.
"""

import random
import sys
from datetime import UTC, datetime, time, timedelta

from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryPlanned, DeliveryStarted
from domain.dispatch import Done
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Slug, SubjectId, ZoneName
from domain.message import Personal
from domain.policies.facts import Controls
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.quiet_hours import QuietHours
from tests.scenarios.linkers import TELEGRAM, Office, TheirAccount, heard

CAMPAIGNS = 5
PEOPLE = 12
ONE_A_DAY = Controls(
    cap=FrequencyCap(per_day=1, per_week=0),
    group_cap=FrequencyCap(0, 0),
    quiet=QuietHours(time(0), time(0)),
    zone=ZoneName("Asia/Shanghai"),
)


def prepare(office: Office) -> None:
    """Let everybody write, which is their consent, and plan an offer of each campaign to each of them."""
    for number in range(PEOPLE):
        name = f"person-{number}"
        office.do(heard(name, TELEGRAM, "你好", name))
        account, _ = office.person(name)
        office.do(*(offer(account, campaign) for campaign in range(CAMPAIGNS)))


def offer(account: TheirAccount, campaign: int) -> PlanDelivery:
    """What a campaign plans for somebody."""
    now = datetime.now(UTC)
    return PlanDelivery(
        delivery=DeliveryId(f"c{campaign}n{account.contact}"),
        subject=SubjectId(f"contact-{account.contact}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("campaign"),
        contact=account.contact,
        customer=account.record,
        text=Personal("春茶上新"),
        not_before=now,
        expires_at=now + timedelta(days=2),
    )


def main(url: str, master: str, seed: str) -> int:
    """Claim everything, and return how many were allowed."""
    office, chance = Office(url, master), random.Random(seed)
    events = (recorded.event for recorded in office.log.read(0, 100_000))
    offers = [event.delivery for event in events if isinstance(event, DeliveryPlanned)]
    chance.shuffle(offers)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    allowed = 0
    for delivery in offers:
        until = datetime.now(UTC) + timedelta(seconds=45)
        claim = ClaimDelivery(delivery=delivery, worker=Slug(f"w{seed}"), until=until, controls=ONE_A_DAY)
        result = office.do(claim)
        assert isinstance(result, Done)
        allowed += any(isinstance(recorded.event, DeliveryStarted) for recorded in result.events)
    office.close()
    return allowed


if __name__ == "__main__":
    sys.stdout.write(str(main(*sys.argv[1:])))
