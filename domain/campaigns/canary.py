"""The canary: a few go first, and where they fare badly the others never follow."""

import math

from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import Canary, Meant
from domain.identity import Slug
from domain.policies.experiments import WHOLE

WORTH_IT_ABOVE = 5
"""Where not more than so many times the least sample are meant, all go at once: a fifth of them first tells little and costs the wait."""
MARGIN = 4
"""Standard deviations: who goes first is drawn one by one, so a few more are drawn for, that those who must be, are."""
FAILURES = Slug("canary-failures")
OPT_OUTS = Slug("canary-opt-outs")


def sample_of(canary: Canary | None, meant: int) -> int:
    """Return how many go first of so many who are meant; 0: all go at once."""
    if canary is None or meant <= WORTH_IT_ABOVE * canary.at_least:
        return 0
    return min(meant, max(canary.at_least, math.ceil(meant * canary.percent / WHOLE)))


def first_of(draft: CampaignDrafted, meant: int) -> int:
    """Return how many of a campaign's recipients go first where so many are meant; of groups none do."""
    return 0 if draft.selection.meant is Meant.GROUPS else sample_of(draft.canary, meant)


def goes_first(point: float, sample: int, meant: int) -> bool:
    """Whether somebody is among those who go first. ``point``: theirs, drawn for this campaign (domain/policies/experiments.py)."""
    return point * meant < sample + MARGIN * math.sqrt(sample)


def stops(canary: Canary, *, sent: int, failed: int, unknown: int, opted_out: int) -> Slug | None:
    """Return why the others must not follow, None where they may. What nobody knows the outcome of counts as failed."""
    tried = sent + failed + unknown
    if (failed + unknown) * WHOLE > canary.failures_percent * tried:
        return FAILURES
    if opted_out * WHOLE > canary.opt_outs_percent * max(sent, 1):
        return OPT_OUTS
    return None
