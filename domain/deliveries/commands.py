"""What may be asked of a delivery. The claim, which needs the recipient's state too, is the gate's (domain/gate.py)."""

from dataclasses import dataclass
from datetime import datetime

from domain.deliveries.events import Confirmation, DeliveryPlan
from domain.identity import DeliveryId, OperatorId, ProviderMessageId, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDelivery(DeliveryPlan):
    """Plan a message; planning the same delivery twice plans it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptDelivery:
    """The provider said yes to this attempt."""

    delivery: DeliveryId
    attempt: int
    provider_message: ProviderMessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDelivery:
    """This attempt provably sent nothing; try again from ``not_before`` on, where tries are left."""

    delivery: DeliveryId
    attempt: int
    reason: Slug
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectDelivery:
    """The provider will never take it. ``unreachable``: nor anything else for this contact."""

    delivery: DeliveryId
    attempt: int
    reason: Slug
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseTrackOfDelivery:
    """Nobody can tell whether this attempt sent it: a time-out, a reset, or a worker that died."""

    delivery: DeliveryId
    attempt: int
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDelivery:
    """A receipt, a click or an answer shows that it arrived."""

    delivery: DeliveryId
    how: Confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuteDelivery:
    """A receipt tells that it did not arrive, though the provider had taken it."""

    delivery: DeliveryId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDelivery:
    """An operator found out what became of an Unknown one."""

    delivery: DeliveryId
    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDelivery:
    """It shall not go out after all."""

    delivery: DeliveryId
    reason: Slug
    rule: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRecall:
    """Take it back; what has not left yet will not leave."""

    delivery: DeliveryId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecall:
    """Tell how the recall ended: ``refused`` says why the channel did not take it back."""

    delivery: DeliveryId
    refused: Slug | None = None
