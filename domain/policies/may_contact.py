"""May this message go out now? The class x control table of shared/design/delivery.md, and the pure function that decides from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from domain.identity import Slug, ZoneName
from domain.message import Rival
from domain.policies.facts import WHOLE, Controls, Facts
from domain.policies.frequency_cap import WEEK, ScopedCap, Spent
from domain.policies.group_share import within_share

__all__ = ["TABLE", "Allow", "Controls", "Facts", "Refuse", "Rival", "Verdict", "Wait", "may_contact"]

KEPT_BACK = 2
"""The last two messages of a reply window are for people: neither marketing nor an automatic message takes them."""
DORMANT_AFTER = timedelta(days=183)
SHARE_RELOOK = timedelta(days=1)
"""A group that heard too much promotion is looked at again so much later: other messages may have gone there."""
RIVAL_TAKES = timedelta(minutes=10)
"""So long the one of higher priority has to go out, before a lower one asks again."""
RIVAL_COUNTS_FOR = timedelta(hours=1)
"""One that was due for so long and did not go (its account is frozen) holds nobody back any more."""


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


class Control(StrEnum):
    """What may object to a message, the gravest first."""

    REACHABLE = "blocked, gone, not in the group"
    CANCELLED = "its broadcast or campaign was cancelled"
    ONCE = "this person had it already"
    FILLED_IN = "empty variable, leftover braces"
    STOP_WORD = "stop word"
    CONSENT = "consent"
    DORMANT = "dormant"
    HOLDOUT = "drawn to get nothing"
    PEOPLE = "a human is talking, a complaint is open"
    QUIET_HOURS = "quiet hours"
    FREQUENCY_CAP = "frequency cap"
    GROUP_SHARE = "the group's share of promotion"
    PRIORITY = "another campaign comes first"
    REPLY_WINDOW = "reply window and budget"


class Effect(StrEnum):
    """What an objection does to a message of some class."""

    NOTHING = "–"
    LEFT_OUT = "left out"
    LEFT_OUT_UNLESS_REACTIVATION = "left out unless reactivation"
    LEFT_OUT_IF_AUTOMATIC = "left out if automatic"
    WAITS = "waits"
    WAITS_UNLESS_AT_NIGHT = "waits unless even at night"
    WAITS_THEN_LEFT_OUT = "waits within its expiry, then left out"
    NEVER_THE_LAST_TWO = "never the last two"
    THE_LAST_TWO_BY_PEOPLE = "the last two by people only"
    TO_THE_LAST = "to the last"


TABLE: Final[Mapping[Control, Mapping[str, Effect]]] = {
    Control.REACHABLE: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.LEFT_OUT,
        "reply": Effect.LEFT_OUT,
    },
    Control.CANCELLED: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.LEFT_OUT,
        "reply": Effect.LEFT_OUT,
    },
    Control.ONCE: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.LEFT_OUT,
        "reply": Effect.LEFT_OUT,
    },
    Control.FILLED_IN: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.LEFT_OUT,
        "reply": Effect.LEFT_OUT,
    },
    Control.STOP_WORD: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.CONSENT: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.DORMANT: {
        "marketing": Effect.LEFT_OUT_UNLESS_REACTIVATION,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.HOLDOUT: {
        "marketing": Effect.LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.PEOPLE: {
        "marketing": Effect.WAITS,
        "service": Effect.NOTHING,
        "reply": Effect.LEFT_OUT_IF_AUTOMATIC,
    },
    Control.QUIET_HOURS: {
        "marketing": Effect.WAITS,
        "service": Effect.WAITS_UNLESS_AT_NIGHT,
        "reply": Effect.NOTHING,
    },
    Control.FREQUENCY_CAP: {
        "marketing": Effect.WAITS_THEN_LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.GROUP_SHARE: {
        "marketing": Effect.WAITS_THEN_LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.PRIORITY: {
        "marketing": Effect.WAITS_THEN_LEFT_OUT,
        "service": Effect.NOTHING,
        "reply": Effect.NOTHING,
    },
    Control.REPLY_WINDOW: {
        "marketing": Effect.NEVER_THE_LAST_TWO,
        "service": Effect.THE_LAST_TWO_BY_PEOPLE,
        "reply": Effect.TO_THE_LAST,
    },
}
"""Which class obeys what. They are asked in this order, and the first one that objects decides."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a message, whatever its class. ``until``: for how long; ``left``: what a reply window still allows."""

    reason: Slug
    rule: Slug
    until: datetime
    left: int = 0


def may_contact(facts: Facts, controls: Controls) -> Verdict:
    """Judge one message; the first control that objects decides."""
    for effect, objects in _ASKED[facts.kind]:
        objection = objects(facts, controls)
        verdict = None if objection is None else _said(effect, objection, facts)
        if verdict is not None:
            return verdict
    return Allow()


def is_silent(last_heard: datetime, now: datetime) -> bool:
    """Whether somebody was last heard of so long ago that they count as dormant."""
    return now - last_heard > DORMANT_AFTER


def _said(effect: Effect, objection: Objection, facts: Facts) -> Verdict | None:
    """Return what an objection comes to; None where this message need not care."""
    match effect:
        case Effect.NOTHING:
            minds = False
        case Effect.LEFT_OUT | Effect.WAITS | Effect.WAITS_THEN_LEFT_OUT:
            minds = True
        case Effect.LEFT_OUT_UNLESS_REACTIVATION:
            minds = not facts.reactivation
        case Effect.LEFT_OUT_IF_AUTOMATIC:
            minds = facts.automatic
        case Effect.WAITS_UNLESS_AT_NIGHT:
            minds = not facts.even_at_night
        case Effect.NEVER_THE_LAST_TWO:
            minds = objection.left <= KEPT_BACK
        case Effect.THE_LAST_TWO_BY_PEOPLE:
            minds = objection.left <= (0 if facts.by_operator else KEPT_BACK)
        case Effect.TO_THE_LAST:
            minds = objection.left <= 0
        case _:
            assert_never(effect)
    if not minds:
        return None
    if effect in {Effect.WAITS, Effect.WAITS_UNLESS_AT_NIGHT, Effect.WAITS_THEN_LEFT_OUT}:
        too_late = effect is Effect.WAITS_THEN_LEFT_OUT
        return Wait(objection.until, objection.reason, objection.rule, left_out_if_too_late=too_late)
    return Refuse(objection.reason, objection.rule)


def _objects(facts: Facts, reason: str, rule: str, until: datetime | None = None) -> Objection:
    return Objection(Slug(reason), Slug(rule), until or facts.now)


def _zone(facts: Facts, controls: Controls) -> ZoneName:
    return facts.zone or controls.zone


def _reachable(facts: Facts, _controls: Controls) -> Objection | None:
    return None if facts.unreachable is None else _objects(facts, facts.unreachable, "reachability")


def _cancelled(facts: Facts, _controls: Controls) -> Objection | None:
    return _objects(facts, "cancelled", facts.cancelled_by) if facts.cancelled else None


def _once(facts: Facts, _controls: Controls) -> Objection | None:
    return _objects(facts, "merged-duplicate", "identity") if facts.had else None


def _filled_in(facts: Facts, _controls: Controls) -> Objection | None:
    return None if facts.defect is None else _objects(facts, facts.defect, "template")


def _stop_word(facts: Facts, _controls: Controls) -> Objection | None:
    return _objects(facts, "opted-out", "consent") if facts.withdrew and not facts.to_group else None


def _consent(facts: Facts, _controls: Controls) -> Objection | None:
    return None if facts.consents or facts.to_group else _objects(facts, "no-consent", "consent")


def _dormant(facts: Facts, _controls: Controls) -> Objection | None:
    silent = facts.last_heard is not None and is_silent(facts.last_heard, facts.now)
    return _objects(facts, "dormant", "recency") if silent and not facts.to_group else None


def _holdout(facts: Facts, _controls: Controls) -> Objection | None:
    if facts.held_out_of_all:
        return _objects(facts, "global-holdout", "holdout")
    return _objects(facts, "holdout", "experiment") if facts.held_out else None


def _people(facts: Facts, _controls: Controls) -> Objection | None:
    until = facts.human_until
    return None if until is None else _objects(facts, "human-talking", "handover", until)


def _quiet_hours(facts: Facts, controls: Controls) -> Objection | None:
    zone = _zone(facts, controls)
    if not controls.quiet.covers(facts.now, zone):
        return None
    return _objects(facts, "quiet-hours", "quiet-hours", controls.quiet.end_after(facts.now, zone))


def _caps(facts: Facts, controls: Controls) -> tuple[ScopedCap, ...]:
    """Return the caps that count this message."""
    if facts.to_group:
        return (ScopedCap(controls.group_cap),)
    concerned = (cap for cap in controls.caps if cap.counts(facts.channel, facts.topic))
    return (ScopedCap(controls.cap), *concerned)


def _frequency_cap(facts: Facts, controls: Controls) -> Objection | None:
    zone = _zone(facts, controls)
    free, cap = max(
        ((cap.free_from(facts.sent, facts.now, zone), cap) for cap in _caps(facts, controls)),
        key=lambda found: found[0],
    )
    return _objects(facts, "frequency-cap", cap.rule, free) if free > facts.now else None


def _group_share(facts: Facts, controls: Controls) -> Objection | None:
    percent = controls.group_share_percent
    promotions = [spent.at for spent in facts.sent]
    if not facts.to_group or percent >= WHOLE:
        return None
    if within_share(promotions, facts.said_otherwise, facts.now, percent):
        return None
    again = min(facts.now + SHARE_RELOOK, min(at for at in promotions if at > facts.now - WEEK) + WEEK)
    return _objects(facts, "group-share", f"share-{percent}-percent", again)


def _priority(facts: Facts, controls: Controls) -> Objection | None:
    """Let the more important message have what the caps still allow: this one asks again when that had its turn."""
    zone = _zone(facts, controls)
    mine = Spent(facts.now, facts.channel, facts.topic)
    for rival in facts.rivals:
        its_turn = max(rival.not_before, facts.now)
        if facts.now - rival.not_before >= RIVAL_COUNTS_FOR:
            continue
        for cap in _caps(facts, controls):
            shared = cap.counts(rival.channel, rival.topic)
            free = cap.free_from(facts.sent, its_turn, zone) <= its_turn
            if shared and free and cap.free_from([*facts.sent, mine], its_turn, zone) > its_turn:
                return _objects(facts, "outranked", "priority", its_turn + RIVAL_TAKES)
    return None


def _reply_window(facts: Facts, _controls: Controls) -> Objection | None:
    window = facts.window
    if window is None:
        return None
    left = window.messages if facts.now < window.until else 0
    return Objection(Slug("window-closed"), Slug("reply-window"), facts.now, left)


_OBJECTIONS: Final[Mapping[Control, Callable[[Facts, Controls], Objection | None]]] = {
    Control.REACHABLE: _reachable,
    Control.CANCELLED: _cancelled,
    Control.ONCE: _once,
    Control.FILLED_IN: _filled_in,
    Control.STOP_WORD: _stop_word,
    Control.CONSENT: _consent,
    Control.DORMANT: _dormant,
    Control.HOLDOUT: _holdout,
    Control.PEOPLE: _people,
    Control.QUIET_HOURS: _quiet_hours,
    Control.FREQUENCY_CAP: _frequency_cap,
    Control.GROUP_SHARE: _group_share,
    Control.PRIORITY: _priority,
    Control.REPLY_WINDOW: _reply_window,
}
_ASKED: Final = {
    kind: tuple(
        (classes[kind], _OBJECTIONS[control])
        for control, classes in TABLE.items()
        if classes[kind] is not Effect.NOTHING
    )
    for kind in {kind for classes in TABLE.values() for kind in classes}
}
"""What each class obeys, in the table's order."""
