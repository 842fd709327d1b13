"""Results as they may come out, without a log: so many went out, so many of them did this and that."""

from datetime import timedelta

from bot.campaigns.results import ArmResult, Holdout, Results
from bot.campaigns.statistics import Rate, adjusted, difference, evenness, people_needed
from domain.campaigns.campaign import Stage
from domain.campaigns.plan import Arm
from domain.identity import CampaignId, Currency, Slug
from projections.campaigns import Campaign, Figure, Figures, Reason, Status, Worth
from tests.projections.house import NOON

SPRING = CampaignId("spring")


def campaign(arms: int = 2, goal: str | None = "order") -> Campaign:
    return Campaign(
        id=SPRING,
        stage=Stage.RUNNING,
        pause_reason=None,
        name="春茶 <上新> & more",
        topic=Slug("marketing"),
        goal=None if goal is None else Slug(goal),
        goal_days=None if goal is None else 7,
        holdout_percent=10,
        arms=tuple(Arm(variant=Slug("abcdefgh"[n])) for n in range(arms)),
        operator=None,
        approved_by=None,
        meant=None,
        drafted_at=NOON,
        scheduled_for=NOON,
        started_at=NOON,
        ended_at=None,
    )


def figures(**counted: int) -> Figures:
    """The others are nought. Names as in the enum, in small letters."""
    return {figure: counted.get(figure.name.lower(), 0) for figure in Figure}


def arm(number: int, sent: int, converted: int) -> ArmResult:
    counted = figures(
        sent=sent, converted=converted, planned=sent, eligible=sent, eligible_converted=converted
    )
    return ArmResult(Slug("abcdefgh"[number]), 1, counted, Rate(converted, sent))


def results(
    *arms: tuple[int, int], held_out: tuple[int, int] | None = None, goal: str | None = "order"
) -> Results:
    """``arms``: (sent, converted) each; ``held_out``: (people, converted)."""
    plain = [arm(number, *counted) for number, counted in enumerate(arms)]
    against = [difference(plain[0].rate, other.rate) for other in plain[1:]]
    sure = adjusted([one.p_value for one in against])
    compared = [
        ArmResult(one.variant, one.weight, one.figures, one.rate, found, p_value)
        for one, found, p_value in zip(plain[1:], against, sure, strict=True)
    ]
    sent, converted = (sum(counted[part] for counted in arms) for part in (0, 1))
    people, did = held_out or (0, 0)
    total = figures(
        planned=sent + people + 12,
        sent=sent,
        left_out=people + 12,
        delivered=sent // 2,
        converted=converted,
        eligible=sent,
        eligible_converted=converted,
        held_out=people,
        held_out_converted=did,
    )
    base, reached = Rate(did, people), Rate(converted, sent)
    needed = people_needed(plain[0].rate.value, 0.2) if plain and plain[0].rate.hits else None
    return Results(
        id=SPRING,
        campaign=campaign(len(arms), goal),
        run=None,
        occurrences=1,
        figures=total,
        reasons=[Reason(Status.LEFT_OUT, Slug("opted-out"), Slug("consent"), 12)],
        worth=[Worth(Currency("CNY"), 1_234_500)],
        measure=Figure.CONVERTED,
        arms=[*plain[:1], *compared],
        holdouts=[Holdout(Figure.HELD_OUT, base, reached, difference(base, reached))] if held_out else [],
        evenness=evenness([counted[0] for counted in arms], [1.0] * len(arms)),
        open_until=NOON + timedelta(days=7),
        needed=None if needed is None else int(needed),
    )
