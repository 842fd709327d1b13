"""What happened to a campaign and to its runs. Texts are stored once, here; a delivery only refers to them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from domain.campaigns.plan import Arm, Canary, Content, Goal, Selection, Timing
from domain.identity import MARKETING_TOPIC, USUAL_PRIORITY, CampaignId, CustomerId, OperatorId, RunId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """What a campaign is: the event and the command that asks for it share these fields.

    ``form``: as it was written (YAML). ``holdout_percent`` of those meant get nothing, to compare with. ``codes``: the pool whose codes it
    hands out. ``routes``: the channel's ways it may take, the preferred one first; empty: the channel's own order.
    """

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
class CampaignDrafted(CampaignDraft):
    """Somebody wrote it down; again for each correction, which takes back a test and an approval."""

    SUBJECT: ClassVar[str] = "brand"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignListed:
    """These belong to its list; a long list comes in several."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    customers: tuple[CustomerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTested:
    """It was sent to whoever asked, and to nobody else."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignApproved:
    """A second pair of eyes agreed."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignScheduled:
    """It was launched: it goes out when its time comes. ``meant``: how many people it meant then."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    at: datetime
    meant: int
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStarted:
    """Its first run began."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPaused:
    """Nothing of it leaves until it is resumed. ``reason``: ``operator``, or why it stopped by itself; then ``run``: where it was seen."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    reason: Slug
    operator: OperatorId | None = None
    run: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResumed:
    """It goes on where it was."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCancelled:
    """What has not left yet will not leave."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRecalled:
    """What went out of it shall be taken back, where the channel can."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFinished:
    """Its last run is over: every delivery has an outcome, or is Unknown."""

    SUBJECT: ClassVar[str] = ""
    campaign: CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """One occurrence began. ``day``: its local date where it recurs. ``meant``: how many people; ``sample``: how many go first."""

    SUBJECT: ClassVar[str] = ""
    run: RunId
    campaign: CampaignId
    at: datetime
    day: date | None = None
    meant: int
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdvanced:
    """Everybody up to customer number ``after`` has their delivery; ``planned`` so far, in this pass."""

    SUBJECT: ClassVar[str] = ""
    run: RunId
    after: int
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSampled:
    """Those who go first have their deliveries; the others wait until then."""

    SUBJECT: ClassVar[str] = ""
    run: RunId
    planned: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCleared:
    """Those who went first fared well: the others follow."""

    SUBJECT: ClassVar[str] = ""
    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlanned:
    """Everybody has their delivery."""

    SUBJECT: ClassVar[str] = ""
    run: RunId
    planned: int


EVENTS = (
    ("campaign-drafted/1", CampaignDrafted),
    ("campaign-listed/1", CampaignListed),
    ("campaign-tested/1", CampaignTested),
    ("campaign-approved/1", CampaignApproved),
    ("campaign-scheduled/1", CampaignScheduled),
    ("campaign-started/1", CampaignStarted),
    ("campaign-paused/1", CampaignPaused),
    ("campaign-resumed/1", CampaignResumed),
    ("campaign-cancelled/1", CampaignCancelled),
    ("campaign-recalled/1", CampaignRecalled),
    ("campaign-finished/1", CampaignFinished),
)
RUN_EVENTS = (
    ("run-started/1", RunStarted),
    ("run-advanced/1", RunAdvanced),
    ("run-sampled/1", RunSampled),
    ("run-cleared/1", RunCleared),
    ("run-planned/1", RunPlanned),
)
