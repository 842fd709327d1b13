"""What happened to an order. Amounts are in the currency's smallest unit; the number and the items are sealed under the order's own key.

That key is a purchase's and nobody's else, since an order may come before anybody knows whose it is. Once it was matched, forgetting its
buyer destroys it (projections/forgotten.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.identity import ContactId, Currency, CustomerId, Digest, PurchaseId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """Somebody ordered. ``items``: as the shop lists them. ``at``: when it was ordered. ``source``: ``api`` or ``csv``."""

    SUBJECT: ClassVar[str] = "purchase"
    purchase: PurchaseId
    number: Personal[str]
    items: Personal[list[Any]] | None = None
    amount: int
    currency: Currency
    at: datetime
    source: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCorrected:
    """The shop says another amount than before: what was said last counts."""

    SUBJECT: ClassVar[str] = ""
    purchase: PurchaseId
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid:
    """It was paid, or what was paid is corrected: ``amount`` is all that was paid for it."""

    SUBJECT: ClassVar[str] = ""
    purchase: PurchaseId
    amount: int
    currency: Currency
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded:
    """So much was given back. ``refund``: keyed hash of what the shop calls this refund; an order may have several."""

    SUBJECT: ClassVar[str] = ""
    purchase: PurchaseId
    refund: Digest
    amount: int
    currency: Currency
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMatched:
    """We know whose it is: this customer's, or whoever this contact belongs to. One of the two is named, as it was known.

    ``by``: ``customer``, ``contact``, ``unionid``, ``phone``, or ``number`` (they said it in the chat).
    """

    SUBJECT: ClassVar[str] = ""
    purchase: PurchaseId
    by: Slug
    customer: CustomerId | None = None
    contact: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAwaited:
    """An order is of whoever turns out to have this phone number, unionid or address (``sign``: its keyed hash)."""

    SUBJECT: ClassVar[str] = ""
    sign: Digest
    purchase: PurchaseId


EVENTS = (
    ("order-placed/1", OrderPlaced),
    ("order-corrected/1", OrderCorrected),
    ("order-paid/1", OrderPaid),
    ("order-refunded/1", OrderRefunded),
    ("order-matched/1", OrderMatched),
)
CLAIM_EVENTS = (("order-awaited/1", OrderAwaited),)
