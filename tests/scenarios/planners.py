"""One of several processes that carry the same campaign out at once: ``python -m tests.scenarios.planners URL MASTER_KEY SECONDS``.

It says ``ready``, waits for a line, and drives views and fan-out of its own until it is planned to its end (or so many seconds).
"""

import asyncio
import sys
import time
from datetime import UTC, datetime

from bot.matching import matches
from bot.reading import SqlAgenda, SqlAudience, SqlCanaries
from domain.dispatch import Request, Result
from domain.identity import KeyedHash
from projections.engine import Projector, Views
from projections.registry import projections
from scheduler.campaigns import CampaignFanOut, CampaignSources
from tests.scenarios.linkers import Office

PAUSE_S = 0.02


class Planner:
    """The parts of a process that plan: its own views, its own fan-out, the shared log."""

    def __init__(self, url: str, master: str) -> None:
        self.office = Office(url, master)
        self.views = Views(url)
        self.projector = Projector(self.views, self.office.log, projections(matches))
        sources = CampaignSources(
            SqlAgenda(self.views), SqlAudience(self.views, "Tea"), SqlCanaries(self.views), self.office.log
        )
        digest = KeyedHash(self.office.vault.secret())
        self.fan_out = CampaignFanOut(sources, self._dispatch, digest, lambda: datetime.now(UTC))

    async def _dispatch(self, request: Request) -> Result:
        (result,) = await asyncio.to_thread(self.office.dispatcher.step, [request])
        return result

    def catch_up(self) -> None:
        """Bring the views to the log's end."""
        while self.projector.step():
            pass

    async def work(self, seconds: float) -> None:
        """Plan until no campaign has a run that is not planned to its end."""
        ends, begun = time.monotonic() + seconds, False
        while time.monotonic() < ends:
            await asyncio.to_thread(self.projector.step)
            done = await self.fan_out.step()
            under_way = SqlAgenda(self.views).campaigns()
            begun = begun or any(one.last_at for one in under_way)
            if begun and not done and not any(one.runs for one in under_way):
                return
            await asyncio.sleep(PAUSE_S)

    def close(self) -> None:
        """Let go of the stores."""
        self.views.close()
        self.office.close()


def main(url: str, master: str, seconds: str) -> int:
    """Do it all."""
    planner = Planner(url, master)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    asyncio.run(planner.work(float(seconds)))
    planner.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
