"""The class x control table of shared/design/delivery.md, as it stands there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.identity import Slug
from domain.message import ReplyWindow
from domain.policies.may_contact import Allow, Facts, Refuse, Verdict, Wait, may_contact
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
CLOSED = refuse("window-closed", "reply-window")
HUMAN = Wait(TALKING, Slug("human-talking"), Slug("handover"))
QUIET = Wait(MORNING, Slug("quiet-hours"), Slug("quiet-hours"))
CAPPED = Wait(MIDNIGHT, Slug("frequency-cap"), Slug("cap-1-a-day-2-a-week"), left_out_if_too_late=True)
DORMANT = NOON - timedelta(days=184)


def window(messages: int) -> dict[str, Any]:
    return {"window": ReplyWindow(messages, NOON, TOMORROW)}


# control: what is the case, then the verdict for marketing, service and reply.
TABLE: dict[str, tuple[dict[str, Any], Verdict, Verdict, Verdict]] = {
    "nothing objects": ({}, GO, GO, GO),
    "no consent": ({"consents": False}, refuse("no-consent", "consent"), GO, GO),
    "stop word": ({"withdrew": True}, refuse("opted-out", "consent"), GO, GO),
    "blocked": ({"unreachable": Slug("blocked")}, BLOCKED, BLOCKED, BLOCKED),
    "cap": ({"sent": (NOON - timedelta(hours=1),)}, CAPPED, GO, GO),
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
        {"sent": (NOON - timedelta(hours=1),)},
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
        sent=(NIGHT,),
        window=ReplyWindow(0, NOON, NOON),
    )
    named = []
    for cure in (
        {"unreachable": None},
        {"cancelled": False},
        {"defect": None},
        {"withdrew": False},
        {"consents": True},
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
        "human-talking",
        "quiet-hours",
        "frequency-cap",
        "window-closed",
    ]
    assert may_contact(everything, CONTROLS) == GO


def test_half_a_year_of_silence_is_not_dormant_yet() -> None:
    assert may_contact(replace(FINE, last_heard=NOON - timedelta(days=183)), CONTROLS) == GO
    assert may_contact(replace(FINE, last_heard=None), CONTROLS) == GO
