"""What the gate knows when it judges a message: of the message, its recipient and the installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.identity import MARKETING_TOPIC, Channel, Slug, ZoneName
from domain.message import ReplyWindow, Rival
from domain.policies.frequency_cap import FrequencyCap, ScopedCap, Spent
from domain.policies.quiet_hours import QuietHours

WHOLE = 100
"""Per cent."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The installation's settings that the gate obeys.

    ``caps``: beside the one over all, those of a channel or a topic. ``holdout_percent`` of all customers get no marketing at all, to
    compare with. ``group_share_percent``: domain/policies/group_share.py; 100: no limit.
    """

    cap: FrequencyCap
    group_cap: FrequencyCap
    quiet: QuietHours
    zone: ZoneName
    caps: tuple[ScopedCap, ...] = ()
    holdout_percent: int = 0
    group_share_percent: int = WHOLE


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate knows of one message and its recipient. ``kind``: marketing, service or reply.

    ``consents``: to this topic, by the contact it goes to; ``withdrew``: the topic or everything, by whichever. ``sent``: marketing that
    counts for the caps. ``zone``: the recipient's own, None where nobody knows.
    """

    now: datetime
    kind: str
    automatic: bool
    by_operator: bool
    even_at_night: bool
    to_group: bool
    unreachable: Slug | None
    consents: bool
    withdrew: bool
    cancelled: bool
    defect: Slug | None
    human_until: datetime | None
    sent: Sequence[Spent]
    window: ReplyWindow | None
    last_heard: datetime | None
    had: bool = False
    """The same broadcast, or run of a campaign, went to this person already, when they were still taken for two."""
    cancelled_by: Slug = Slug("broadcast")
    """What was cancelled: ``broadcast`` or ``campaign``."""
    held_out: bool = False
    """They were drawn to get nothing of this campaign."""
    held_out_of_all: bool = False
    """They were drawn to get no marketing at all."""
    reactivation: bool = False
    channel: Channel | None = None
    topic: Slug = MARKETING_TOPIC
    zone: ZoneName | None = None
    said_otherwise: Sequence[datetime] = ()
    """What a group heard from us that was no marketing."""
    rivals: Sequence[Rival] = ()
