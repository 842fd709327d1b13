"""What became of a campaign, for each recipient, and what followed."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.campaigns.campaign import Stage
from domain.campaigns.commands import CancelCampaign, PauseCampaign, ResumeCampaign
from domain.campaigns.plan import Arm
from domain.campaigns.run import Pass
from domain.customers.commands import MergeCustomers, UnmergeCustomer, WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    ConfirmDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ResolveDelivery,
)
from domain.deliveries.events import HOLDOUT, Confirmation, DeliveryPlanned
from domain.forgetting import ForgetCustomer
from domain.goals.commands import ReachGoal
from domain.identity import CampaignId, Currency, DeliveryId, Digest, Slug
from domain.message import Command, Personal
from domain.purchases.commands import FindBuyer, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.numbers import purchase_of
from projections.campaigns import (
    Among,
    Campaign,
    Figure,
    Recipient,
    Status,
    added_up,
    campaign,
    figures,
    figures_by_variant,
    last_at,
    reasons,
    recipients,
    runs,
    worth,
)
from projections.campaigns.figures import Reason, Worth
from projections.engine import Projector
from projections.registry import projections
from tests.projections.conftest import OpenViews
from tests.projections.house import MOVES, TELEGRAM, House, lived, matches
from tests.projections.outreach import (
    COFFEE,
    TEA,
    A,
    B,
    campaign_moves,
    draft,
    launched,
    outreach,
    plan,
    run_of,
)
from tests.projections.reading import catch_up

OF_TEA = Among(campaign=TEA)
CNY = Currency("CNY")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COUNTED = dict.fromkeys(Figure, 0)


def planned(house: House, who: str, campaign: CampaignId = TEA, variant: Slug = A) -> DeliveryId:
    house.says(who, "hi")
    command = plan(house, house.contact(who), house.customer(who), campaign, variant)
    house.do(command)
    return command.delivery


def sent(house: House, who: str, campaign: CampaignId = TEA, variant: Slug = A) -> DeliveryId:
    delivery = planned(house, who, campaign, variant)
    house.claims(delivery)
    house.do(AcceptDelivery(delivery=delivery, attempt=1))
    return delivery


def orders(house: House, who: str | None, number: str = "A-1", amount: int = 9_900, **told: object) -> None:
    """Somebody orders now; None: nobody knows who."""
    purchase = purchase_of(house.digest, number)
    at, currency = told.get("at", house.now), told.get("currency", CNY)
    order = PlaceOrder(
        purchase=purchase,
        number=Personal(number),
        amount=amount,
        currency=currency,  # type: ignore[arg-type]  # as the test says
        at=at,  # type: ignore[arg-type]  # as the test says
        source=Slug("api"),
    )
    house.do(order)
    if who is not None:
        house.do(FindBuyer(purchase=purchase, customer=house.customer(who)))


def withdraws(house: House, who: str, topic: Slug = MARKETING) -> None:
    house.do(WithdrawConsent(contact=house.contact(who), topic=topic, source=ConsentSource.OPERATOR))


def counted(projector: Projector, among: Among = OF_TEA) -> dict[Figure, int]:
    """The figures that are not nought."""
    catch_up(projector)
    with projector.views.read() as connection:
        return {figure: number for figure, number in figures(connection, among).items() if number}


def listed(projector: Projector, figure: Figure, among: Among = OF_TEA) -> list[Recipient]:
    catch_up(projector)
    with projector.views.read() as connection:
        return recipients(connection, among, figure)


# --- where it stands -----------------------------------------------------------------------------------------------


def test_a_campaign_is_shown_as_it_stands(projector: Projector, house: House) -> None:
    launched(house)
    house.do(PauseCampaign(campaign=TEA, reason=Slug("canary-failures")))
    catch_up(projector)
    with projector.views.read() as connection:
        paused = campaign(connection, TEA)
        (run,) = runs(connection, TEA)
        assert campaign(connection, COFFEE) is None
    assert paused == Campaign(
        id=TEA,
        stage=Stage.PAUSED,
        pause_reason=Slug("canary-failures"),
        name="tea in spring",
        topic=MARKETING,
        goal=Slug("order"),
        goal_days=7,
        holdout_percent=20,
        arms=(Arm(variant=A), Arm(variant=B)),
        operator=draft().operator,
        approved_by=None,
        meant=3,
        drafted_at=house.now,
        scheduled_for=house.now,
        started_at=house.now,
        ended_at=None,
    )
    assert (run.id, run.campaign, run.at, run.meant, run.at_pass) == (
        run_of(TEA),
        TEA,
        house.now,
        3,
        Pass.EVERYBODY,
    )


def test_a_campaign_goes_on_where_it_was_and_ends(projector: Projector, house: House) -> None:
    launched(house)
    house.do(PauseCampaign(campaign=TEA, reason=Slug("operator")), ResumeCampaign(campaign=TEA))
    launched(house, COFFEE)
    house.now += HOUR
    house.do(CancelCampaign(campaign=TEA))
    catch_up(projector)
    with projector.views.read() as connection:
        found = [one for which in (TEA, COFFEE) if (one := campaign(connection, which))]
    stages = {one.id: (one.stage, one.pause_reason, one.ended_at) for one in found}
    assert stages == {TEA: (Stage.CANCELLED, None, house.now), COFFEE: (Stage.RUNNING, None, None)}


# --- what became of each -------------------------------------------------------------------------------------------


def test_a_recipient_is_shown_whole(projector: Projector, house: House) -> None:
    launched(house)
    delivery = sent(house, "wang")
    house.now += HOUR
    house.do(ConfirmDelivery(delivery=delivery, how=Confirmation.CLICKED))
    orders(house, "wang")
    (planned_at,) = [r.position for r in house.everything() if isinstance(r.event, DeliveryPlanned)]
    assert listed(projector, Figure.CONVERTED) == [
        Recipient(
            cursor=planned_at,
            delivery=delivery,
            run=run_of(TEA),
            customer=house.customer("wang"),
            contact=house.contact("wang"),
            group=None,
            channel=TELEGRAM,
            variant=A,
            status=Status.SENT,
            reason=None,
            rule=None,
            route=None,
            planned_at=house.now - HOUR,
            at=house.now - HOUR,
            delivered_at=house.now,
            read_at=None,
            clicked_at=house.now,
            replied_at=None,
            recalled_at=None,
            opted_out_at=None,
            converted_at=house.now,
            value=9_900,
            currency=CNY,
        )
    ]


OUTCOMES: list[tuple[Command | None, Figure]] = [
    (None, Figure.WAITING),
    (AcceptDelivery(delivery=DeliveryId(""), attempt=1), Figure.SENT),
    (RejectDelivery(delivery=DeliveryId(""), attempt=1, reason=Slug("gone")), Figure.FAILED),
    (LoseTrackOfDelivery(delivery=DeliveryId(""), attempt=1, reason=Slug("timeout")), Figure.UNKNOWN),
]


@pytest.mark.parametrize("outcome, figure", OUTCOMES, ids=[figure for _, figure in OUTCOMES])
def test_each_outcome_has_its_figure(
    projector: Projector, house: House, outcome: Command | None, figure: Figure
) -> None:
    launched(house)
    delivery = planned(house, "wang")
    house.claims(delivery)
    if outcome is not None:
        kind = type(outcome)
        fields = {name: getattr(outcome, name) for name in outcome.__dataclass_fields__}
        house.do(kind(**{**fields, "delivery": delivery}))
    eligible = {} if figure is Figure.WAITING else {Figure.ELIGIBLE: 1}
    assert counted(projector) == {Figure.PLANNED: 1, figure: 1} | eligible


def test_an_unknown_one_that_is_resolved_was_sent(projector: Projector, house: House) -> None:
    launched(house)
    delivery = planned(house, "wang")
    house.claims(delivery)
    house.do(LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout")))
    orders(house, "wang")
    assert Figure.CONVERTED not in counted(projector)
    house.do(ResolveDelivery(delivery=delivery, sent=True))
    now = counted(projector)
    assert (now[Figure.SENT], now[Figure.CONVERTED], now.get(Figure.UNKNOWN)) == (1, 1, None)


def test_why_some_got_nothing_is_told_by_reason(projector: Projector, house: House) -> None:
    launched(house)
    for who in ("wang", "li"):
        house.says(who, "hi")
        withdraws(house, who)
        house.claims(planned(house, who))
    house.claims(planned(house, "zhao", variant=HOLDOUT))
    catch_up(projector)
    with projector.views.read() as connection:
        assert reasons(connection, OF_TEA) == [
            Reason(Status.LEFT_OUT, Slug("opted-out"), Slug("consent"), 2),
            Reason(Status.LEFT_OUT, Slug("holdout"), Slug("experiment"), 1),
        ]
    opted_out = Among(campaign=TEA, reason=Slug("opted-out"))
    assert len(listed(projector, Figure.LEFT_OUT, opted_out)) == 2
    assert counted(projector)[Figure.HELD_OUT] == 1
    assert Figure.ELIGIBLE not in counted(projector)


@pytest.mark.parametrize("rule, counts", [("consent", 0), ("reachability", 0), ("frequency-cap", 1)])
def test_who_is_compared_depends_on_what_was_asked_before_the_draw(
    projector: Projector, house: House, rule: str, counts: int
) -> None:
    launched(house)
    cancelled = CancelDelivery(delivery=planned(house, "wang"), reason=Slug("why"), rule=Slug(rule))
    house.do(cancelled)
    assert counted(projector).get(Figure.ELIGIBLE, 0) == counts


def test_a_trial_and_a_message_of_no_campaign_count_nowhere(projector: Projector, house: House) -> None:
    launched(house)
    house.says("wang", "hi")
    trial: PlanDelivery = plan(house, house.contact("wang"), house.customer("wang"))
    house.plans("wang", campaign=TEA, run=None, variant=trial.variant)
    house.plans("wang")
    assert counted(projector) == {}


def test_runs_texts_and_channels_are_told_apart(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang", variant=A)
    sent(house, "li", variant=B)
    house.do(plan(house, house.contact("li"), house.customer("li"), variant=A, number=2))
    assert counted(projector, Among(campaign=TEA, run=run_of(TEA, 2))) == {
        Figure.PLANNED: 1,
        Figure.WAITING: 1,
    }
    assert counted(projector, Among(campaign=TEA, variant=B))[Figure.SENT] == 1
    assert counted(projector, Among(campaign=TEA, channel=TELEGRAM))[Figure.PLANNED] == 3
    with projector.views.read() as connection:
        by_variant = figures_by_variant(connection, OF_TEA)
        assert last_at(connection, OF_TEA) == house.now
    assert {name: found[Figure.PLANNED] for name, found in by_variant.items()} == {A: 2, B: 1}


# --- what followed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours, counts", [(0, 1), (72, 1), (73, 0)])
def test_who_withdraws_within_three_days_did_so_because_of_it(
    projector: Projector, house: House, hours: int, counts: int
) -> None:
    launched(house)
    sent(house, "wang")
    house.now += hours * HOUR
    withdraws(house, "wang")
    assert counted(projector).get(Figure.OPTED_OUT, 0) == counts


def test_ending_another_topic_is_not_because_of_it(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang")
    withdraws(house, "wang", Slug("events"))
    assert Figure.OPTED_OUT not in counted(projector)


def test_what_happened_before_it_went_out_is_not_because_of_it(projector: Projector, house: House) -> None:
    launched(house)
    house.says("wang", "hi")
    orders(house, "wang")
    house.now += HOUR
    sent(house, "wang")
    assert Figure.CONVERTED not in counted(projector)


@pytest.mark.parametrize("after, counts", [(7 * DAY - HOUR, 1), (7 * DAY, 0)])
def test_an_order_counts_for_as_many_days_as_the_goal_says(
    projector: Projector, house: House, after: timedelta, counts: int
) -> None:
    launched(house)
    sent(house, "wang")
    house.now += after
    orders(house, "wang")
    assert counted(projector).get(Figure.CONVERTED, 0) == counts


def test_an_order_that_is_told_late_counts_for_when_it_was_made(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang")
    ordered = house.now + HOUR
    house.now += 30 * DAY
    orders(house, "wang", at=ordered)
    assert [one.converted_at for one in listed(projector, Figure.CONVERTED)] == [ordered]


def test_an_order_whose_buyer_turns_up_later_counts(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang")
    orders(house, None, "A-2026-1")
    assert Figure.CONVERTED not in counted(projector)
    house.says("wang", "where is A-2026-1")
    assert counted(projector)[Figure.CONVERTED] == 1


def test_a_goal_counts_for_the_campaign_that_has_it(projector: Projector, house: House) -> None:
    launched(house)
    launched(house, COFFEE)
    sent(house, "wang")
    sent(house, "wang", COFFEE)
    reached = ReachGoal(
        key=Digest("k"), goal=Slug("visit"), customer=house.customer("wang"), at=house.now, value=3
    )
    house.do(reached)
    assert Figure.CONVERTED not in counted(projector)
    assert counted(projector, Among(campaign=COFFEE))[Figure.CONVERTED] == 1
    with projector.views.read() as connection:
        assert worth(connection, Among(campaign=COFFEE)) == [Worth(None, 3)]


def test_those_who_got_nothing_are_followed_from_when_they_were_left_out(
    projector: Projector, house: House
) -> None:
    launched(house)
    house.claims(planned(house, "wang", variant=HOLDOUT))
    house.now += DAY
    orders(house, "wang")
    found = counted(projector)
    assert (found[Figure.HELD_OUT], found[Figure.HELD_OUT_CONVERTED]) == (1, 1)
    assert Figure.CONVERTED not in found


def test_the_worth_is_what_was_paid_less_what_went_back(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang")
    orders(house, "wang", "A-1", 10_000)
    orders(house, "wang", "A-2", 5_000)
    orders(house, "wang", "A-3", 700, currency=Currency("JPY"))
    first = purchase_of(house.digest, "A-1")
    house.do(PayOrder(purchase=first, amount=9_000, currency=CNY, at=house.now))
    house.do(RefundOrder(purchase=first, refund=Digest("r"), amount=1_000, currency=CNY, at=house.now))
    assert counted(projector)[Figure.CONVERTED] == 1
    with projector.views.read() as connection:
        assert worth(connection, OF_TEA) == [Worth(CNY, 13_000)]


# --- who is who ----------------------------------------------------------------------------------------------------


def test_a_merge_counts_what_either_record_did_and_its_undoing_takes_it_back(
    projector: Projector, house: House
) -> None:
    launched(house)
    sent(house, "wang")
    house.says("li", "hi")
    orders(house, "li")
    assert Figure.CONVERTED not in counted(projector)
    house.do(MergeCustomers(customer=house.customer("wang"), other=house.customer("li")))
    assert counted(projector)[Figure.CONVERTED] == 1
    house.do(UnmergeCustomer(customer=house.customer("li")))
    assert Figure.CONVERTED not in counted(projector)


def test_the_list_names_who_answers_for_a_recipient_now(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "li")
    house.says("wang", "hi")
    house.do(MergeCustomers(customer=house.customer("wang"), other=house.customer("li")))
    assert [one.customer for one in listed(projector, Figure.SENT)] == [house.customer("wang")]


def test_the_forgotten_still_count_and_nothing_says_who_they_were(projector: Projector, house: House) -> None:
    launched(house)
    sent(house, "wang")
    orders(house, "wang")
    before = counted(projector)
    contact, customer = house.contact("wang"), house.customer("wang")
    house.do(ForgetCustomer(customer=customer, addresses=((contact, Digest("address")),), orders=()))
    assert counted(projector) == before
    (row,) = listed(projector, Figure.CONVERTED)
    assert (row.contact, row.customer, row.value) == (None, None, 9_900)


# --- each figure is its list ---------------------------------------------------------------------------------------

OWN = (campaign_moves, outreach)
MOVED = st.tuples(
    st.one_of(st.integers(0, len(MOVES) - 1), st.sampled_from([MOVES.index(move) for move in OWN])),
    st.integers(0, 5),
    st.integers(0, 11),
)


def pages(projector: Projector, among: Among, figure: Figure) -> list[DeliveryId]:
    """Every delivery behind a figure, read two at a time."""
    found: list[DeliveryId] = []
    after = 0
    with projector.views.read() as connection:
        while page := recipients(connection, among, figure, after=after, limit=2):
            found += [one.delivery for one in page]
            after = page[-1].cursor
    return found


def each_figure_is_as_long_as_its_list(open_views: OpenViews, moves: list[tuple[int, int, int]]) -> None:
    views = open_views()
    house = lived(moves)
    projector = Projector(views, house.log, [p for p in projections(matches) if p.name == "campaign_results"])
    catch_up(projector)
    parts: list[Among] = [Among(campaign=which) for which in (TEA, COFFEE)]
    parts += [Among(campaign=TEA, run=run_of(TEA, 1)), Among(campaign=COFFEE, variant=B)]
    for among in parts:
        with views.read() as connection:
            counted_ = figures(connection, among)
            told = reasons(connection, among)
            assert counted_ == added_up(figures_by_variant(connection, among).values())
        lists = {figure: pages(projector, among, figure) for figure in Figure}
        assert counted_ == {figure: len(rows) for figure, rows in lists.items()}
        assert all(len(set(rows)) == len(rows) for rows in lists.values())
        ends = (Figure.WAITING, Figure.LEFT_OUT, Figure.SENT, Figure.UNKNOWN, Figure.FAILED, Figure.EXPIRED)
        assert sorted(row for end in ends for row in lists[end]) == sorted(lists[Figure.PLANNED])
        left_out = [one.recipients for one in told if one.status is Status.LEFT_OUT]
        assert sum(left_out) == counted_[Figure.LEFT_OUT]
    views.close()


@pytest.mark.parametrize("open_views", ["sqlite"], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(moves=st.lists(MOVED, max_size=30))
def test_whatever_happened_each_figure_is_as_long_as_its_list(
    open_views: OpenViews, moves: list[tuple[int, int, int]]
) -> None:
    each_figure_is_as_long_as_its_list(open_views, moves)


def test_on_either_store_each_figure_is_as_long_as_its_list(open_views: OpenViews) -> None:
    ours = [MOVES.index(move) for move in OWN]
    each_figure_is_as_long_as_its_list(
        open_views, [(ours[n % 5 > 0], n % 6, (7 * n) % 12) for n in range(60)]
    )
