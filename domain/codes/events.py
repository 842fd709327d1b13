"""What happened to codes. A code itself is the shop's secret: sealed wherever it stands; its keyed hash is what it is known by."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.identity import CampaignId, CustomerId, DeliveryId, Digest, OperatorId, Slug, SubjectId
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesAdded:
    """These came into a pool, numbered from ``first`` on. ``digests``: keyed hashes of them, in their order."""

    SUBJECT: ClassVar[str] = "brand"
    pool: Slug
    first: int
    codes: Personal[list[str]]
    digests: tuple[Digest, ...]
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolExpirySet:
    """From then on none of its codes is given out or redeemed."""

    SUBJECT: ClassVar[str] = ""
    pool: Slug
    expires_at: datetime
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDoubted:
    """A backup was restored: none of its codes is given out before an operator has said which may be."""

    SUBJECT: ClassVar[str] = ""
    pool: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettled:
    """Its codes are given out again, but for those up to the number ``through``: somebody may have one of them."""

    SUBJECT: ClassVar[str] = ""
    pool: Slug
    through: int
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTaken:
    """The code of this number is somebody's now: ``CodeAssigned`` says whose."""

    SUBJECT: ClassVar[str] = ""
    pool: Slug
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAssigned:
    """Of this campaign the customer has this code, however often it is sent. ``delivery``: what it was taken for.

    ``digest``: the code's keyed hash.
    """

    SUBJECT: ClassVar[str] = "subject"
    campaign: CampaignId
    customer: CustomerId
    subject: SubjectId
    delivery: DeliveryId
    pool: Slug
    number: int
    digest: Digest
    code: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRedeemed:
    """Whoever had the code used it; this happens once. ``code``: its keyed hash. ``customer``: None for one who was forgotten."""

    SUBJECT: ClassVar[str] = ""
    code: Digest
    pool: Slug
    number: int
    campaign: CampaignId
    delivery: DeliveryId
    customer: CustomerId | None = None
    at: datetime
    operator: OperatorId | None = None


POOL_EVENTS = (
    ("codes-added/1", CodesAdded),
    ("pool-expiry-set/1", PoolExpirySet),
    ("pool-doubted/1", PoolDoubted),
    ("pool-settled/1", PoolSettled),
)
TAKING_EVENTS = (("code-taken/1", CodeTaken),)
HOLDING_EVENTS = (("code-assigned/1", CodeAssigned),)
COUPON_EVENTS = (("coupon-redeemed/1", CouponRedeemed),)
