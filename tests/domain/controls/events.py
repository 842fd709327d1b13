"""One example of every event, for all tests. That none is missing, tests/domain/test_registry.py shows."""

from dataclasses import replace
from datetime import date, timedelta

from domain.broadcasts.events import (
    AudienceKind,
    BroadcastCancelled,
    BroadcastConfirmed,
    BroadcastDrafted,
    BroadcastFannedOut,
)
from domain.campaigns.events import (
    CampaignApproved,
    CampaignCancelled,
    CampaignDrafted,
    CampaignFinished,
    CampaignListed,
    CampaignPaused,
    CampaignRecalled,
    CampaignResumed,
    CampaignScheduled,
    CampaignStarted,
    CampaignTested,
    RunAdvanced,
    RunCleared,
    RunPlanned,
    RunSampled,
    RunStarted,
)
from domain.campaigns.plan import Arm, Button, Canary, Content, Goal, Meant, Selection, Timing
from domain.codes.events import (
    CodeAssigned,
    CodesAdded,
    CodeTaken,
    CouponRedeemed,
    PoolDoubted,
    PoolExpirySet,
    PoolSettled,
)
from domain.contacts.events import (
    AddressSuppressed,
    ContactBlocked,
    ContactBoundToOperator,
    ContactCompleted,
    ContactForgotten,
    ContactIdentified,
    ContactLinked,
    ContactProfileChanged,
    ContactReached,
    ContactSeen,
    ContactUnblocked,
    ContactUnbound,
    CustomerIntroduced,
    IdentifierHeld,
    LinkCodeIssued,
    LinkCodeUsed,
    LinkRefused,
)
from domain.conversations.events import (
    ActionReported,
    ButtonPressed,
    ContentKind,
    ConversationHandedOver,
    ConversationReturned,
    GroupChangeReported,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageReceived,
    ReachabilityReported,
    ReceiptReported,
    ReplyGivenBack,
    ReplySpent,
    UpdateNotUnderstood,
)
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerCreated,
    CustomerDescribed,
    CustomerForgotten,
    CustomerMerged,
    CustomerNamed,
    CustomerReleased,
    CustomerTagged,
    CustomerUnmerged,
    CustomerUntagged,
    Lift,
    NoteAdded,
    Part,
    Reservation,
    ReservationReleased,
    SendReserved,
)
from domain.deliveries.events import (
    Confirmation,
    DeliveryAccepted,
    DeliveryClass,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRecallAsked,
    DeliveryRecalled,
    DeliveryRecallRefused,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.goals.events import GoalReached
from domain.groups.events import (
    GroupAnswered,
    GroupLeft,
    GroupMigrated,
    GroupRejoined,
    GroupRenamed,
    GroupReservationReleased,
    GroupSeen,
    GroupSendReserved,
)
from domain.identity import Digest, Locale, ProviderMessageId, Slug, ZoneName
from domain.installation.events import (
    HistoryImported,
    InstallationPrepared,
    InstallationRestored,
    MarketingPaused,
    MarketingResumed,
    SendingResumed,
)
from domain.media.events import BrandMediaKept, FileKind, MediaKept, MediaRefused, MediaType
from domain.message import Event, Opening, Personal, Raw
from domain.mirrors.events import TagMirrored
from domain.operators.events import (
    AnswerAsked,
    AnswerEnded,
    BindCodeIssued,
    BindingRefused,
    CardsMuted,
    CardsUnmuted,
    CommandGiven,
    CommandOutcome,
    CustomerExported,
    DigestTold,
    OperatorAdded,
    OperatorBound,
    OperatorRemoved,
    OperatorTokenIssued,
    OperatorTokensRevoked,
    Role,
    RoleChanged,
    Verb,
)
from domain.purchases.events import (
    OrderAwaited,
    OrderCorrected,
    OrderMatched,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from domain.receipts.events import ReceiptCame, ReceiptExpected
from domain.rules.events import Match, RuleAdded, RuleRemoved, WelcomeSet
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from tests.domain.controls.ids import (
    ALICE,
    BOB,
    BOT,
    CNY,
    CODE,
    FANS,
    HELLO,
    JUNE,
    LI,
    MRS_WANG,
    MRS_WANG_TOO,
    NOON,
    PICTURE,
    PRICES,
    SHANGHAI,
    SPRING,
    SUMMER,
    TEA_CODES,
    TEA_ORDER,
    TELEGRAM,
    TO_ALICE,
    VIP,
    WEEKLY,
    WITH_PICTURE,
    ZH,
)

MESSAGE_RECEIVED = MessageReceived(
    contact=ALICE,
    group=FANS,
    kind=ContentKind.PHOTO,
    text=Personal("多少钱?"),
    details=Personal({"file_id": "AgAC", "width": 640}),
    provider_message=ProviderMessageId("12"),
    reply_to=ProviderMessageId("11"),
    thread=Slug("7"),
    to_bot=True,
    forwarded=False,
    raw=Raw(b'{"update_id": 1}'),
)
MESSAGE_EDITED = MessageEdited(
    contact=ALICE, text=Personal("多少钱呀?"), provider_message=ProviderMessageId("12")
)
BUTTON_PRESSED = ButtonPressed(contact=ALICE, data=Personal("consent:stop"), query=Personal("q1"))
MEMBER_JOINED = MemberJoined(contacts=(ALICE, BOB), group=FANS)
MEMBER_LEFT = MemberLeft(contact=BOB, group=FANS)
REACHABILITY_REPORTED = ReachabilityReported(contact=ALICE, reachable=False)
GROUP_CHANGE_REPORTED = GroupChangeReported(group=FANS, change=Slug("migrated"))
UPDATE_NOT_UNDERSTOOD = UpdateNotUnderstood(channel=Slug("telegram"), reason=Slug("unknown-kind"))
CONVERSATION_HANDED_OVER = ConversationHandedOver(
    contact=ALICE, operator=LI, until=NOON + timedelta(minutes=30)
)
CONVERSATION_RETURNED = ConversationReturned(contact=ALICE)
ACTION_REPORTED = ActionReported(
    contact=ALICE,
    action=Slug("scanned"),
    data=Personal({"scene": "poster"}),
    source=Slug("poster"),
    opens=Opening(messages=3, seconds=60),
)
RECEIPT_REPORTED = ReceiptReported(
    channel=TELEGRAM, provider_message=ProviderMessageId("500"), outcome=Slug("sent")
)
TAG_MIRRORED = TagMirrored(contact=ALICE, tag=VIP, there=True)
REPLY_SPENT = ReplySpent(contact=ALICE, delivery=HELLO, at=NOON)
REPLY_GIVEN_BACK = ReplyGivenBack(contact=ALICE, delivery=HELLO)

CONTACT_SEEN = ContactSeen(
    contact=ALICE,
    customer=MRS_WANG,
    channel=TELEGRAM,
    account=BOT,
    external_id=Personal("42"),
    name=Personal("王芳"),
    username=Personal("wangfang"),
    profile=Slug("p1"),
    language=ZH,
    private=True,
    source=Slug("poster"),
)
CONTACT_PROFILE_CHANGED = ContactProfileChanged(
    contact=ALICE, name=Personal("Fang"), username=Personal("wangfang"), profile=Slug("p2"), language=ZH
)
CONTACT_REACHED = ContactReached(contact=ALICE)
CONTACT_BLOCKED = ContactBlocked(contact=ALICE, reason=Slug("blocked"))
CONTACT_UNBLOCKED = ContactUnblocked(contact=ALICE)
CONTACT_FORGOTTEN = ContactForgotten(contact=ALICE)
ADDRESS_SUPPRESSED = AddressSuppressed(address=CODE)
CONTACT_BOUND_TO_OPERATOR = ContactBoundToOperator(contact=ALICE, operator=LI)
CONTACT_LINKED = ContactLinked(contact=ALICE, customer=MRS_WANG, before=MRS_WANG_TOO)
CONTACT_IDENTIFIED = ContactIdentified(
    contact=ALICE,
    kind=Slug("phone"),
    digest=Digest("p138"),
    value=Personal("+8613800138000"),
    verified=True,
)
CONTACT_COMPLETED = ContactCompleted(contact=ALICE, language=Locale("zh_CN"), source=Slug("door-2"))
CUSTOMER_INTRODUCED = CustomerIntroduced(contact=ALICE, name=Personal("王芳"), digest=Digest("n1"))
LINK_REFUSED = LinkRefused(contact=ALICE, at=NOON)
IDENTIFIER_HELD = IdentifierHeld(contact=ALICE, kind=Slug("phone"))
LINK_CODE_ISSUED = LinkCodeIssued(
    code=CODE, customer=MRS_WANG, contact=ALICE, expires_at=NOON + timedelta(minutes=15)
)
LINK_CODE_USED = LinkCodeUsed(code=CODE, contact=BOB)
CONTACT_UNBOUND = ContactUnbound(contact=ALICE, operator=LI)

CUSTOMER_CREATED = CustomerCreated(customer=MRS_WANG, contact=ALICE)
CUSTOMER_TAGGED = CustomerTagged(customer=MRS_WANG, tag=VIP)
CUSTOMER_UNTAGGED = CustomerUntagged(customer=MRS_WANG, tag=VIP)
CUSTOMER_NAMED = CustomerNamed(customer=MRS_WANG, remark=Personal("王阿姨"))
CUSTOMER_DESCRIBED = CustomerDescribed(
    customer=MRS_WANG,
    birthday=Personal("lunar:04-15"),
    member_since=date(2024, 2, 29),
    language=ZH,
    zone=ZoneName("Asia/Tokyo"),
    source=Slug("import"),
    digest=Digest("d1"),
)
NOTE_ADDED = NoteAdded(customer=MRS_WANG, operator=LI, note=Personal("喜欢绿茶"))
CONSENT_GRANTED = ConsentGranted(
    customer=MRS_WANG, contact=ALICE, topic=MARKETING, source=ConsentSource.CONTACT_STARTED
)
CONSENT_WITHDRAWN = ConsentWithdrawn(
    customer=MRS_WANG, contact=ALICE, topic=MARKETING, source=ConsentSource.STOP_WORD
)
SEND_RESERVED = SendReserved(customer=MRS_WANG, contact=ALICE, delivery=HELLO, at=NOON)
RESERVATION_RELEASED = ReservationReleased(customer=MRS_WANG, delivery=HELLO)
WANG_ITSELF = Part(customer=MRS_WANG, contacts=(ALICE,), tags=(VIP,), consents=(MARKETING,))
WANG_TOO = Part(
    customer=MRS_WANG_TOO,
    contacts=(BOB,),
    withdrawn=(MARKETING,),
    lifted=(Lift(topic=MARKETING, by=MRS_WANG),),
    reservations=(Reservation(HELLO, NOON, SPRING),),
)
CUSTOMER_MERGED = CustomerMerged(customer=MRS_WANG_TOO, into=MRS_WANG, basis=Slug("operator"))
CUSTOMER_ABSORBED = CustomerAbsorbed(
    customer=MRS_WANG, other=MRS_WANG_TOO, parts=(WANG_ITSELF, replace(WANG_TOO, into=MRS_WANG))
)
CUSTOMER_RELEASED = CustomerReleased(customer=MRS_WANG, other=MRS_WANG_TOO, parts=(WANG_ITSELF,))
CUSTOMER_UNMERGED = CustomerUnmerged(
    customer=MRS_WANG_TOO, before=MRS_WANG, parts=(replace(WANG_TOO, lifted=()),)
)
CUSTOMER_FORGOTTEN = CustomerForgotten(
    customer=MRS_WANG, customers=(MRS_WANG,), contacts=(ALICE,), orders=(CODE,), operator=LI
)

DELIVERY_PLANNED = DeliveryPlanned(
    delivery=HELLO,
    subject=TO_ALICE,
    kind=DeliveryClass.SERVICE,
    occasion=Slug("send"),
    contact=ALICE,
    customer=MRS_WANG,
    text=Personal("{{ name }}您好"),
    choices=Personal([["好的", "yes"]]),
    not_before=NOON,
    expires_at=NOON + timedelta(hours=24),
    operator=LI,
    service_reason=Personal("预约"),
)
DELIVERY_STARTED = DeliveryStarted(
    delivery=HELLO,
    subject=TO_ALICE,
    attempt=1,
    worker=Slug("worker-1"),
    until=NOON + timedelta(seconds=45),
    rendered=Personal("王芳您好"),
)
DELIVERY_POSTPONED = DeliveryPostponed(
    delivery=HELLO, not_before=NOON + timedelta(hours=1), reason=Slug("rate-limited")
)
DELIVERY_ACCEPTED = DeliveryAccepted(delivery=HELLO, provider_message=ProviderMessageId("99"))
DELIVERY_CONFIRMED = DeliveryConfirmed(delivery=HELLO, how=Confirmation.READ)
DELIVERY_REJECTED = DeliveryRejected(delivery=HELLO, reason=Slug("blocked"), unreachable=True)
DELIVERY_UNKNOWN = DeliveryUnknown(delivery=HELLO, reason=Slug("timed-out"))
DELIVERY_SUPPRESSED = DeliverySuppressed(delivery=HELLO, reason=Slug("opted-out"), rule=Slug("consent"))
DELIVERY_RECALL_ASKED = DeliveryRecallAsked(delivery=HELLO, operator=LI)
DELIVERY_RECALLED = DeliveryRecalled(delivery=HELLO)
DELIVERY_RECALL_REFUSED = DeliveryRecallRefused(delivery=HELLO, reason=Slug("too-late"))
DELIVERY_EXPIRED = DeliveryExpired(delivery=HELLO)

GROUP_SEEN = GroupSeen(
    group=FANS,
    channel=TELEGRAM,
    account=BOT,
    external_id=Personal("-100"),
    title=Personal("茶友群"),
    title_digest=Slug("t1"),
    kind=Slug("group"),
)
GROUP_RENAMED = GroupRenamed(group=FANS, title=Personal("绿茶群"), title_digest=Slug("t2"))
GROUP_MIGRATED = GroupMigrated(group=FANS, external_id=Personal("-200"), kind=Slug("supergroup"))
GROUP_LEFT = GroupLeft(group=FANS, reason=Slug("bot-left"))
GROUP_REJOINED = GroupRejoined(group=FANS)
GROUP_SEND_RESERVED = GroupSendReserved(group=FANS, delivery=HELLO, at=NOON)
GROUP_ANSWERED = GroupAnswered(group=FANS, delivery=HELLO, at=NOON)
GROUP_RESERVATION_RELEASED = GroupReservationReleased(group=FANS, delivery=HELLO)

OPERATOR_ADDED = OperatorAdded(
    operator=LI, name=Personal("李雷"), name_digest=Digest("n-li"), role=Role.AGENT
)
BIND_CODE_ISSUED = BindCodeIssued(operator=LI, code=CODE, expires_at=NOON + timedelta(hours=1))
OPERATOR_BOUND = OperatorBound(operator=LI, contact=ALICE)
BINDING_REFUSED = BindingRefused(contact=BOB)
ROLE_CHANGED = RoleChanged(operator=LI, role=Role.MANAGER)
OPERATOR_REMOVED = OperatorRemoved(operator=LI, contacts=(ALICE,))
OPERATOR_TOKEN_ISSUED = OperatorTokenIssued(operator=LI, token=Digest("70ke4"))
OPERATOR_TOKENS_REVOKED = OperatorTokensRevoked(operator=LI)
ANSWER_ASKED = AnswerAsked(
    contact=ALICE, customer=MRS_WANG, verb=Verb.REPLY, until=NOON + timedelta(minutes=10)
)
ANSWER_ENDED = AnswerEnded(contact=ALICE)
CARDS_MUTED = CardsMuted(operator=LI, customer=MRS_WANG, until=NOON + timedelta(hours=8))
CARDS_UNMUTED = CardsUnmuted(operator=LI, customer=MRS_WANG)
DIGEST_TOLD = DigestTold(operator=LI, order=CODE, about=(MRS_WANG,))
COMMAND_GIVEN = CommandGiven(
    operator=LI,
    command=Slug("tag"),
    line=Personal("/tag #1 vip"),
    outcome=CommandOutcome.DONE,
    about=(MRS_WANG,),
    order=CODE,
)

CUSTOMER_EXPORTED = CustomerExported(customer=MRS_WANG, operator=LI)

RULE_ADDED = RuleAdded(rule=PRICES, match=Match.CONTAINS, pattern=Personal("价"), answer=Personal("见菜单"))
RULE_REMOVED = RuleRemoved(rule=PRICES)
WELCOME_SET = WelcomeSet(in_group=False, text=Personal("欢迎"))

BROADCAST_DRAFTED = BroadcastDrafted(
    broadcast=SPRING,
    audience=AudienceKind.TAG,
    tag=VIP,
    text=Personal("春茶上新"),
    not_before=NOON,
    operator=LI,
    code=CODE,
)
BROADCAST_CONFIRMED = BroadcastConfirmed(broadcast=SPRING, not_before=NOON)
BROADCAST_FANNED_OUT = BroadcastFannedOut(broadcast=SPRING, planned=3)
BROADCAST_CANCELLED = BroadcastCancelled(broadcast=SPRING)

CAMPAIGN_DRAFTED = CampaignDrafted(
    campaign=SUMMER,
    name=Personal("618"),
    form=Personal("name: 618"),
    contents=Personal(
        [
            Content(
                text="{{ name }}，夏茶上新",
                buttons=((Button(label="看看", url="https://shop.example/618"),),),
            )
        ]
    ),
    selection=Selection(meant=Meant.TAGS, tags=(VIP,)),
    timing=Timing(at=NOON, zone=SHANGHAI),
    operator=LI,
    arms=(Arm(variant=Slug("a")),),
    holdout_percent=10,
    canary=Canary(),
    goal=Goal(goal=Slug("order")),
)
CAMPAIGN_LISTED = CampaignListed(campaign=SUMMER, customers=(MRS_WANG,))
CAMPAIGN_TESTED = CampaignTested(campaign=SUMMER, operator=LI)
CAMPAIGN_APPROVED = CampaignApproved(campaign=SUMMER, operator=LI)
CAMPAIGN_SCHEDULED = CampaignScheduled(campaign=SUMMER, at=NOON, meant=3, operator=LI)
CAMPAIGN_STARTED = CampaignStarted(campaign=SUMMER)
CAMPAIGN_PAUSED = CampaignPaused(campaign=SUMMER, reason=Slug("operator"), operator=LI)
CAMPAIGN_RESUMED = CampaignResumed(campaign=SUMMER, operator=LI)
CAMPAIGN_CANCELLED = CampaignCancelled(campaign=SUMMER, operator=LI)
CAMPAIGN_RECALLED = CampaignRecalled(campaign=SUMMER, operator=LI)
CAMPAIGN_FINISHED = CampaignFinished(campaign=SUMMER)
RUN_STARTED = RunStarted(run=JUNE, campaign=SUMMER, at=NOON, meant=3)
RUN_ADVANCED = RunAdvanced(run=JUNE, after=200, planned=3)
RUN_SAMPLED = RunSampled(run=JUNE, planned=1, until=NOON + timedelta(minutes=10))
RUN_CLEARED = RunCleared(run=JUNE)
RUN_PLANNED = RunPlanned(run=JUNE, planned=3)

CODES_ADDED = CodesAdded(
    pool=TEA_CODES,
    first=1,
    codes=Personal(["TEA-1", "TEA-2"]),
    digests=(CODE, Digest("c0de2")),
    operator=LI,
)
POOL_EXPIRY_SET = PoolExpirySet(pool=TEA_CODES, expires_at=NOON + timedelta(days=30), operator=LI)
POOL_DOUBTED = PoolDoubted(pool=TEA_CODES)
POOL_SETTLED = PoolSettled(pool=TEA_CODES, through=1, operator=LI)
CODE_TAKEN = CodeTaken(pool=TEA_CODES, number=1)
CODE_ASSIGNED = CodeAssigned(
    campaign=SUMMER,
    customer=MRS_WANG,
    subject=TO_ALICE,
    delivery=HELLO,
    pool=TEA_CODES,
    number=1,
    digest=CODE,
    code=Personal("TEA-1"),
)
COUPON_REDEEMED = CouponRedeemed(
    code=CODE,
    pool=TEA_CODES,
    number=1,
    campaign=SUMMER,
    customer=MRS_WANG,
    delivery=HELLO,
    at=NOON,
    operator=LI,
)

SCHEDULE_CREATED = ScheduleCreated(
    schedule=WEEKLY,
    recurrence=Slug("mon@12:00"),
    zone=SHANGHAI,
    text=Personal("周一茶话"),
    starts_at=NOON,
    group=FANS,
    operator=LI,
    service=Personal("群规"),
)
SCHEDULE_ENDED = ScheduleEnded(schedule=WEEKLY)
SCHEDULE_FIRED = ScheduleFired(schedule=WEEKLY, day=NOON.date(), at=NOON)

INSTALLATION_PREPARED = InstallationPrepared(starter_rules=True)
MARKETING_PAUSED = MarketingPaused(operator=LI)
MARKETING_RESUMED = MarketingResumed(operator=LI)
HISTORY_IMPORTED = HistoryImported(events=1_000)
INSTALLATION_RESTORED = InstallationRestored(head=900, taken_at=NOON - timedelta(days=1))
SENDING_RESUMED = SendingResumed()
MEDIA_KEPT = MediaKept(
    media=PICTURE,
    contact=ALICE,
    message=WITH_PICTURE,
    kind=FileKind.PHOTO,
    content_type=MediaType.JPEG,
    size=2_048,
    name=Personal("我的茶.jpg"),
)
BRAND_MEDIA_KEPT = BrandMediaKept(
    media=PICTURE,
    kind=FileKind.PHOTO,
    content_type=MediaType.PNG,
    size=2_048,
    name=Personal("夏茶.png"),
)
MEDIA_REFUSED = MediaRefused(media=PICTURE, contact=ALICE, message=WITH_PICTURE, reason=Slug("lying-type"))

ORDER_PLACED = OrderPlaced(
    purchase=TEA_ORDER,
    number=Personal("A-20260302-17"),
    items=Personal([{"name": "龙井", "count": 2}]),
    amount=19_900,
    currency=CNY,
    at=NOON,
    source=Slug("api"),
)
ORDER_CORRECTED = OrderCorrected(purchase=TEA_ORDER, amount=18_900)
ORDER_PAID = OrderPaid(purchase=TEA_ORDER, amount=18_900, currency=CNY, at=NOON)
ORDER_REFUNDED = OrderRefunded(purchase=TEA_ORDER, refund=CODE, amount=900, currency=CNY, at=NOON)
ORDER_MATCHED = OrderMatched(purchase=TEA_ORDER, by=Slug("phone"), contact=ALICE)
RECEIPT_EXPECTED = ReceiptExpected(receipt=CODE, delivery=HELLO)
RECEIPT_CAME = ReceiptCame(receipt=CODE, outcome=Slug("sent"))
ORDER_AWAITED = OrderAwaited(sign=CODE, purchase=TEA_ORDER)
GOAL_REACHED = GoalReached(
    key=CODE, goal=Slug("signed-up"), by=Slug("customer"), customer=MRS_WANG, at=NOON, value=900, currency=CNY
)

EVENTS: tuple[Event, ...] = tuple(
    example for name, example in sorted(globals().items()) if name.isupper() and hasattr(example, "SUBJECT")
)
