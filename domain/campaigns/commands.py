"""What may be asked of a campaign and of its runs."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.campaigns.events import CampaignDraft
from domain.identity import CampaignId, CustomerId, OperatorId, RunId, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCampaign(CampaignDraft):
    """Write it down, or correct it while it was not launched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListForCampaign:
    """Add these to its list, while it was not launched."""

    campaign: CampaignId
    customers: tuple[CustomerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCampaign:
    """It was tried on an operator."""

    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveCampaign:
    """Agree to it, as somebody who did not write it."""

    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchCampaign:
    """Let it go out when its time comes. ``meant``: how many it means now; ``alone``: nobody else could approve it."""

    campaign: CampaignId
    meant: int
    alone: bool
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCampaign:
    """Hold whatever has not left. ``run``: whose first messages fared badly; who resumes it then lets the others of it follow."""

    campaign: CampaignId
    reason: Slug
    operator: OperatorId | None = None
    run: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeCampaign:
    """Go on."""

    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCampaign:
    """Stop for good what has not left."""

    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCampaign:
    """Cancel it, and take back what went out."""

    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishCampaign:
    """Its last run is over."""

    campaign: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Begin one occurrence, once however often it is asked for. Fields as in RunStarted."""

    run: RunId
    campaign: CampaignId
    at: datetime
    day: date | None = None
    meant: int
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceRun:
    """Everybody from ``since`` to ``after`` has their delivery now, ``planned`` of them in this step."""

    run: RunId
    since: int
    after: int
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRun:
    """Those who go first have their deliveries: wait until then."""

    run: RunId
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRun:
    """Let the others follow."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRun:
    """Everybody has their delivery."""

    run: RunId
