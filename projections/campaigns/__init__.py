"""Campaigns: where they stand, and what became of each message of theirs, for all time."""

from projections.campaigns.apply import campaign_results
from projections.campaigns.figures import (
    Among,
    Figure,
    Figures,
    Reason,
    Recipient,
    Routed,
    Worth,
    added_up,
    by_route,
    figures,
    figures_by_variant,
    last_at,
    reasons,
    recipients,
    worth,
)
from projections.campaigns.queries import Campaign, Run, campaign, runs
from projections.campaigns.tables import Status

__all__ = [
    "Among",
    "Campaign",
    "Figure",
    "Figures",
    "Reason",
    "Recipient",
    "Routed",
    "Run",
    "Status",
    "Worth",
    "added_up",
    "by_route",
    "campaign",
    "campaign_results",
    "figures",
    "figures_by_variant",
    "last_at",
    "reasons",
    "recipients",
    "runs",
    "worth",
]
