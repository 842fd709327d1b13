"""Who and what the examples are about. Noon is noon in Shanghai, on a Monday."""

from datetime import UTC, datetime

from domain.identity import (
    Account,
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    Currency,
    CustomerId,
    DeliveryId,
    Digest,
    EventId,
    GroupId,
    Locale,
    MediaId,
    OperatorId,
    PurchaseId,
    RuleId,
    RunId,
    ScheduleId,
    Slug,
    SubjectId,
    Tag,
    ZoneName,
)
from domain.message import Context

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SHANGHAI = ZoneName("Asia/Shanghai")

TELEGRAM = Channel("telegram")
BOT = Account("7001")

ALICE = ContactId("alice")
BOB = ContactId("bob")
MRS_WANG = CustomerId("wang")
MRS_WANG_TOO = CustomerId("wang-too")
FANS = GroupId("fans")
LI = OperatorId("li")
CHEN = OperatorId("chen")

HELLO = DeliveryId("hello")
SPRING = BroadcastId("spring")
SUMMER = CampaignId("summer")
JUNE = RunId("june")
WEEKLY = ScheduleId("weekly")
PRICES = RuleId("prices")
PICTURE = MediaId("picture")
WITH_PICTURE = EventId("inbound-1@1")
VIP = Tag("vip")
ZH = Locale("zh")
CODE = Digest("c0de")
TEA_CODES = Slug("tea-codes")
TEA_ORDER = PurchaseId("tea-order")
CNY = Currency("CNY")

TO_ALICE = SubjectId("contact-alice")
TO_FANS = SubjectId("group-fans")

CONTEXT = Context(actor=Slug("system"), occurred_at=NOON, now=NOON)
