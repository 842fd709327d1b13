"""The class x control table of shared/design/delivery.md, as it stands there, against the one that decides."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.deliveries.events import DeliveryClass
from domain.identity import Channel, Slug, ZoneName
from domain.message import ReplyWindow, Rival
from domain.policies.facts import Facts
from domain.policies.frequency_cap import FrequencyCap, Scope, ScopedCap, Spent
from domain.policies.may_contact import TABLE as DECIDES
from domain.policies.may_contact import Allow, Control, Effect, Refuse, Verdict, Wait, may_contact
from tests.domain.controls.commands import CONTROLS
from tests.domain.controls.ids import NOON

NIGHT = NOON + timedelta(hours=12)  # midnight in Shanghai
MORNING = NOON + timedelta(hours=20, minutes=30)
MIDNIGHT = NOON + timedelta(hours=12)
TALKING = NOON + timedelta(minutes=20)
TOMORROW = NOON + timedelta(days=1)

FINE = Facts(
    now=NOON,
    kind="marketing",
    automatic=True,
    by_operator=False,
    even_at_night=False,
    to_group=False,
    unreachable=None,
    consents=True,
    withdrew=False,
    cancelled=False,
    defect=None,
    human_until=None,
    sent=(),
    window=None,
    last_heard=NOON - timedelta(days=1),
)
MARKETING: dict[str, Any] = {"kind": "marketing"}
SERVICE: dict[str, Any] = {"kind": "service"}
REPLY: dict[str, Any] = {"kind": "reply"}
OPERATOR: dict[str, Any] = {"automatic": False, "by_operator": True}
TO_GROUP: dict[str, Any] = {"to_group": True, "consents": False, "last_heard": None}


def refuse(reason: str, rule: str) -> Refuse:
    return Refuse(Slug(reason), Slug(rule))


GO = Allow()
BLOCKED = refuse("blocked", "reachability")
LEFT = refuse("bot-left", "reachability")
DEFECT = refuse("missing_variable", "template")
CANCELLED = refuse("cancelled", "broadcast")
NO_CAMPAIGN = refuse("cancelled", "campaign")
TWICE = refuse("merged-duplicate", "identity")
CLOSED = refuse("window-closed", "reply-window")
HUMAN = Wait(TALKING, Slug("human-talking"), Slug("handover"))
QUIET = Wait(MORNING, Slug("quiet-hours"), Slug("quiet-hours"))
CAPPED = Wait(MIDNIGHT, Slug("frequency-cap"), Slug("cap-1-a-day-2-a-week"), left_out_if_too_late=True)
DORMANT = NOON - timedelta(days=184)
SENT = (Spent(NOON - timedelta(hours=1)),)
RIVAL = Rival(NOON + timedelta(hours=3), Channel("telegram"), Slug("marketing"))
OUTRANKED = Wait(
    NOON + timedelta(hours=3, minutes=10), Slug("outranked"), Slug("priority"), left_out_if_too_late=True
)


def window(messages: int) -> dict[str, Any]:
    return {"window": ReplyWindow(messages, NOON, TOMORROW)}


# control: what is the case, then the verdict for marketing, service and reply.
TABLE: dict[str, tuple[dict[str, Any], Verdict, Verdict, Verdict]] = {
    "nothing objects": ({}, GO, GO, GO),
    "no consent": ({"consents": False}, refuse("no-consent", "consent"), GO, GO),
    "stop word": ({"withdrew": True}, refuse("opted-out", "consent"), GO, GO),
    "blocked": ({"unreachable": Slug("blocked")}, BLOCKED, BLOCKED, BLOCKED),
    "cap": ({"sent": SENT}, CAPPED, GO, GO),
    "quiet hours": ({"now": NIGHT}, QUIET, QUIET, GO),
    "quiet hours, even at night": ({"now": NIGHT, "even_at_night": True}, QUIET, GO, GO),
    "a human is talking": ({"human_until": TALKING}, HUMAN, GO, refuse("human-talking", "handover")),
    "window with three left": (window(3), GO, GO, GO),
    "window with the last two": (window(2), CLOSED, CLOSED, GO),
    "window used up": (window(0), CLOSED, CLOSED, CLOSED),
    "window over": ({"window": ReplyWindow(5, NOON, NOON)}, CLOSED, CLOSED, CLOSED),
    "dormant": ({"last_heard": DORMANT}, refuse("dormant", "recency"), GO, GO),
    "a defect": ({"defect": Slug("missing_variable")}, DEFECT, DEFECT, DEFECT),
    "cancelled": ({"cancelled": True}, CANCELLED, CANCELLED, CANCELLED),
    "had it already": ({"had": True}, TWICE, TWICE, TWICE),
    "its campaign cancelled": (
        {"cancelled": True, "cancelled_by": Slug("campaign")},
        NO_CAMPAIGN,
        NO_CAMPAIGN,
        NO_CAMPAIGN,
    ),
    "dormant, but meant": ({"last_heard": DORMANT, "reactivation": True}, GO, GO, GO),
    "held out": ({"held_out": True}, refuse("holdout", "experiment"), GO, GO),
    "held out of all": ({"held_out_of_all": True}, refuse("global-holdout", "holdout"), GO, GO),
    "outranked": ({"rivals": (RIVAL,)}, OUTRANKED, GO, GO),
}
BY_AN_OPERATOR: dict[str, tuple[dict[str, Any], Verdict, Verdict, Verdict]] = {
    "a human is talking": ({"human_until": TALKING}, HUMAN, GO, GO),
    "window with the last two": (window(2), CLOSED, GO, GO),
    "window used up": (window(0), CLOSED, CLOSED, CLOSED),
    "blocked": ({"unreachable": Slug("blocked")}, BLOCKED, BLOCKED, BLOCKED),
    "quiet hours": ({"now": NIGHT}, QUIET, QUIET, GO),
    "no consent": ({"consents": False}, refuse("no-consent", "consent"), GO, GO),
}
TO_A_GROUP: dict[str, tuple[dict[str, Any], Verdict, Verdict, Verdict]] = {
    "nobody in it consented": ({}, GO, GO, GO),
    "the bot left": ({"unreachable": Slug("bot-left")}, LEFT, LEFT, LEFT),
    "quiet hours": ({"now": NIGHT}, QUIET, QUIET, GO),
    "the group's own cap": (
        {"sent": SENT},
        replace(CAPPED, rule=Slug("cap-1-a-day-3-a-week")),
        GO,
        GO,
    ),
}

ROWS = [
    (f"{who}{control}: {kind['kind']}", {**setting, **case, **kind}, verdict)
    for who, setting, table in (
        ("", {}, TABLE),
        ("an operator's, ", OPERATOR, BY_AN_OPERATOR),
        ("to a group, ", TO_GROUP, TO_A_GROUP),
    )
    for control, (case, *verdicts) in table.items()
    for kind, verdict in zip((MARKETING, SERVICE, REPLY), verdicts, strict=True)
]


# delivery.md, "Which class obeys what", cell by cell: marketing, service, reply. Below it what issue 4 added.
DOCUMENT: dict[Control, tuple[str, str, str]] = {
    Control.CONSENT: ("left out", "–", "–"),
    Control.REACHABLE: ("left out", "left out", "left out"),
    Control.STOP_WORD: ("left out", "–", "–"),
    Control.FREQUENCY_CAP: ("waits within its expiry, then left out", "–", "–"),
    Control.QUIET_HOURS: ("waits", "waits unless even at night", "–"),
    Control.PEOPLE: ("waits", "–", "left out if automatic"),
    Control.REPLY_WINDOW: ("never the last two", "the last two by people only", "to the last"),
    Control.DORMANT: ("left out unless reactivation", "–", "–"),
    Control.FILLED_IN: ("left out", "left out", "left out"),
    Control.CANCELLED: ("left out", "left out", "left out"),
    Control.ONCE: ("left out", "left out", "left out"),
    Control.HOLDOUT: ("left out", "–", "–"),
    Control.GROUP_SHARE: ("waits within its expiry, then left out", "–", "–"),
    Control.PRIORITY: ("waits within its expiry, then left out", "–", "–"),
}
SHARED = replace(CONTROLS, group_share_percent=50)
OBJECTS: dict[Control, dict[str, Any]] = {
    Control.CONSENT: {"consents": False},
    Control.REACHABLE: {"unreachable": Slug("blocked")},
    Control.STOP_WORD: {"withdrew": True},
    Control.FREQUENCY_CAP: {"sent": SENT},
    Control.QUIET_HOURS: {"now": NIGHT},
    Control.PEOPLE: {"human_until": TALKING},
    Control.REPLY_WINDOW: window(0),
    Control.DORMANT: {"last_heard": DORMANT},
    Control.FILLED_IN: {"defect": Slug("missing_variable")},
    Control.CANCELLED: {"cancelled": True},
    Control.ONCE: {"had": True},
    Control.HOLDOUT: {"held_out": True},
    Control.GROUP_SHARE: {"to_group": True, "sent": (Spent(NOON - timedelta(days=2)),)},
    Control.PRIORITY: {"rivals": (RIVAL,)},
}
"""What lets each control object, and nothing else."""
CELLS = [(control, kind) for control in Control for kind in ("marketing", "service", "reply")]
WAITING = {Effect.WAITS, Effect.WAITS_UNLESS_AT_NIGHT, Effect.WAITS_THEN_LEFT_OUT}


def test_the_table_that_decides_is_the_one_of_the_document() -> None:
    kinds = [kind.value for kind in DeliveryClass]
    told = {control: {kind: effect.value for kind, effect in row.items()} for control, row in DECIDES.items()}
    assert told == {control: dict(zip(kinds, row, strict=True)) for control, row in DOCUMENT.items()}


@pytest.mark.parametrize("control, kind", CELLS, ids=[f"{c.name.lower()}: {k}" for c, k in CELLS])
def test_every_cell_does_what_it_says(control: Control, kind: str) -> None:
    verdict = may_contact(replace(FINE, kind=kind, **OBJECTS[control]), SHARED)
    effect = DECIDES[control][kind]
    if effect is Effect.NOTHING:
        assert verdict == GO
    elif effect in WAITING:
        assert isinstance(verdict, Wait)
        assert verdict.left_out_if_too_late == (effect is Effect.WAITS_THEN_LEFT_OUT)
    else:
        assert isinstance(verdict, Refuse)


@pytest.mark.parametrize("facts, verdict", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table(facts: dict[str, Any], verdict: Verdict) -> None:
    assert may_contact(replace(FINE, **facts), CONTROLS) == verdict


def test_the_gravest_objection_is_the_one_that_is_named() -> None:
    everything = replace(
        FINE,
        now=NIGHT,
        unreachable=Slug("blocked"),
        cancelled=True,
        defect=Slug("missing_variable"),
        withdrew=True,
        consents=False,
        human_until=NIGHT + timedelta(minutes=1),
        held_out=True,
        sent=(Spent(NIGHT),),
        window=ReplyWindow(0, NOON, NOON),
    )
    named = []
    for cure in (
        {"unreachable": None},
        {"cancelled": False},
        {"defect": None},
        {"withdrew": False},
        {"consents": True},
        {"held_out": False},
        {"human_until": None},
        {"now": MORNING},
        {"sent": ()},
        {"window": None},
    ):
        verdict = may_contact(everything, CONTROLS)
        assert not isinstance(verdict, Allow)
        named.append(verdict.reason)
        everything = replace(everything, **cure)
    assert named == [
        "blocked",
        "cancelled",
        "missing_variable",
        "opted-out",
        "no-consent",
        "holdout",
        "human-talking",
        "quiet-hours",
        "frequency-cap",
        "window-closed",
    ]
    assert may_contact(everything, CONTROLS) == GO


def test_half_a_year_of_silence_is_not_dormant_yet() -> None:
    assert may_contact(replace(FINE, last_heard=NOON - timedelta(days=183)), CONTROLS) == GO
    assert may_contact(replace(FINE, last_heard=None), CONTROLS) == GO


# --- caps of a channel or a topic ----------------------------------------------------------------------------------

NEWS, SALE = Slug("news"), Slug("sale")
TELEGRAM, WECHAT = Channel("telegram"), Channel("wechat")
SCOPED = replace(
    CONTROLS,
    cap=FrequencyCap(3, 0),
    caps=(
        ScopedCap(FrequencyCap(1, 0), Scope.TOPIC, NEWS),
        ScopedCap(FrequencyCap(2, 0), Scope.CHANNEL, Slug(WECHAT)),
    ),
)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "spent, channel, topic, rule",
    [
        ([(TELEGRAM, NEWS)], TELEGRAM, NEWS, "cap-topic-news-1-a-day-0-a-week"),
        ([(TELEGRAM, NEWS)], WECHAT, NEWS, "cap-topic-news-1-a-day-0-a-week"),
        ([(TELEGRAM, NEWS)], TELEGRAM, SALE, None),
        ([(WECHAT, SALE)], WECHAT, SALE, None),
        ([(WECHAT, SALE)] * 2, WECHAT, SALE, "cap-channel-wechat-2-a-day-0-a-week"),
        ([(WECHAT, SALE)] * 2, TELEGRAM, SALE, None),
        ([(WECHAT, SALE), (TELEGRAM, NEWS), (TELEGRAM, SALE)], TELEGRAM, SALE, "cap-3-a-day-0-a-week"),
        ([(None, None)], TELEGRAM, NEWS, "cap-topic-news-1-a-day-0-a-week"),
    ],
)
def test_each_cap_counts_what_it_is_about_and_says_which_it_is(
    spent: list[tuple[Channel | None, Slug | None]], channel: Channel, topic: Slug, rule: str | None
) -> None:
    sent = tuple(Spent(NOON - HOUR, where, about) for where, about in spent)
    verdict = may_contact(replace(FINE, sent=sent, channel=channel, topic=topic), SCOPED)
    assert verdict == (
        GO if rule is None else Wait(MIDNIGHT, Slug("frequency-cap"), Slug(rule), left_out_if_too_late=True)
    )


# --- the recipient's own zone --------------------------------------------------------------------------------------

BERLIN, NEW_YORK = ZoneName("Europe/Berlin"), ZoneName("America/New_York")


def test_quiet_hours_and_the_day_of_the_cap_are_the_recipients() -> None:
    at_five = replace(FINE, zone=BERLIN)  # noon in Shanghai is five in the morning in Berlin
    assert may_contact(at_five, CONTROLS) == replace(QUIET, until=NOON + timedelta(hours=3, minutes=30))
    awake = replace(at_five, now=NOON + timedelta(hours=8), sent=(Spent(NOON + timedelta(hours=4)),))
    assert may_contact(awake, CONTROLS) == replace(CAPPED, until=NOON + timedelta(hours=19))


@pytest.mark.parametrize(
    "evening, morning",
    [
        (
            "2026-03-08T02:30Z",
            "2026-03-08T12:30Z",
        ),  # the night in which clocks go forward: 8:30 is an hour sooner
        ("2026-03-07T03:30Z", "2026-03-07T13:30Z"),
        ("2026-11-01T03:30Z", "2026-11-01T13:30Z"),  # back
        ("2026-10-31T03:30Z", "2026-10-31T12:30Z"),
    ],
)
def test_the_quiet_hours_end_at_the_same_local_time_whatever_the_clocks_did(
    evening: str, morning: str
) -> None:
    begins, ends = (datetime.fromisoformat(moment) for moment in (evening, morning))
    verdict = may_contact(replace(FINE, now=begins + HOUR, zone=NEW_YORK, last_heard=begins), CONTROLS)
    assert verdict == replace(QUIET, until=ends)


# --- who comes first -----------------------------------------------------------------------------------------------


def outranked(*rivals: Rival, **facts: Any) -> Verdict:  # noqa: ANN401  # fields of Facts
    return may_contact(replace(FINE, rivals=rivals, **facts), CONTROLS)


def rival(after: timedelta) -> Rival:
    return replace(RIVAL, not_before=NOON + after)


def test_what_is_due_now_and_more_important_goes_first() -> None:
    assert outranked(rival(-HOUR / 2)) == replace(OUTRANKED, until=NOON + timedelta(minutes=10))


def test_what_does_not_compete_for_the_same_day_is_no_rival() -> None:
    assert outranked(rival(timedelta(hours=13))) == GO


def test_nobody_waits_for_what_should_have_gone_an_hour_ago() -> None:
    assert outranked(rival(-HOUR)) == GO


def test_nobody_waits_for_what_the_cap_keeps_back_anyway() -> None:
    week = tuple(Spent(NOON - timedelta(days=days)) for days in (2, 1))
    assert may_contact(
        replace(FINE, rivals=(rival(HOUR),), sent=week), replace(CONTROLS, cap=FrequencyCap(0, 2))
    ) == Wait(
        NOON + timedelta(days=5),
        Slug("frequency-cap"),
        Slug("cap-0-a-day-2-a-week"),
        left_out_if_too_late=True,
    )
    assert outranked(rival(HOUR), sent=(Spent(NOON - timedelta(days=1)),)) == replace(
        OUTRANKED, until=NOON + timedelta(hours=1, minutes=10)
    )


def test_without_a_cap_nobody_competes() -> None:
    free = replace(CONTROLS, cap=FrequencyCap(0, 0))
    assert may_contact(replace(FINE, rivals=(rival(HOUR),)), free) == GO
    by_topic = replace(free, caps=(ScopedCap(FrequencyCap(1, 0), Scope.TOPIC, NEWS),))
    assert may_contact(replace(FINE, topic=NEWS, rivals=(rival(HOUR),)), by_topic) == GO
    about_news = replace(rival(HOUR), topic=NEWS)
    assert may_contact(replace(FINE, topic=NEWS, rivals=(about_news,)), by_topic) != GO


# --- a group's share of promotion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "promotions, others, percent, goes",
    [
        (0, 0, 10, True),
        (1, 0, 50, False),
        (1, 1, 50, False),
        (1, 2, 50, True),
        (1, 8, 20, True),
        (1, 7, 20, False),
        (9, 0, 100, True),
    ],
)
def test_a_group_hears_no_more_promotion_than_its_share(
    promotions: int, others: int, percent: int, goes: bool
) -> None:
    facts = replace(
        FINE,
        to_group=True,
        sent=tuple(Spent(NOON - timedelta(days=3)) for _ in range(promotions)),
        said_otherwise=[NOON - timedelta(days=2)] * others,
    )
    controls = replace(CONTROLS, group_cap=FrequencyCap(0, 0), group_share_percent=percent)
    later = Wait(
        NOON + timedelta(days=1),
        Slug("group-share"),
        Slug(f"share-{percent}-percent"),
        left_out_if_too_late=True,
    )
    assert may_contact(facts, controls) == (GO if goes else later)
