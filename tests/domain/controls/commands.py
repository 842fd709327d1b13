"""One example of every command, for all tests. That none is missing, tests/domain/test_registry.py shows."""

from datetime import date, time, timedelta

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.campaigns.commands import (
    AdvanceRun,
    ApproveCampaign,
    CancelCampaign,
    ClearRun,
    DraftCampaign,
    FinishCampaign,
    FinishRun,
    LaunchCampaign,
    ListForCampaign,
    PauseCampaign,
    RecallCampaign,
    ResumeCampaign,
    SampleRun,
    StartRun,
    TestCampaign,
)
from domain.campaigns.plan import Content, Meant, Selection, Timing
from domain.codes.commands import AddCodes, DoubtPool, RedeemCoupon, SetPoolExpiry, SettlePool
from domain.contacts.commands import (
    BindContactToOperator,
    BlockContact,
    CompleteContact,
    HoldIdentifier,
    IdentifyContact,
    IntroduceCustomer,
    IssueLinkCode,
    LinkContacts,
    RedeemLinkCode,
    SeeContact,
    SuppressAddress,
    UnbindContact,
    UnblockContact,
)
from domain.conversations.commands import GiveReplyBack, HandOver, Message, Receive, ReturnToBot, Sender
from domain.customers.commands import (
    AddNote,
    CreateCustomer,
    DescribeCustomer,
    GrantConsent,
    MergeCustomers,
    NameCustomer,
    ReleaseReservation,
    TagCustomer,
    UnmergeCustomer,
    UntagCustomer,
    WithdrawConsent,
)
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.commands import (
    AcceptDelivery,
    AskRecall,
    CancelDelivery,
    ConfirmDelivery,
    EndRecall,
    LoseTrackOfDelivery,
    PlanDelivery,
    RefuteDelivery,
    RejectDelivery,
    ResolveDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import Confirmation, DeliveryClass
from domain.forgetting import ForgetCustomer
from domain.gate import ClaimDelivery
from domain.goals.commands import NoteGoal, ReachGoal
from domain.groups.commands import LeaveGroup, MigrateGroup, RejoinGroup, ReleaseGroupReservation, SeeGroup
from domain.identity import Digest, Locale, ProviderMessageId, Slug, ZoneName
from domain.installation.commands import (
    MarkHistoryImported,
    MarkRestored,
    PauseMarketing,
    PrepareInstallation,
    ResumeMarketing,
    ResumeSending,
)
from domain.media.commands import KeepBrandMedia, KeepMedia, RefuseMedia
from domain.media.events import FileKind, MediaType
from domain.message import Command, Personal
from domain.mirrors.commands import MirrorTag
from domain.operators.commands import (
    AddOperator,
    AskForAnswer,
    BindOperator,
    ChangeRole,
    EndAnswer,
    IssueBindCode,
    IssueOperatorToken,
    MuteCards,
    RecordCommand,
    RecordExport,
    RecordFirst,
    RemoveOperator,
    RevokeOperatorTokens,
    TellDigest,
    UnmuteCards,
)
from domain.operators.events import CommandOutcome, Role, Verb
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.policies.signs import Sign
from domain.purchases.commands import (
    AwaitOrder,
    ClaimByNumber,
    ClaimOrders,
    FindBuyer,
    MatchOrder,
    PayOrder,
    PlaceOrder,
    RefundOrder,
)
from domain.receipts.commands import ExpectReceipt, NoteReceipt
from domain.restoring import DoubtDelivery
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import Match
from domain.schedules.commands import CreateSchedule, EndSchedule, FireSchedule
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

CONTROLS = Controls(
    cap=FrequencyCap(per_day=1, per_week=2),
    group_cap=FrequencyCap(per_day=1, per_week=3),
    quiet=QuietHours(time(22), time(8, 30)),
    zone=SHANGHAI,
)

RECEIVE = Receive(
    channel=TELEGRAM,
    account=BOT,
    key="1",
    occurred_at=NOON,
    content=Message(text="你好", provider_message=ProviderMessageId("12")),
    sender=Sender(external_id="42", name="王芳", username="wangfang", language=ZH),
)
HAND_OVER = HandOver(contact=ALICE, operator=LI, until=NOON + timedelta(minutes=30))
RETURN_TO_BOT = ReturnToBot(contact=ALICE)
MIRROR_TAG = MirrorTag(contact=ALICE, tag=VIP, there=True)
GIVE_REPLY_BACK = GiveReplyBack(contact=ALICE, delivery=HELLO)

SEE_CONTACT = SeeContact(
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
BLOCK_CONTACT = BlockContact(contact=ALICE, reason=Slug("blocked"))
UNBLOCK_CONTACT = UnblockContact(contact=ALICE)
BIND_CONTACT_TO_OPERATOR = BindContactToOperator(contact=ALICE, operator=LI)
IDENTIFY_CONTACT = IdentifyContact(
    contact=ALICE,
    kind=Slug("phone"),
    digest=Digest("p138"),
    value=Personal("+8613800138000"),
    verified=True,
)
COMPLETE_CONTACT = CompleteContact(contact=ALICE, language=Locale("zh_CN"), source=Slug("door-2"))
INTRODUCE_CUSTOMER = IntroduceCustomer(contact=ALICE, name=Personal("王芳"), digest=Digest("n1"))
HOLD_IDENTIFIER = HoldIdentifier(digest=Digest("p138"), contact=ALICE, kind=Slug("phone"))
LINK_CONTACTS = LinkContacts(contact=ALICE, other=BOB, basis=Slug("phone"))
ISSUE_LINK_CODE = IssueLinkCode(
    code=CODE, customer=MRS_WANG, contact=ALICE, expires_at=NOON + timedelta(minutes=15)
)
REDEEM_LINK_CODE = RedeemLinkCode(code=CODE, contact=BOB)
UNBIND_CONTACT = UnbindContact(contact=ALICE, operator=LI)

CREATE_CUSTOMER = CreateCustomer(customer=MRS_WANG, contact=ALICE)
TAG_CUSTOMER = TagCustomer(customer=MRS_WANG, tag=VIP)
UNTAG_CUSTOMER = UntagCustomer(customer=MRS_WANG, tag=VIP)
NAME_CUSTOMER = NameCustomer(customer=MRS_WANG, remark=Personal("王阿姨"))
ADD_NOTE = AddNote(customer=MRS_WANG, operator=LI, note=Personal("喜欢绿茶"))
GRANT_CONSENT = GrantConsent(contact=ALICE, topic=MARKETING, source=ConsentSource.START_WORD)
WITHDRAW_CONSENT = WithdrawConsent(contact=ALICE, topic=MARKETING, source=ConsentSource.STOP_WORD)
DESCRIBE_CUSTOMER = DescribeCustomer(
    customer=MRS_WANG,
    birthday=Personal("lunar:04-15"),
    member_since=date(2024, 2, 29),
    language=ZH,
    zone=ZoneName("Asia/Tokyo"),
    source=Slug("import"),
    digest=Digest("d1"),
)
RELEASE_RESERVATION = ReleaseReservation(customer=MRS_WANG, delivery=HELLO)
MERGE_CUSTOMERS = MergeCustomers(customer=MRS_WANG, other=MRS_WANG_TOO)
UNMERGE_CUSTOMER = UnmergeCustomer(customer=MRS_WANG_TOO)

PLAN_DELIVERY = PlanDelivery(
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
DOUBT_DELIVERY = DoubtDelivery(delivery=HELLO)
CLAIM_DELIVERY = ClaimDelivery(
    delivery=HELLO, worker=Slug("worker-1"), until=NOON + timedelta(seconds=45), controls=CONTROLS
)
ACCEPT_DELIVERY = AcceptDelivery(delivery=HELLO, attempt=1, provider_message=ProviderMessageId("99"))
RETURN_DELIVERY = ReturnDelivery(
    delivery=HELLO, attempt=1, reason=Slug("rate-limited"), not_before=NOON + timedelta(hours=1)
)
REJECT_DELIVERY = RejectDelivery(delivery=HELLO, attempt=1, reason=Slug("blocked"), unreachable=True)
LOSE_TRACK_OF_DELIVERY = LoseTrackOfDelivery(delivery=HELLO, attempt=1, reason=Slug("timed-out"))
CONFIRM_DELIVERY = ConfirmDelivery(delivery=HELLO, how=Confirmation.READ)
RESOLVE_DELIVERY = ResolveDelivery(delivery=HELLO, sent=True)
ASK_RECALL = AskRecall(delivery=HELLO, operator=LI)
END_RECALL = EndRecall(delivery=HELLO)
REFUTE_DELIVERY = RefuteDelivery(delivery=HELLO, reason=Slug("blocked"))
CANCEL_DELIVERY = CancelDelivery(delivery=HELLO, reason=Slug("recalled"), rule=Slug("operator"))

SEE_GROUP = SeeGroup(
    group=FANS,
    channel=TELEGRAM,
    account=BOT,
    external_id=Personal("-100"),
    title=Personal("茶友群"),
    title_digest=Slug("t1"),
    kind=Slug("group"),
)
MIGRATE_GROUP = MigrateGroup(group=FANS, external_id=Personal("-200"), kind=Slug("supergroup"))
LEAVE_GROUP = LeaveGroup(group=FANS, reason=Slug("bot-left"))
REJOIN_GROUP = RejoinGroup(group=FANS)
RELEASE_GROUP_RESERVATION = ReleaseGroupReservation(group=FANS, delivery=HELLO)

ADD_OPERATOR = AddOperator(operator=LI, name=Personal("李雷"), name_digest=Digest("n-li"), role=Role.AGENT)
ISSUE_BIND_CODE = IssueBindCode(operator=LI, code=CODE, expires_at=NOON + timedelta(hours=1))
BIND_OPERATOR = BindOperator(code=CODE, contact=ALICE)
CHANGE_ROLE = ChangeRole(operator=LI, role=Role.MANAGER)
REMOVE_OPERATOR = RemoveOperator(operator=LI)
ISSUE_OPERATOR_TOKEN = IssueOperatorToken(operator=LI, token=Digest("70ke4"))
REVOKE_OPERATOR_TOKENS = RevokeOperatorTokens(operator=LI)
ASK_FOR_ANSWER = AskForAnswer(
    contact=ALICE, customer=MRS_WANG, verb=Verb.REPLY, until=NOON + timedelta(minutes=10)
)
END_ANSWER = EndAnswer(contact=ALICE)
MUTE_CARDS = MuteCards(operator=LI, customer=MRS_WANG, until=NOON + timedelta(hours=8))
UNMUTE_CARDS = UnmuteCards(operator=LI, customer=MRS_WANG)
TELL_DIGEST = TellDigest(operator=LI, order=CODE, about=(MRS_WANG,))
RECORD_EXPORT = RecordExport(request=Digest("r2"), operator=LI, customer=MRS_WANG)
SUPPRESS_ADDRESS = SuppressAddress(address=CODE)
FORGET_CUSTOMER = ForgetCustomer(
    customer=MRS_WANG,
    addresses=((ALICE, CODE),),
    orders=(CODE,),
    deliveries=(HELLO,),
    schedules=(WEEKLY,),
    operator=LI,
)
RECORD_COMMAND = RecordCommand(
    request=Digest("r1"),
    operator=LI,
    command=Slug("tag"),
    line=Personal("/tag #1 vip"),
    outcome=CommandOutcome.DONE,
    about=(MRS_WANG,),
    order=CODE,
)
RECORD_FIRST = RecordFirst(
    request=Digest("r3"),
    operator=LI,
    command=Slug("note"),
    line=Personal("POST /api/v1/customers/#1/notes"),
    outcome=CommandOutcome.DONE,
    about=(MRS_WANG,),
    order=CODE,
)

ADD_RULE = AddRule(rule=PRICES, match=Match.CONTAINS, pattern=Personal("价"), answer=Personal("见菜单"))
REMOVE_RULE = RemoveRule(rule=PRICES)
SET_WELCOME = SetWelcome(in_group=False, text=Personal("欢迎"))

DRAFT_BROADCAST = DraftBroadcast(
    broadcast=SPRING,
    audience=AudienceKind.TAG,
    tag=VIP,
    text=Personal("春茶上新"),
    not_before=NOON,
    operator=LI,
    code=CODE,
)
CONFIRM_BROADCAST = ConfirmBroadcast(broadcast=SPRING)
FINISH_FAN_OUT = FinishFanOut(broadcast=SPRING, planned=3)
CANCEL_BROADCAST = CancelBroadcast(broadcast=SPRING)

DRAFT_CAMPAIGN = DraftCampaign(
    campaign=SUMMER,
    name=Personal("618"),
    form=Personal("name: 618"),
    contents=Personal([Content(text="{{ name }}，夏茶上新")]),
    selection=Selection(meant=Meant.LIST),
    timing=Timing(at=NOON, zone=SHANGHAI),
    operator=LI,
)
LIST_FOR_CAMPAIGN = ListForCampaign(campaign=SUMMER, customers=(MRS_WANG,))
TEST_CAMPAIGN = TestCampaign(campaign=SUMMER, operator=LI)
APPROVE_CAMPAIGN = ApproveCampaign(campaign=SUMMER)
LAUNCH_CAMPAIGN = LaunchCampaign(campaign=SUMMER, meant=3, alone=False, operator=LI)
PAUSE_CAMPAIGN = PauseCampaign(campaign=SUMMER, reason=Slug("operator"), operator=LI)
RESUME_CAMPAIGN = ResumeCampaign(campaign=SUMMER, operator=LI)
CANCEL_CAMPAIGN = CancelCampaign(campaign=SUMMER, operator=LI)
RECALL_CAMPAIGN = RecallCampaign(campaign=SUMMER, operator=LI)
FINISH_CAMPAIGN = FinishCampaign(campaign=SUMMER)
START_RUN = StartRun(run=JUNE, campaign=SUMMER, at=NOON, meant=3)
ADVANCE_RUN = AdvanceRun(run=JUNE, since=0, after=200, planned=3)
SAMPLE_RUN = SampleRun(run=JUNE, until=NOON + timedelta(minutes=10))
CLEAR_RUN = ClearRun(run=JUNE)
FINISH_RUN = FinishRun(run=JUNE)

CREATE_SCHEDULE = CreateSchedule(
    schedule=WEEKLY,
    recurrence=Slug("mon@12:00"),
    zone=SHANGHAI,
    text=Personal("周一茶话"),
    starts_at=NOON,
    group=FANS,
    operator=LI,
    service=Personal("群规"),
)
END_SCHEDULE = EndSchedule(schedule=WEEKLY)
FIRE_SCHEDULE = FireSchedule(schedule=WEEKLY, day=NOON.date(), at=NOON)

PREPARE_INSTALLATION = PrepareInstallation(starter_rules=True)
PAUSE_MARKETING = PauseMarketing(operator=LI)
RESUME_MARKETING = ResumeMarketing(operator=LI)
MARK_HISTORY_IMPORTED = MarkHistoryImported(events=1_000)
MARK_RESTORED = MarkRestored(head=900, taken_at=NOON - timedelta(days=1))
RESUME_SENDING = ResumeSending()
KEEP_MEDIA = KeepMedia(
    media=PICTURE,
    contact=ALICE,
    message=WITH_PICTURE,
    kind=FileKind.PHOTO,
    content_type=MediaType.JPEG,
    size=2_048,
    name=Personal("我的茶.jpg"),
)
KEEP_BRAND_MEDIA = KeepBrandMedia(
    media=PICTURE,
    kind=FileKind.PHOTO,
    content_type=MediaType.PNG,
    size=2_048,
    name=Personal("夏茶.png"),
)
REFUSE_MEDIA = RefuseMedia(media=PICTURE, contact=ALICE, message=WITH_PICTURE, reason=Slug("lying-type"))

PLACE_ORDER = PlaceOrder(
    purchase=TEA_ORDER,
    number=Personal("A-20260302-17"),
    items=Personal([{"name": "龙井", "count": 2}]),
    amount=19_900,
    currency=CNY,
    at=NOON,
    source=Slug("api"),
)
PAY_ORDER = PayOrder(purchase=TEA_ORDER, amount=18_900, currency=CNY, at=NOON)
REFUND_ORDER = RefundOrder(purchase=TEA_ORDER, refund=CODE, amount=900, currency=CNY, at=NOON)
MATCH_ORDER = MatchOrder(purchase=TEA_ORDER, by=Slug("phone"), contact=ALICE)
AWAIT_ORDER = AwaitOrder(sign=CODE, purchase=TEA_ORDER)
FIND_BUYER = FindBuyer(purchase=TEA_ORDER, signs=(Sign(kind=Slug("phone"), digest=CODE),))
EXPECT_RECEIPT = ExpectReceipt(receipt=CODE, delivery=HELLO)
NOTE_RECEIPT = NoteReceipt(receipt=CODE, outcome=Slug("sent"))
CLAIM_ORDERS = ClaimOrders(sign=CODE, kind=Slug("phone"), contact=ALICE)
CLAIM_BY_NUMBER = ClaimByNumber(purchases=(TEA_ORDER,), contact=ALICE)
NOTE_GOAL = NoteGoal(key=CODE, goal=Slug("signed-up"), by=Slug("customer"), customer=MRS_WANG, at=NOON)
REACH_GOAL = ReachGoal(key=CODE, goal=Slug("signed-up"), customer=MRS_WANG, at=NOON)

ADD_CODES = AddCodes(
    pool=TEA_CODES,
    since=0,
    codes=Personal(["TEA-1", "TEA-2"]),
    digests=(CODE, Digest("c0de2")),
    operator=LI,
)
SET_POOL_EXPIRY = SetPoolExpiry(pool=TEA_CODES, expires_at=NOON + timedelta(days=30), operator=LI)
DOUBT_POOL = DoubtPool(pool=TEA_CODES)
SETTLE_POOL = SettlePool(pool=TEA_CODES, through=1, operator=LI)
REDEEM_COUPON = RedeemCoupon(
    code=CODE,
    pool=TEA_CODES,
    number=1,
    campaign=SUMMER,
    customer=MRS_WANG,
    delivery=HELLO,
    operator=LI,
)

COMMANDS: tuple[Command, ...] = tuple(
    example
    for name, example in sorted(globals().items())
    if name.isupper() and hasattr(example, "__dataclass_fields__") and name not in {"CONTROLS", "COMMANDS"}
)
