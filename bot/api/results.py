"""What a campaign's results look like to a program: as ``siyu campaign results --json`` (docs/results.md says what each figure means)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.api.pages import Told
from domain.campaigns.campaign import Stage
from projections.campaigns import Figure, Status

Interval = Annotated[list[float], Field(min_length=2, max_length=2, description="from and to, at 95 %")]


class Reason(Told):
    """So many did not get it for this reason, by this rule."""

    status: Status
    reason: str | None
    rule: str | None
    recipients: int


class Routed(Told):
    """So many it was sent to by one of a channel's routes."""

    channel: str
    route: str
    recipients: int


class Worth(Told):
    """What conversions are worth, in the currency's smallest unit; a mere number without one."""

    currency: str | None
    value: int


class Rate(Told):
    """``hits`` of ``people``; ``value`` is their share, of 1. ``interval``: Wilson's."""

    hits: int
    people: int
    value: float
    interval: Interval


class Difference(Told):
    """How much higher a rate is than another. ``interval``: Newcombe's. ``lift``: relative to the other, null where that is nought."""

    value: float
    interval: Interval
    lift: float | None
    p_value: float


class Arm(Told):
    """One text. ``rate``: of ``measure``, among those it was sent to. ``against_first``: compared with the first text; null for that one.

    ``p_value_adjusted``: of that comparison, made larger for there being several (Holm).
    """

    variant: str
    weight: int
    figures: dict[Figure, int]
    rate: Rate
    against_first: Difference | None
    p_value_adjusted: float | None


class Holdout(Told):
    """Those drawn to get nothing (``figure``), and what the campaign brought about: ``base`` is their rate, ``reached`` the others'."""

    figure: Figure
    base: Rate
    reached: Rate
    difference: Difference


class Results(Told):
    """Every figure: of all, and of each text. Each is as long as its list, ``/campaigns/{campaign}/results/{figure}``.

    ``runs``: how many are counted. ``rates``: shares of what was sent. ``measure``: what the texts are compared by.
    ``sample_ratio_p_value``: how often chance alone would deal people out so unevenly; ``uneven``: that is below 0.001, so the comparisons
    are worth nothing before the cause is known. ``people_needed``: for each text, to tell a rate from one a fifth higher; null where that
    cannot be said. ``open_until``: until when more may come in.
    """

    campaign: str
    name: str | None
    stage: Stage | None
    runs: int
    figures: dict[Figure, int]
    variants: dict[str, dict[Figure, int]]
    rates: dict[Figure, Rate]
    reasons: list[Reason]
    worth: list[Worth]
    routes: list[Routed]
    measure: Figure
    arms: list[Arm]
    holdouts: list[Holdout]
    sample_ratio_p_value: float
    uneven: bool
    people_needed: int | None
    open_until: datetime | None
