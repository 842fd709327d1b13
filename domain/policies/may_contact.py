"""May this message go out now? The class × control table of shared/design/delivery.md, as one pure function."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.identity import Slug, ZoneName
from domain.message import ReplyWindow
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.quiet_hours import QuietHours

KEPT_BACK = 2
"""The last two messages of a reply window are for people: neither marketing nor an automatic message takes them."""
DORMANT_AFTER = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Controls:
    """The installation's settings that the gate obeys."""

    cap: FrequencyCap
    group_cap: FrequencyCap
    quiet: QuietHours
    zone: ZoneName


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate knows of one message and its recipient. ``kind``: marketing, service or reply."""

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
    sent: Sequence[datetime]
    window: ReplyWindow | None
    last_heard: datetime | None
    had: bool = False
    """The same broadcast went to this person already, when they were still taken for two."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Send it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before ``until``."""

    until: datetime
    reason: Slug
    rule: Slug
    left_out_if_too_late: bool = False
    """Where the wait outlasts the message: say that this control left it out, not that its time passed."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never."""

    reason: Slug
    rule: Slug


Verdict = Allow | Wait | Refuse


def may_contact(facts: Facts, controls: Controls) -> Verdict:
    """Judge one message; the first control that objects decides."""
    for control in (_recipient, _consent, _people, _quiet, _cap, _window):
        verdict = control(facts, controls)
        if verdict is not None:
            return verdict
    return Allow()


def _marketing(facts: Facts) -> bool:
    return facts.kind == "marketing"


def _recipient(facts: Facts, _controls: Controls) -> Verdict | None:
    if facts.unreachable is not None:
        return Refuse(facts.unreachable, Slug("reachability"))
    if facts.cancelled:
        return Refuse(Slug("cancelled"), Slug("broadcast"))
    if facts.had:
        return Refuse(Slug("merged-duplicate"), Slug("identity"))
    if facts.defect is not None:
        return Refuse(facts.defect, Slug("template"))
    return None


def _consent(facts: Facts, _controls: Controls) -> Verdict | None:
    if not _marketing(facts) or facts.to_group:
        return None
    if facts.withdrew:
        return Refuse(Slug("opted-out"), Slug("consent"))
    if not facts.consents:
        return Refuse(Slug("no-consent"), Slug("consent"))
    if facts.last_heard is not None and facts.now - facts.last_heard > DORMANT_AFTER:
        return Refuse(Slug("dormant"), Slug("recency"))
    return None


def _people(facts: Facts, _controls: Controls) -> Verdict | None:
    if facts.human_until is None:
        return None
    if _marketing(facts):
        return Wait(facts.human_until, Slug("human-talking"), Slug("handover"))
    if facts.kind == "reply" and facts.automatic:
        return Refuse(Slug("human-talking"), Slug("handover"))
    return None


def _quiet(facts: Facts, controls: Controls) -> Verdict | None:
    obeys = _marketing(facts) or (facts.kind == "service" and not facts.even_at_night)
    if not obeys or not controls.quiet.covers(facts.now, controls.zone):
        return None
    return Wait(controls.quiet.end_after(facts.now, controls.zone), Slug("quiet-hours"), Slug("quiet-hours"))


def _cap(facts: Facts, controls: Controls) -> Verdict | None:
    if not _marketing(facts):
        return None
    cap = controls.group_cap if facts.to_group else controls.cap
    free = cap.free_from(facts.sent, facts.now, controls.zone)
    if free <= facts.now:
        return None
    rule = Slug(f"cap-{cap.per_day}-a-day-{cap.per_week}-a-week")
    return Wait(free, Slug("frequency-cap"), rule, left_out_if_too_late=True)


def _window(facts: Facts, _controls: Controls) -> Verdict | None:
    if facts.window is None:
        return None
    people_only = _marketing(facts) or (facts.kind == "service" and not facts.by_operator)
    kept = KEPT_BACK if people_only else 0
    if facts.now >= facts.window.until or facts.window.messages <= kept:
        return Refuse(Slug("window-closed"), Slug("reply-window"))
    return None
