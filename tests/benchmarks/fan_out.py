"""Planning a large audience: how many a second, and what it does to memory. A process of its own: ``python -m tests.benchmarks.fan_out``.

The people are written to the views' tables and are in no log: what is measured is the fan-out, and the log that it writes.
"""

import asyncio
import gc
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from bot.__main__ import GC_THRESHOLDS
from bot.bootstrap import open_house
from bot.house import House, done
from bot.reading import SqlAgenda, SqlAudience, SqlCanaries
from bot.settings import Settings
from domain.campaigns.commands import DraftCampaign, LaunchCampaign
from domain.campaigns.plan import Content, Meant, Selection, Timing
from domain.dispatch import Request
from domain.identity import CampaignId, ZoneName
from domain.message import Personal
from projections.people.contacts import CONTACTS
from projections.people.customers import CUSTOMERS
from scheduler.campaigns import CampaignFanOut, CampaignSources

PEOPLE = 100_000
WRITTEN_AT_ONCE = 5_000
SUMMER = CampaignId("summer")
KIB_PER_MB = 1024


def rss_mb() -> float:
    """Return how much memory this process has now."""
    fields = Path("/proc/self/statm").read_text("ascii").split()
    return int(fields[1]) * resource.getpagesize() / (KIB_PER_MB * KIB_PER_MB)


def write_people(house: House, people: int) -> None:
    """Let the views show so many customers, each with one contact."""
    now = datetime.now(UTC)
    with house.views.write() as connection:
        for start in range(0, people, WRITTEN_AT_ONCE):
            some = range(start, min(start + WRITTEN_AT_ONCE, people))
            customers = [{"customer": f"c{n:08}", "number": n + 1, "created_at": now} for n in some]
            contacts = [
                {
                    "contact": f"k{n:08}",
                    "customer": f"c{n:08}",
                    "channel": "telegram",
                    "private": True,
                    "last_in": now,
                }
                for n in some
            ]
            connection.execute(insert(CUSTOMERS), customers)
            connection.execute(insert(CONTACTS), contacts)


async def measure(house: House, people: int) -> dict[str, float]:
    """Plan one campaign to everybody. Returns figures."""
    draft = DraftCampaign(
        campaign=SUMMER,
        name=Personal("summer"),
        form=Personal("name: summer"),
        contents=Personal([Content(text="Summer is here")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
    )
    launch = LaunchCampaign(campaign=SUMMER, meant=people, alone=True)
    done(await house.submit(Request(house.context("bench"), (draft, launch))))
    await asyncio.to_thread(house.catch_up)
    audience = SqlAudience(house.views, "Tea")
    sources = CampaignSources(SqlAgenda(house.views), audience, SqlCanaries(house.views), house.log)
    fan_out = CampaignFanOut(sources, house.submit, house.digest, house.clock)
    before, most, begin, worked = rss_mb(), 0.0, time.perf_counter(), time.process_time()
    while await fan_out.step():
        most = max(most, rss_mb())
    took, worked = time.perf_counter() - begin, time.process_time() - worked
    return {
        "planned/s": people / took,
        "seconds": took,
        "CPU seconds": worked,
        "rss before MB": before,
        "rss growth MB": most - before,
    }


def main(people: int = PEOPLE) -> None:
    """Measure, and print it as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        house = open_house(Settings(data=Path(folder), starter_rules=False), {})
        house.catch_up()
        write_people(house, people)
        figures = asyncio.run(measure(house, people))
        house.close()
    sys.stdout.write(json.dumps({name: round(value, 1) for name, value in figures.items()}) + "\n")


if __name__ == "__main__":
    gc.set_threshold(*GC_THRESHOLDS)  # as ``siyu`` has it
    main(*(int(argument) for argument in sys.argv[1:]))
