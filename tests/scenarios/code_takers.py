"""One of several processes that hand out codes of one pool: ``python -m tests.scenarios.code_takers URL MASTER_KEY SEED``.

It says ``ready``, waits for a line, claims everybody's message in an order of its own, several in a batch, and prints as JSON how many
messages it started.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.campaigns.commands import DraftCampaign, LaunchCampaign
from domain.campaigns.plan import CODE_MARK, Content, Meant, Selection, Timing
from domain.codes.commands import AddCodes
from domain.codes.pool import CODES_AT_ONCE, code_digest
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryStarted
from domain.dispatch import Done, Failed, Request
from domain.errors import Rejected
from domain.gate import ClaimDelivery
from domain.identity import CampaignId, DeliveryId, RunId, Slug, SubjectId, ZoneName
from domain.message import Command, Context, Personal
from tests.scenarios.linkers import TELEGRAM, Office, TheirAccount, claim, heard

POOL, SUMMER = Slug("tea"), CampaignId("summer")
PEOPLE, CODES = 120, 100
BATCH = 8
TRIES = 200


def names(people: int = PEOPLE) -> list[str]:
    """Who there is."""
    return [f"buyer-{number}" for number in range(people)]


def fills(office: Office, codes: Sequence[str]) -> Iterator[AddCodes]:
    """The pool, in as many parts as it needs."""
    for start in range(0, len(codes), CODES_AT_ONCE):
        part = list(codes[start : start + CODES_AT_ONCE])
        digests = tuple(code_digest(office.dispatcher.digest, code) for code in part)
        yield AddCodes(pool=POOL, since=start, codes=Personal(part), digests=digests)


def launches() -> Sequence[Command]:
    """A campaign under way whose text has a place for a code."""
    draft = DraftCampaign(
        campaign=SUMMER,
        name=Personal("618"),
        form=Personal("name: 618"),
        contents=Personal([Content(text="{{ code }}")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
        codes=POOL,
    )
    return (draft, LaunchCampaign(campaign=SUMMER, meant=PEOPLE, alone=True))


def plan(of: TheirAccount) -> PlanDelivery:
    """The campaign's message to one person."""
    now = datetime.now(UTC)
    return PlanDelivery(
        delivery=DeliveryId(f"{of.name}-code"),
        subject=SubjectId(f"contact-{of.contact}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("campaign"),
        contact=of.contact,
        customer=of.record,
        campaign=SUMMER,
        run=RunId("june"),
        not_before=now,
        expires_at=now + timedelta(days=1),
    )


def wants(planned: PlanDelivery) -> ClaimDelivery:
    """A worker wants to send it with a code."""
    return replace(claim(planned), rendered=Personal(f"您的券码：{CODE_MARK}"), coded=True)


def prepare(office: Office, people: int = PEOPLE, codes: int = CODES) -> list[PlanDelivery]:
    """Fill the pool, launch the campaign, and plan its message for people who all wrote. Returns the plans."""
    office.do(*fills(office, [f"TEA-{number}" for number in range(codes)]))
    office.do(*launches())
    plans = []
    for name in names(people):
        office.do(heard(name, TELEGRAM, "你好", f"hello-{name}"))
        plans.append(plan(office.person(name)[0]))
        office.do(plans[-1])
    return plans


def started(office: Office, claims: Sequence[ClaimDelivery]) -> int:
    """Claim in batches, and again what others were quicker with. Returns how many messages that started."""
    waiting, found = list(claims), 0
    for _ in range(TRIES * len(claims)):
        if not waiting:
            return found
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        now = datetime.now(UTC)
        results = office.dispatcher.step([Request(Context(Slug("test"), now, now), (one,)) for one in batch])
        for one, result in zip(batch, results, strict=True):
            if isinstance(result, Failed) and not isinstance(result.error, Rejected):
                waiting.append(one)
            elif isinstance(result, Done):
                found += any(isinstance(recorded.event, DeliveryStarted) for recorded in result.events)
    raise AssertionError(f"{len(waiting)} claims came to nothing: others were quicker again and again")


def main(url: str, master: str, seed: str) -> int:
    """Do it all."""
    office, chance = Office(url, master), random.Random(seed)
    claims = [wants(plan(office.person(name)[0])) for name in names()]
    chance.shuffle(claims)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    count = started(office, claims)
    office.close()
    return count


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
