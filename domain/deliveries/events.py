"""What happened to a delivery: the state machine of one message to one recipient."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import (
    MARKETING_TOPIC,
    USUAL_PRIORITY,
    BroadcastId,
    CampaignId,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    MediaId,
    OperatorId,
    ProviderMessageId,
    RunId,
    Slug,
    SubjectId,
)
from domain.message import Personal

ANSWERED_IN_REQUEST = Slug("answered-in-request")
"""Why a delivery is Unknown that went out as the answer to the provider's own request: the proof follows, or it is sent again."""
WINDOW_USED_UP = Slug("window-used-up")
"""Why the provider rejects what its reply window has no room for: it counted one more than we did (one claimed before they wrote, say)."""
HOLDOUT = Slug("holdout")
"""The variant of those who get nothing of a campaign, to compare with."""
RESTORED = Slug("restored")
"""Why a delivery is Unknown that was open and due when a backup was restored: it may have gone out since the backup was taken, so nothing
of it is sent again by itself, whatever its class."""


class DeliveryClass(StrEnum):
    """Which controls a message obeys, and how often it may be tried."""

    MARKETING = "marketing"
    """Broadcasts, campaigns, anything recurring: at most once."""
    SERVICE = "service"
    """A follow-up, an operator's message: at least once."""
    REPLY = "reply"
    """An answer to what they just said: at least once."""


class Confirmation(StrEnum):
    """How we know that it arrived."""

    DELIVERED = "delivered"
    READ = "read"
    CLICKED = "clicked"
    REPLIED = "replied"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """What goes out, to whom, and when: the event and the command that asks for it share these fields.

    To one ``contact`` of a ``customer``, or to a ``group``. ``text`` is None where it comes from the ``broadcast``. ``occasion`` names
    what brought it about (``auto-reply``, ``send``, ``broadcast``). ``automatic``: no person asked for it just now.
    ``verbatim``: the text is no template.
    """

    delivery: DeliveryId
    subject: SubjectId
    kind: DeliveryClass
    occasion: Slug
    contact: ContactId | None = None
    customer: CustomerId | None = None
    group: GroupId | None = None
    text: Personal[str] | None = None
    choices: Personal[list[list[str]]] | None = None
    """Rows of (label, coded answer): buttons below the text."""
    broadcast: BroadcastId | None = None
    not_before: datetime
    expires_at: datetime
    automatic: bool = False
    verbatim: bool = False
    even_at_night: bool = False
    reply_to: ProviderMessageId | None = None
    thread: Slug | None = None
    operator: OperatorId | None = None
    service_reason: Personal[str] | None = None
    media: MediaId | None = None
    """A file of the media store that goes along; ``text`` is its caption."""
    campaign: CampaignId | None = None
    run: RunId | None = None
    """The occurrence of the ``campaign`` that this belongs to: a person gets one of it, however many records they had."""
    variant: Slug | None = None
    """Which text of the campaign; HOLDOUT: none, they are left out to compare with."""
    topic: Slug = MARKETING_TOPIC
    """What marketing is about: consent and caps may be per topic."""
    priority: int = USUAL_PRIORITY
    """1 to 9: where two campaigns compete for one cap, the higher one goes."""
    reactivation: bool = False
    """It is meant for people who were silent for half a year, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlanned(DeliveryPlan):
    """A message shall go out."""

    SUBJECT: ClassVar[str] = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStarted:
    """A worker holds it until ``until`` and is about to send: this is the lease.

    ``rendered``: the text that goes out, where filling in variables made it another one than was planned.
    """

    SUBJECT: ClassVar[str] = "subject"
    delivery: DeliveryId
    subject: SubjectId
    attempt: int
    worker: Slug
    until: datetime
    rendered: Personal[str] | None = None
    route: Slug | None = None
    """Which of the channel's ways it takes, where there are several (``service``, ``mass``, ``template``, ``subscribe``)."""
    code: Personal[str] | None = None
    """The code of a pool that it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPostponed:
    """Not now: provably not sent, or not allowed before ``not_before``. ``reason`` says which control or failure."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    not_before: datetime
    reason: Slug
    rule: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAccepted:
    """The provider took it."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    provider_message: ProviderMessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfirmed:
    """It arrived, as far as ``how`` shows."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    how: Confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRejected:
    """The provider will never take it. ``unreachable``: nor anything else for this recipient.

    ``rule``: it was our gate that refused another attempt; an earlier one may have arrived.
    """

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    reason: Slug
    unreachable: bool = False
    rule: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryUnknown:
    """It may have been sent; nobody can tell. Marketing is not sent again by itself."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySuppressed:
    """The gate refused it for good: which reason, by which rule."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    reason: Slug
    rule: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryExpired:
    """Its time passed before it could go."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecallAsked:
    """An operator wants it taken back from the recipient's screen."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecalled:
    """The channel took it back; whether it was read before, nobody can tell."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecallRefused:
    """It stays where it is: the channel cannot, or would not any more."""

    SUBJECT: ClassVar[str] = ""
    delivery: DeliveryId
    reason: Slug


EVENTS = (
    ("delivery-planned/1", DeliveryPlanned),
    ("delivery-started/1", DeliveryStarted),
    ("delivery-postponed/1", DeliveryPostponed),
    ("delivery-accepted/1", DeliveryAccepted),
    ("delivery-confirmed/1", DeliveryConfirmed),
    ("delivery-rejected/1", DeliveryRejected),
    ("delivery-unknown/1", DeliveryUnknown),
    ("delivery-suppressed/1", DeliverySuppressed),
    ("delivery-expired/1", DeliveryExpired),
    ("delivery-recall-asked/1", DeliveryRecallAsked),
    ("delivery-recalled/1", DeliveryRecalled),
    ("delivery-recall-refused/1", DeliveryRecallRefused),
)
