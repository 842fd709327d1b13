"""What may be asked of a campaign and of its runs."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.campaigns.plan import Arm, Canary, Content, Goal, Selection, Timing
from domain.identity import MARKETING_TOPIC, USUAL_PRIORITY, CampaignId, CustomerId, OperatorId, RunId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCampaign:
    """Write it down, or correct it while it was not launched. Fields as in CampaignDrafted."""

    campaign: CampaignId
    name: Personal[str]
    form: Personal[str]
    contents: Personal[list[Content]]
    selection: Selection
    timing: Timing
    operator: OperatorId | None = None
    topic: Slug = MARKETING_TOPIC
    priority: int = USUAL_PRIORITY
    reactivation: bool = False
    arms: tuple[Arm, ...] = ()
    holdout_percent: int = 0
    canary: Canary | None = None
    goal: Goal | None = None
    codes: Slug | None = None
    routes: tuple[Slug, ...] = ()


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
