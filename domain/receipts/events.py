"""What is known of a receipt: whose it will be, and what it said. Either may come first."""

from dataclasses import dataclass
from typing import ClassVar

from domain.identity import DeliveryId, Digest, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptExpected:
    """The provider will tell what became of this delivery. ``receipt``: keyed hash of the channel and the provider's id of the message."""

    SUBJECT: ClassVar[str] = ""
    receipt: Digest
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptCame:
    """It told. ``outcome``: as in ReceiptReported."""

    SUBJECT: ClassVar[str] = ""
    receipt: Digest
    outcome: Slug


EVENTS = (
    ("receipt-expected/1", ReceiptExpected),
    ("receipt-came/1", ReceiptCame),
)
