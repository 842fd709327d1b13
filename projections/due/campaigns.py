"""Campaigns under way and what holds sending back, as the view of what is due takes them in."""

from collections.abc import Sequence
from typing import get_args

from sqlalchemy import Connection

from domain.campaigns.events import (
    CampaignCancelled,
    CampaignFinished,
    CampaignScheduled,
    RunPlanned,
    RunStarted,
)
from domain.installation.events import (
    HistoryImported,
    InstallationRestored,
    MarketingPaused,
    MarketingResumed,
    SendingResumed,
)
from domain.message import Recorded
from projections.due.tables import CAMPAIGNS, HOLDS, RUNS
from projections.projection import Rows, of_kind

MARKETING_PAUSED, SENDING_HELD = "marketing", "sending"

Stage = CampaignScheduled | CampaignCancelled | CampaignFinished
Run = RunStarted | RunPlanned
_OF_CAMPAIGNS: frozenset[type[Stage | RunStarted]] = frozenset({*get_args(Stage), RunStarted})
_OF_RUNS: frozenset[type[Run]] = frozenset(get_args(Run))
Hold = MarketingPaused | MarketingResumed | HistoryImported | InstallationRestored | SendingResumed
_HOLDS: frozenset[type[Hold]] = frozenset(get_args(Hold))


class Campaigns:
    """Their rows while a batch is applied; those of imported history are not there, whatever is told of them later."""

    def __init__(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        named = (event.campaign for event in of_kind(batch, _OF_CAMPAIGNS))
        self._campaigns = Rows(connection, CAMPAIGNS, named)
        self._runs = Rows(connection, RUNS, (event.run for event in of_kind(batch, _OF_RUNS)))

    def take(self, recorded: Recorded, event: Stage | Run) -> None:
        """Take in one event."""
        match event:
            case CampaignScheduled(campaign=campaign):
                self._campaigns.put({"campaign": campaign})
            case CampaignCancelled(campaign=campaign) | CampaignFinished(campaign=campaign):
                self._campaigns.discard(campaign)
            case RunStarted(run=run, campaign=campaign, at=at):
                self._runs.put({"run": run, "campaign": campaign, "position": recorded.position})
                row = self._campaigns.get(campaign)
                if row is not None:
                    row["last_at"] = max(row["last_at"] or at, at)
            case RunPlanned(run=run):
                self._runs.discard(run)

    def save(self) -> None:
        """Write what changed."""
        self._campaigns.save()
        self._runs.save()


def holds_of(connection: Connection, batch: Sequence[Recorded]) -> Rows:
    """Return the rows of what holds sending back, where something is told of that."""
    told = of_kind(batch, _HOLDS)
    return Rows(connection, HOLDS, (MARKETING_PAUSED, SENDING_HELD) if told else ())


def hold(rows: Rows, event: Hold) -> None:
    """Take in one event about all sending."""
    match event:
        case MarketingPaused():
            rows.put({"hold": MARKETING_PAUSED})
        case MarketingResumed():
            rows.discard(MARKETING_PAUSED)
        case HistoryImported() | InstallationRestored():
            rows.put({"hold": SENDING_HELD})
        case SendingResumed():
            rows.discard(SENDING_HELD)
