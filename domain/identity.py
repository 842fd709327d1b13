"""Names of things: ids, stream ids and the keyed hash that makes derived ones.

A stream id is ``category-key``, e.g. ``contact-0193...`` or ``inbound-5f1c...``. Ids of people are random; ids that must come out
equal when something happens twice are keyed hashes (HMAC-SHA256, so that nobody can guess them from a phone number).
"""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

StreamId = NewType("StreamId", str)
SubjectId = NewType("SubjectId", str)
"""Whose key encrypts a personal field: ``brand``, or a category (contact, customer, group, operator, order, purchase) and an id of it."""

ContactId = NewType("ContactId", str)
CustomerId = NewType("CustomerId", str)
GroupId = NewType("GroupId", str)
OperatorId = NewType("OperatorId", str)
DeliveryId = NewType("DeliveryId", str)
BroadcastId = NewType("BroadcastId", str)
CampaignId = NewType("CampaignId", str)
RunId = NewType("RunId", str)
"""One occurrence of a campaign: a keyed hash of the campaign and the local date, or of the campaign alone where it goes out once."""
ScheduleId = NewType("ScheduleId", str)
RuleId = NewType("RuleId", str)
MediaId = NewType("MediaId", str)
"""Keyed hash: names a file in the media store."""
EventId = NewType("EventId", str)
"""``stream@version``."""

Channel = NewType("Channel", str)
Account = NewType("Account", str)
"""The provider's stable id of the bot or official account; never a secret."""
ProviderMessageId = NewType("ProviderMessageId", str)
Tag = NewType("Tag", str)
Slug = NewType("Slug", str)
"""A lower-case code such as ``quiet-hours``; never words of a person."""
Locale = NewType("Locale", str)
ZoneName = NewType("ZoneName", str)
MARKETING_TOPIC = Slug("marketing")
"""The topic that stands for all others: whoever ends it gets no marketing at all."""
USUAL_PRIORITY = 5
"""Of a campaign, among 1 to 9."""
Digest = NewType("Digest", str)
"""Hex of a keyed hash."""
PurchaseId = NewType("PurchaseId", str)
"""What a customer ordered of the brand: a keyed hash of the order's number, so that telling of it twice tells of one."""
Currency = NewType("Currency", str)
"""ISO 4217, three capital letters."""

ORDER = "order"
"""Category of the keys that seal what an operator ordered, a key an order: it goes with every customer the order was about."""
BRAND = SubjectId("brand")
"""What the brand itself wrote (rules, broadcasts) is sealed under this subject's key."""


class Party(StrEnum):
    """Who an address belongs to."""

    CONTACT = "contact"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody is reached at a provider. Personal: it goes to the vault, never in clear to the log."""

    party: Party
    channel: Channel
    account: Account
    external_id: str


class KeyedHash:
    """HMAC-SHA256 under the installation's secret, cut to 128 bits."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hmac.new(secret, digestmod="sha256")

    def __call__(self, *parts: str) -> Digest:
        """Hash the parts; lengths are part of the input, so ("a", "bc") and ("ab", "c") differ."""
        text = "".join([f"{len(part)}:{part}" for part in parts])
        # A copy of the prepared one: hmac.digest lets go of the interpreter each time, and may wait 5 ms to get it back.
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf8", "surrogatepass"))
        return Digest(keyed.hexdigest()[:32])


def stream(category: str, key: str) -> StreamId:
    """Join a category and a key."""
    return StreamId(f"{category}-{key}")


def category(of: str) -> str:
    """Return the category of a stream id."""
    return of.partition("-")[0]
