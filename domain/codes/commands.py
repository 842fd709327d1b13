"""What may be asked of codes."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity import CampaignId, CustomerId, DeliveryId, Digest, OperatorId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCodes:
    """Put codes into a pool that has ``since`` of them; the pool begins with its first ones. Other fields as in CodesAdded.

    Whoever asks has seen that none of them is known: where the pool has grown since, they have to look again.
    """

    pool: Slug
    since: int
    codes: Personal[list[str]]
    digests: tuple[Digest, ...]
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPoolExpiry:
    """Let the codes of a pool count until then."""

    pool: Slug
    expires_at: datetime
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtPool:
    """A backup was restored that has this pool: which of its codes were given out since, nobody can tell."""

    pool: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlePool:
    """Give its codes out again. Those up to the number ``through`` count as given since the backup; 0: none was."""

    pool: Slug
    through: int
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCoupon:
    """Note that a code was used that somebody holds. Fields as in CouponRedeemed."""

    code: Digest
    pool: Slug
    number: int
    campaign: CampaignId
    delivery: DeliveryId
    customer: CustomerId | None = None
    operator: OperatorId | None = None
