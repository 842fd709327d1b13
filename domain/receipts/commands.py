"""What may be asked of a receipt."""

from dataclasses import dataclass

from domain.identity import DeliveryId, Digest, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectReceipt:
    """Note which delivery a receipt will be about. Fields as in ReceiptExpected."""

    receipt: Digest
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReceipt:
    """Note what it said. Fields as in ReceiptCame."""

    receipt: Digest
    outcome: Slug
