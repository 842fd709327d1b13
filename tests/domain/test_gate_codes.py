"""The gate hands out codes: one for each customer of a campaign, in the append that starts the delivery, and the same one again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.campaigns.plan import CODE_MARK, Arm
from domain.codes.commands import AddCodes, DoubtPool, SettlePool
from domain.codes.events import CodeAssigned, CodeTaken
from domain.codes.holding import holdings
from domain.codes.pool import code_digest, takings
from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.customers.events import SendReserved
from domain.deliveries.commands import (
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ResolveDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import DeliveryStarted, DeliverySuppressed
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Digest, RunId, Slug
from domain.message import Personal
from domain.policies.frequency_cap import FrequencyCap
from tests.domain.controls import commands
from tests.domain.controls.ids import JUNE, SUMMER, TEA_CODES
from tests.domain.outbound import DAY, OFFER, claim, notice, offer
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, said

TEXT = f"您的券码：{CODE_MARK}"
UNCAPPED = replace(commands.CONTROLS, cap=FrequencyCap(0, 0), group_cap=FrequencyCap(0, 0))
RULE = Slug("codes")


@pytest.fixture
def shop() -> Shop:
    """With a campaign under way whose pool has two codes."""
    draft = replace(commands.DRAFT_CAMPAIGN, codes=TEA_CODES, arms=(Arm(variant=Slug("a")),))
    opened = Shop().given(said("你好"), said("你好", LIN), said("大家好", chat=TEA_FANS))
    return opened.given(draft, commands.LAUNCH_CAMPAIGN, pool(opened, "TEA-1", "TEA-2"))


def pool(shop: Shop, *codes: str, since: int = 0) -> AddCodes:
    digests = tuple(code_digest(shop.digest, code) for code in codes)
    return replace(commands.ADD_CODES, codes=Personal(list(codes)), digests=digests, since=since)


def coupon(shop: Shop, delivery: DeliveryId = OFFER, run: RunId = JUNE) -> PlanDelivery:
    return replace(offer(shop, delivery), text=None, campaign=SUMMER, run=run)


def coupon_for_lin(shop: Shop, delivery: DeliveryId, run: RunId = JUNE) -> PlanDelivery:
    subject = type(offer(shop).subject)(f"contact-{shop.contact(LIN)}")
    whom = {"contact": shop.contact(LIN), "customer": shop.customer(LIN), "subject": subject}
    return replace(coupon(shop, delivery, run), **whom)  # type: ignore[arg-type]  # ids


def wants(shop: Shop, delivery: DeliveryId = OFFER, text: str = TEXT) -> ClaimDelivery:
    return replace(claim(shop, delivery), rendered=Personal(text), coded=True, controls=UNCAPPED)


def texts(shop: Shop) -> Sequence[str | None]:
    return [e.rendered.value if e.rendered is not None else None for e in shop.all_of(DeliveryStarted)]


def test_the_code_is_taken_and_put_into_the_text_in_the_append_that_starts(shop: Shop) -> None:
    shop.given(coupon(shop)).when(wants(shop)).then_kinds(
        CodeTaken, CodeAssigned, SendReserved, DeliveryStarted
    )
    (started,) = shop.all_of(DeliveryStarted)
    assert started.rendered == Personal("您的券码：TEA-1")
    assert started.code == Personal("TEA-1")
    (assigned,) = shop.all_of(CodeAssigned)
    assert assigned == CodeAssigned(
        campaign=SUMMER,
        customer=shop.customer(),
        subject=started.subject,
        delivery=OFFER,
        pool=TEA_CODES,
        number=1,
        digest=code_digest(shop.digest, "tea-1"),
        code=Personal("TEA-1"),
    )


def test_a_text_without_a_place_for_a_code_takes_none(shop: Shop) -> None:
    shop.given(coupon(shop)).when(replace(wants(shop), coded=False)).then_kinds(SendReserved, DeliveryStarted)
    assert shop.all_of(DeliveryStarted)[0].code is None


def test_what_belongs_to_no_campaign_takes_none(shop: Shop) -> None:
    shop.given(offer(shop)).when(wants(shop)).then_kinds(SendReserved, DeliveryStarted)


def test_a_retry_carries_the_same_code(shop: Shop) -> None:
    shop.given(coupon(shop), wants(shop))
    shop.given(ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=shop.now))
    shop.when(wants(shop)).then_kinds(SendReserved, DeliveryStarted)
    assert texts(shop) == ["您的券码：TEA-1"] * 2


def test_an_unknown_one_keeps_its_code_and_nobody_else_gets_it(shop: Shop) -> None:
    lins = DeliveryId("lins")
    shop.given(coupon(shop), coupon_for_lin(shop, lins), wants(shop))
    shop.given(LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("timed-out")), wants(shop, lins))
    shop.given(ResolveDelivery(delivery=OFFER, sent=False))
    assert texts(shop) == ["您的券码：TEA-1", "您的券码：TEA-2"]
    again = DeliveryId("again")
    shop.given(coupon(shop, again, RunId("july")), wants(shop, again))
    assert texts(shop)[-1] == "您的券码：TEA-1"


def test_what_was_refused_for_good_gives_its_code_to_nobody_else(shop: Shop) -> None:
    lins = DeliveryId("lins")
    shop.given(coupon(shop), coupon_for_lin(shop, lins), wants(shop))
    shop.given(RejectDelivery(delivery=OFFER, attempt=1, reason=Slug("bad-text")), wants(shop, lins))
    assert texts(shop) == ["您的券码：TEA-1", "您的券码：TEA-2"]


def test_where_none_is_left_they_are_left_out_and_told_why(shop: Shop) -> None:
    names = [DeliveryId(f"d{number}") for number in range(3)]
    people = [said("你好", replace(WANG, external_id=f"9{n}")) for n in range(3)]
    shop.given(*people)
    for name, person in zip(names, people, strict=True):
        assert person.sender is not None
        contact = shop.contact(person.sender)
        whom = {"contact": contact, "customer": shop.customer(person.sender)}
        shop.given(replace(coupon(shop, name), **whom))  # type: ignore[arg-type]  # ids
    shop.batch(*(wants(shop, name) for name in names))
    assert texts(shop) == ["您的券码：TEA-1", "您的券码：TEA-2"]
    assert shop.all_of(DeliverySuppressed) == [
        DeliverySuppressed(delivery=names[2], reason=Slug("no-code-left"), rule=RULE)
    ]
    assert len(shop.all_of(SendReserved)) == 2
    more = DeliveryId("more")
    shop.given(pool(shop, "TEA-3", since=2), coupon_for_lin(shop, more), wants(shop, more))
    assert texts(shop)[-1] == "您的券码：TEA-3"


def test_a_pool_that_does_not_exist_has_none_left() -> None:
    shop = Shop().given(said("你好"))
    shop.given(
        replace(commands.DRAFT_CAMPAIGN, codes=Slug("nowhere")), commands.LAUNCH_CAMPAIGN, coupon(shop)
    )
    shop.when(wants(shop)).then(DeliverySuppressed(delivery=OFFER, reason=Slug("no-code-left"), rule=RULE))


def test_once_it_expired_nobody_gets_one_not_even_who_has_one(shop: Shop) -> None:
    soon = replace(commands.SET_POOL_EXPIRY, expires_at=shop.now + DAY)
    lins = DeliveryId("lins")
    late = shop.now + 3 * DAY
    plans = (coupon(shop), coupon_for_lin(shop, lins))
    shop.given(soon, *(replace(plan, expires_at=late) for plan in plans))
    shop.given(wants(shop))
    shop.given(ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=shop.now))
    shop.now += DAY
    shop.given(wants(shop), wants(shop, lins))
    assert shop.all_of(DeliverySuppressed) == [
        DeliverySuppressed(delivery=delivery, reason=Slug("codes-expired"), rule=RULE)
        for delivery in (OFFER, lins)
    ]


def test_from_a_pool_in_doubt_nobody_gets_one_but_who_has_one_already(shop: Shop) -> None:
    lins, again, later = DeliveryId("lins"), DeliveryId("again"), DeliveryId("later")
    shop.given(coupon(shop), wants(shop), DoubtPool(pool=TEA_CODES), coupon_for_lin(shop, lins))
    shop.when(wants(shop, lins)).then(
        DeliverySuppressed(delivery=lins, reason=Slug("codes-in-doubt"), rule=RULE)
    )
    shop.given(coupon(shop, again, RunId("july")), wants(shop, again))
    assert texts(shop) == ["您的券码：TEA-1"] * 2
    shop.given(pool(shop, "TEA-3", since=2), SettlePool(pool=TEA_CODES, through=2))
    shop.given(coupon_for_lin(shop, later, RunId("july")), wants(shop, later))
    assert texts(shop)[-1] == "您的券码：TEA-3"


def test_a_group_gets_none_for_a_code_is_one_customers(shop: Shop) -> None:
    shop.given(replace(notice(shop), text=None, campaign=SUMMER, run=JUNE))
    shop.when(wants(shop)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("codes-are-for-one"), rule=RULE)
    )
    assert shop.state(takings, TEA_CODES).taken == 0


def test_merged_customers_have_one_code_and_un_merged_each_their_own(shop: Shop) -> None:
    """The second record's code counts for the one person; later each has what was theirs, and the other takes the next."""
    lins, both, wangs = DeliveryId("lins"), DeliveryId("both"), DeliveryId("wangs")
    shop.given(coupon_for_lin(shop, lins), wants(shop, lins))
    lin = shop.customer(LIN)
    shop.given(MergeCustomers(customer=shop.customer(), other=lin))
    shop.given(coupon(shop, both, RunId("july")), wants(shop, both))
    assert texts(shop) == ["您的券码：TEA-1"] * 2
    shop.given(UnmergeCustomer(customer=lin))
    shop.given(coupon(shop, wangs, RunId("august")), wants(shop, wangs))
    assert texts(shop)[-1] == "您的券码：TEA-2"
    assert len(shop.all_of(CodeAssigned)) == 2


def test_many_claims_at_once_take_the_codes_in_order_and_no_code_twice(shop: Shop) -> None:
    many = [f"M{number}" for number in range(200)]
    shop.given(pool(shop, *many, since=2))
    names = []
    for number in range(200):
        person = replace(WANG, external_id=f"m{number}")
        shop.given(said("你好", person))
        names.append(DeliveryId(f"m{number}"))
        whom = {"contact": shop.contact(person), "customer": shop.customer(person)}
        shop.given(replace(coupon(shop, names[-1]), **whom))  # type: ignore[arg-type]  # ids
    shop.batch(*(wants(shop, name) for name in names))
    assert texts(shop) == [f"您的券码：{code}" for code in ["TEA-1", "TEA-2", *many[:198]]]


def test_a_holding_is_found_by_nobody_who_does_not_know_the_key(shop: Shop) -> None:
    shop.given(coupon(shop), wants(shop))
    key = shop.digest("holding", SUMMER, shop.customer())
    assert shop.state(holdings, key) is not None
    assert shop.state(holdings, Digest(f"{SUMMER}-{shop.customer()}")) is None
