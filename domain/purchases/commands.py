"""What may be asked of an order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.identity import ContactId, Currency, CustomerId, Digest, PurchaseId, Slug
from domain.message import Personal
from domain.policies.signs import Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Note an order; one that is known is corrected where its amount differs, if ``corrects``. Other fields as in OrderPlaced."""

    purchase: PurchaseId
    number: Personal[str]
    items: Personal[list[Any]] | None = None
    amount: int
    currency: Currency
    at: datetime
    source: Slug
    corrects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOrder:
    """Note that a known order was paid; what is known of it is corrected, if ``corrects``. Other fields as in OrderPaid."""

    purchase: PurchaseId
    amount: int
    currency: Currency
    at: datetime
    corrects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """Note that money of a known order was given back. Fields as in OrderRefunded."""

    purchase: PurchaseId
    refund: Digest
    amount: int
    currency: Currency
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOrder:
    """Note whose it is, unless that is known. Fields as in OrderMatched."""

    purchase: PurchaseId
    by: Slug
    customer: CustomerId | None = None
    contact: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitOrder:
    """Let the order wait for whoever turns out to have this sign."""

    sign: Digest
    purchase: PurchaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class FindBuyer:
    """Match an order with its buyer: the customer, else whoever has one of the signs, the first that leads to somebody.

    Where nobody is found yet, the order waits for each of the signs.
    """

    purchase: PurchaseId
    customer: CustomerId | None = None
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimOrders:
    """Whatever waits for this sign is of this contact."""

    sign: Digest
    kind: Slug
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimByNumber:
    """This contact said these orders' numbers: those that are nobody's are theirs."""

    purchases: tuple[PurchaseId, ...]
    contact: ContactId
