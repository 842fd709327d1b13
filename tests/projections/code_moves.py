"""Codes, as moves of the house: a campaign whose pool is filled, given out by the gate, redeemed, and expires."""

from datetime import timedelta
from typing import TYPE_CHECKING

from domain.campaigns.commands import DraftCampaign, LaunchCampaign
from domain.campaigns.plan import CODE_MARK, Content, Meant, Selection, Timing
from domain.codes.commands import AddCodes, DoubtPool, RedeemCoupon, SetPoolExpiry, SettlePool
from domain.codes.events import CodeAssigned
from domain.codes.pool import code_digest, pools
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Result
from domain.identity import CampaignId, DeliveryId, RunId, Slug, ZoneName, stream
from domain.message import Personal

if TYPE_CHECKING:
    from tests.projections.house import House

TEA, SUMMER = Slug("tea"), CampaignId("summer")


def fills(house: "House", *codes: str) -> Result:
    """Put codes into the pool, behind those that are there."""
    added = house.dispatcher.load(pools, stream(pools.category, TEA))[1].added
    digests = tuple(code_digest(house.digest, code) for code in codes)
    return house.do(AddCodes(pool=TEA, since=added, codes=Personal(list(codes)), digests=digests))


def launches(house: "House") -> Result:
    """Let a campaign begin that hands them out."""
    draft = DraftCampaign(
        campaign=SUMMER,
        name=Personal("618"),
        form=Personal("name: 618"),
        contents=Personal([Content(text="{{ code }}")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
        codes=TEA,
    )
    return house.do(draft, LaunchCampaign(campaign=SUMMER, meant=1, alone=True))


def gives(house: "House", who: str, run: str = "") -> DeliveryId:
    """Plan a delivery of the campaign, and let the gate start it with a code."""
    delivery = house.plans(
        who, None, kind=DeliveryClass.MARKETING, campaign=SUMMER, run=RunId(run or f"run-{who}")
    )
    house.claims(delivery, CODE_MARK, coded=True)
    return delivery


def redeems(house: "House", given: CodeAssigned, *, named: bool = True) -> Result:
    """Use a code up."""
    return house.do(
        RedeemCoupon(
            code=given.digest,
            pool=given.pool,
            number=given.number,
            campaign=given.campaign,
            delivery=given.delivery,
            customer=given.customer if named else None,
        )
    )


def code_moves(house: "House", a: int, b: int) -> object:
    """Fill the pool, move its end, redeem, doubt it and settle that, or give a code to somebody."""
    given = [r.event for r in house.everything() if isinstance(r.event, CodeAssigned)]
    match b % 6:
        case 0:
            return fills(house, *(f"TEA-{house.log.head()}-{number}" for number in range(a + 1)))
        case 1:
            ends = house.now + timedelta(seconds=200 * (a + 1))
            return house.do(SetPoolExpiry(pool=TEA, expires_at=ends))
        case 2 if given:
            return redeems(house, given[a % len(given)])
        case 3:
            return house.do(DoubtPool(pool=TEA) if a % 2 else SettlePool(pool=TEA, through=a))
        case _:
            who = f"buyer{a % 3}"
            house.says(who, "hello")
            launches(house)
            return gives(house, who, f"run{b}")
