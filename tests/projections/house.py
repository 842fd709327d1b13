"""A small installation in memory: the real dispatcher, deciders and processes over the in-memory log, driven by plain words."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.contacts.commands import CompleteContact, IssueLinkCode, RedeemLinkCode
from domain.conversations.commands import (
    Act,
    Chat,
    Content,
    Edit,
    GroupChange,
    HandOver,
    Join,
    Leave,
    Message,
    Press,
    Reachability,
    Receive,
    ReturnToBot,
    Sender,
)
from domain.conversations.events import ContentKind, MessageReceived
from domain.customers.commands import (
    AddNote,
    DescribeCustomer,
    GrantConsent,
    MergeCustomers,
    NameCustomer,
    TagCustomer,
    UnmergeCustomer,
    UntagCustomer,
    WithdrawConsent,
)
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    ConfirmDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import Confirmation, DeliveryClass, DeliveryPlanned, DeliveryStarted
from domain.dispatch import Dispatcher, Done, Reaction, Request, Result
from domain.forgetting import ForgetCustomer
from domain.gate import ClaimDelivery
from domain.goals.commands import ReachGoal
from domain.identity import (
    Account,
    Address,
    BroadcastId,
    Channel,
    ContactId,
    Currency,
    CustomerId,
    DeliveryId,
    Digest,
    EventId,
    GroupId,
    KeyedHash,
    Locale,
    MediaId,
    OperatorId,
    Party,
    ProviderMessageId,
    RuleId,
    ScheduleId,
    Slug,
    SubjectId,
    Tag,
    ZoneName,
)
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.media.commands import KeepMedia, RefuseMedia
from domain.media.events import FileKind, MediaType
from domain.message import Command, Context, Personal, Recorded
from domain.operators.commands import (
    AddOperator,
    BindOperator,
    ChangeRole,
    IssueBindCode,
    RecordCommand,
    RemoveOperator,
)
from domain.operators.events import CommandOutcome, OperatorAdded, Role
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.policies.signs import sign_of
from domain.policies.stop_words import StopWords
from domain.ports.event_log import MemoryEventLog
from domain.ports.identities import MemoryIdentities
from domain.processes.identifying import PHONE, identified_by
from domain.processes.registry import Outside, processes
from domain.purchases.commands import FindBuyer, PayOrder, PlaceOrder, RefundOrder
from domain.purchases.numbers import purchase_of
from domain.registry import EVENT_TYPES, registry
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import Match, RuleAdded
from domain.schedules.commands import CreateSchedule, EndSchedule, FireSchedule
from domain.schedules.events import ScheduleCreated
from tests.projections.code_moves import code_moves
from tests.projections.outreach import campaign_moves, outreach

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
TELEGRAM, BOT = Channel("telegram"), Account("42")
EVER = timedelta(days=1)
E = TypeVar("E")


def matches(match: Match, pattern: str, text: str) -> bool:
    """As automatic replies match, without regular expressions."""
    return match is Match.ANY or (text == pattern if match is Match.EXACT else pattern in text)


def dialled(said: str) -> str | None:
    """Stands for phonenumbers: what begins with +."""
    return said if said.startswith("+") and said[1:].isdecimal() else None


class House:
    """People are named; whoever writes for the first time becomes a contact and a customer."""

    def __init__(self, seed: int = 7, *, implied_consent: bool = True) -> None:
        """``implied_consent``: whether writing to us is taken for a yes to marketing (region cn)."""
        self.now = NOON
        ids = random.Random(seed)
        self.log = MemoryEventLog({kind: slug for slug, kind in EVENT_TYPES.items()}, lambda: self.now)
        self.identities = MemoryIdentities(lambda: ids.randbytes(16).hex())
        self.digest = KeyedHash(b"secret")
        self._processes = processes(
            Outside(
                say=lambda text, _locale: text,
                matches=matches,
                is_command=lambda text: text.startswith("/"),
                words=StopWords.of(),
                silence=timedelta(minutes=30),
                implied_consent=implied_consent,
                dialled=dialled,
            )
        )
        self.dispatcher = Dispatcher(
            self.log,
            self.identities,
            registry(self._processes),
            self.digest,
            lambda: ids.randbytes(16).hex(),
        )
        self._numbers = itertools.count(1)
        self._followed = 0

    # What people do

    def receive(
        self, who: str, content: Content, *, group: str | None = None, channel: Channel = TELEGRAM
    ) -> Result:
        self.now += timedelta(seconds=1)
        received = Receive(
            channel=channel,
            account=BOT,
            key=str(next(self._numbers)),
            occurred_at=self.now,
            content=content,
            sender=Sender(external_id=who, name=who.title(), username=f"{who}_x"),
            chat=None if group is None else Chat(external_id=group, title=group.title()),
        )
        return self._step(Request(self._context("customer"), (received,)))

    def says(self, who: str, text: str, **where: str) -> str:
        """Return the provider's id of the message."""
        message = ProviderMessageId(f"m{next(self._numbers)}")
        self.receive(who, Message(text=text, provider_message=message), group=where.get("group"))
        return message

    def edits(self, who: str, message: str, text: str) -> Result:
        return self.receive(who, Edit(text=text, provider_message=ProviderMessageId(message)))

    def contact(self, who: str, channel: Channel = TELEGRAM) -> ContactId:
        return ContactId(self._id(Address(Party.CONTACT, channel, BOT, who)))

    def group(self, which: str) -> GroupId:
        return GroupId(self._id(Address(Party.GROUP, TELEGRAM, BOT, which)))

    def _id(self, address: Address) -> str:
        return self.identities.resolve([address])[address]

    def customer(self, who: str) -> CustomerId:
        seen = self.log.read_stream(f"contact-{self.contact(who)}")  # type: ignore[arg-type]  # a plain stream id
        return CustomerId(seen[0].event.customer)  # type: ignore[attr-defined]  # ContactSeen

    # What we do

    def do(self, *commands: Command, actor: str = "operator-ann") -> Result:
        return self._step(Request(self._context(actor), commands))

    def plans(self, who: str, text: str | None = "hello", **changes: object) -> DeliveryId:
        plan = PlanDelivery(
            delivery=DeliveryId(f"delivery{next(self._numbers):04}"),
            subject=SubjectId(f"contact-{self.contact(who)}"),
            kind=DeliveryClass.SERVICE,
            occasion=Slug("send"),
            contact=self.contact(who),
            customer=self.customer(who),
            text=None if text is None else Personal(text),
            not_before=self.now,
            expires_at=self.now + EVER,
        )
        plan = replace(plan, **changes)  # type: ignore[arg-type]  # as the test says
        self.do(plan)
        return plan.delivery

    def claims(self, delivery: DeliveryId, rendered: str | None = None, *, coded: bool = False) -> Result:
        controls = Controls(
            cap=FrequencyCap(0, 0),
            group_cap=FrequencyCap(0, 0),
            quiet=QuietHours(NOON.time(), NOON.time()),
            zone=ZoneName("Asia/Shanghai"),
        )
        until = self.now + timedelta(seconds=60)
        return self.do(
            ClaimDelivery(
                delivery=delivery,
                worker=Slug("w"),
                until=until,
                controls=controls,
                rendered=None if rendered is None else Personal(rendered),
                coded=coded,
            ),
            actor="scheduler",
        )

    def sends(self, delivery: DeliveryId) -> None:
        self.claims(delivery)
        self.do(
            AcceptDelivery(delivery=delivery, attempt=1, provider_message=ProviderMessageId("p1")),
            actor="scheduler",
        )

    # How it runs

    def _context(self, actor: str) -> Context:
        return Context(actor=Slug(actor), occurred_at=self.now, now=self.now)

    def _step(self, request: Request) -> Result:
        (result,) = self.dispatcher.step([request])
        self._follow()
        return result

    def _follow(self) -> None:
        """Let the processes that are not immediate answer what is new."""
        while new := self.log.read(self._followed, 100):
            for recorded in new:
                self._followed = recorded.position
                for process in self._processes:
                    if not process.immediate and isinstance(recorded.event, process.listens_to):
                        answer = Context(
                            Slug(f"process-{process.name}"), self.now, self.now, cause=recorded.id
                        )
                        self.dispatcher.step(
                            [Request(answer, reactions=(Reaction(process, recorded, self.now),))]
                        )

    def events_of(self, kind: type[E]) -> list[E]:
        return [
            recorded.event for recorded in self.log.read(0, 1_000_000) if isinstance(recorded.event, kind)
        ]

    def everything(self) -> list[Recorded]:
        return self.log.read(0, 1_000_000)


def must(result: Result) -> Done:
    assert isinstance(result, Done), result
    return result


# --- histories that nobody wrote down ------------------------------------------------------------------------------

PEOPLE = ("wang", "li", "zhao")
GROUPS = ("tea", "coffee")
TEXTS = ("我要退款，谢谢", "hello there", "退订", "vip please", "")
TAGS = (Tag("vip"), Tag("refund"))
PATTERNS = ("退款", "vip", "hello")

Move = Callable[[House, int, int], object]


def _latest(house: House, kind: type[E], which: int) -> E | None:
    found = house.events_of(kind)
    return found[-1 - which % min(3, len(found))] if found else None


def _about_delivery(house: House, a: int, b: int) -> object:
    planned = _latest(house, DeliveryPlanned, a)
    if planned is None:
        return None
    delivery = planned.delivery
    attempt = max([s.attempt for s in house.events_of(DeliveryStarted) if s.delivery == delivery], default=0)
    later = house.now + timedelta(minutes=5)
    choices: Sequence[Command] = (
        AcceptDelivery(delivery=delivery, attempt=attempt),
        ReturnDelivery(delivery=delivery, attempt=attempt, reason=Slug("refused"), not_before=later),
        RejectDelivery(delivery=delivery, attempt=attempt, reason=Slug("blocked")),
        LoseTrackOfDelivery(delivery=delivery, attempt=attempt, reason=Slug("timeout")),
        ConfirmDelivery(delivery=delivery, how=Confirmation.READ),
        CancelDelivery(delivery=delivery, reason=Slug("cancelled"), rule=Slug("operator")),
    )
    return house.do(choices[b % len(choices)], actor="scheduler")


def _claim(house: House, a: int, _b: int) -> object:
    planned = _latest(house, DeliveryPlanned, a)
    return None if planned is None else house.claims(planned.delivery)


def _goes_out(house: House, a: int, b: int) -> object:
    """A delivery from its plan to an outcome, and one more thing that is said about it later."""
    delivery = house.plans(_known(house, a), f"text {b}")
    house.claims(delivery)
    for which in (b, a):
        _about_delivery(house, 0, which)
    return delivery


def _person(a: int) -> str:
    return PEOPLE[a % len(PEOPLE)]


def _known(house: House, a: int) -> str:
    """Somebody who has written at least once."""
    who = _person(a)
    if not house.log.read_stream(f"contact-{house.contact(who)}"):  # type: ignore[arg-type]  # a plain stream id
        house.says(who, "hi")
    return who


def _says(house: House, a: int, b: int) -> object:
    return house.says(_person(a), TEXTS[b % len(TEXTS)])


def _sends_file(house: House, a: int, b: int) -> object:
    """A picture, which is kept, refused, or not fetched yet."""
    message = ProviderMessageId(f"m{next(house._numbers)}")  # noqa: SLF001  # as says does
    sent = Message(
        text="look", kind=ContentKind.PHOTO, details={"file_id": message}, provider_message=message
    )
    house.receive(_person(a), sent)
    said = [r.id for r in house.everything() if isinstance(r.event, MessageReceived)]
    contact = house.contact(_person(a))
    media = MediaId(house.digest("media", EventId(said[-1])))
    if b % 3 == 0:
        return house.do(RefuseMedia(media=media, contact=contact, message=said[-1], reason=Slug("gone")))
    if b % 3 == 1:
        kept = KeepMedia(
            media=media,
            contact=contact,
            message=said[-1],
            kind=FileKind.PHOTO,
            content_type=MediaType.PNG,
            size=b + 1,
            name=Personal("tea.png"),
        )
        house.do(kept)
        return house.plans(_known(house, b), "yours", media=media)
    return None


def _says_in_group(house: House, a: int, b: int) -> object:
    return house.says(_person(a), TEXTS[b % len(TEXTS)], group=GROUPS[b % 2])


def _edits(house: House, a: int, b: int) -> object:
    return house.edits(_person(a), f"m{b}", "edited")


def _customer_record(house: House, a: int, b: int) -> object:
    customer, contact = house.customer(_known(house, a)), house.contact(_person(a))
    tag = TAGS[b % 2]
    choices: Sequence[Command] = (
        TagCustomer(customer=customer, tag=tag),
        UntagCustomer(customer=customer, tag=tag),
        NameCustomer(customer=customer, remark=Personal(f"regular {b}")),
        AddNote(customer=customer, operator=None, note=Personal("likes tea")),
        WithdrawConsent(contact=contact, topic=MARKETING, source=ConsentSource.OPERATOR),
        GrantConsent(contact=contact, topic=MARKETING, source=ConsentSource.OPERATOR),
        HandOver(contact=contact, operator=None, until=house.now + timedelta(minutes=30)),
        ReturnToBot(contact=contact),
    )
    return house.do(choices[b % len(choices)])


def _rule(house: House, a: int, b: int) -> object:
    latest = _latest(house, RuleAdded, a)
    if b % 4 == 0 and latest is not None:
        return house.do(RemoveRule(rule=latest.rule))
    if b % 4 == 1:
        return house.do(SetWelcome(in_group=bool(a % 2), text=Personal(f"welcome {a}")))
    pattern, tag = Personal(PATTERNS[a % 3]), TAGS[b % 2]
    new = AddRule(rule=RuleId(f"r{next(house._numbers)}"), match=Match.CONTAINS, pattern=pattern, tag=tag)  # noqa: SLF001  # our own house
    return house.do(replace(new, tag=None, answer=Personal("answer")) if b % 4 == 2 else new)


def _plan(house: House, a: int, b: int) -> object:
    kind = list(DeliveryClass)[b % 3]
    not_before = house.now + timedelta(minutes=b % 5)
    return house.plans(_known(house, a), f"text {b}", kind=kind, not_before=not_before)


def _broadcast(house: House, a: int, b: int) -> object:
    broadcast = BroadcastId(f"b{a % 3}")
    draft = DraftBroadcast(
        broadcast=broadcast, audience=AudienceKind.ALL, text=Personal("sale"), not_before=house.now
    )
    choices: Sequence[Command] = (
        draft,
        replace(draft, recurrence=Slug("daily@10:00"), zone=ZoneName("Asia/Shanghai")),
        ConfirmBroadcast(broadcast=broadcast),
        FinishFanOut(broadcast=broadcast, planned=2),
        CancelBroadcast(broadcast=broadcast),
    )
    return house.do(choices[b % len(choices)])


def _schedule(house: House, a: int, b: int) -> object:
    latest = _latest(house, ScheduleCreated, a)
    if latest is None or b % 3 == 0:
        new = CreateSchedule(
            schedule=ScheduleId(f"s{next(house._numbers)}"),  # noqa: SLF001  # our own house
            recurrence=Slug("daily@10:00"),
            zone=ZoneName("Asia/Shanghai"),
            text=Personal("good morning"),
            starts_at=house.now,
            contact=house.contact(_known(house, a)),
            customer=house.customer(_person(a)),
        )
        return house.do(new)
    if b % 3 == 1:
        return house.do(EndSchedule(schedule=latest.schedule))
    return house.do(
        FireSchedule(schedule=latest.schedule, day=house.now.date(), at=house.now), actor="scheduler"
    )


def _team(house: House, a: int, b: int) -> object:
    operator = _latest(house, OperatorAdded, a)
    if operator is None or b % 6 == 0:
        name = f"op{next(house._numbers)}"  # noqa: SLF001  # our own house
        return house.do(
            AddOperator(
                operator=OperatorId(name), name=Personal(name), name_digest=Digest(name), role=Role.AGENT
            )
        )
    me, code = operator.operator, Digest(f"code{a % 2}")
    choices: Sequence[Command] = (
        IssueBindCode(operator=me, code=code, expires_at=house.now + EVER),
        BindOperator(code=code, contact=house.contact(_known(house, b))),
        ChangeRole(operator=me, role=list(Role)[b % 5]),
        RemoveOperator(operator=me),
        RecordCommand(
            request=Digest(f"q{a}"),
            operator=me,
            command=Slug("tag"),
            line=Personal("/tag wang vip"),
            outcome=CommandOutcome.DONE,
            about=(house.customer(_known(house, b)),),
            order=Digest(f"q{a}"),
        ),
    )
    return house.do(choices[b % len(choices)])


def _members(house: House, a: int, b: int) -> object:
    who, group = _person(a), GROUPS[b % 2]
    both = (Sender(external_id=who, name=who), Sender(external_id=_person(a + 1), name=_person(a + 1)))
    choices: Sequence[Content] = (
        Join(members=both),
        Leave(member=both[0]),
        GroupChange(change=Slug("bot-left")),
        GroupChange(change=Slug("bot-joined")),
        GroupChange(change=Slug("migrated"), new_external_id=f"{group}-2"),
    )
    return house.receive(who, choices[b % len(choices)], group=group)


def _reach(house: House, a: int, b: int) -> object:
    content: Content = (
        Press(data="consent:stop", query="q") if b % 3 == 0 else Reachability(reachable=b % 3 == 1)
    )
    return house.receive(_person(a), content)


def _acts(house: House, a: int, b: int) -> object:
    """What is no message: a menu's button, a code, a page, a choice; and what their provider tells of them."""
    who, source = _person(a), Slug(f"door-{b % 2}")
    contents: Sequence[Content] = (
        Press(data="say:tea please", query=""),
        Reachability(reachable=True, source=source),
        Act(action=Slug("scanned"), data={"scene": source}, source=source),
        Act(action=Slug("opened-link"), data={"url": "https://shop.example/new"}),
        Act(action=Slug("chose-subscription"), data={"choices": [{"template": "t1", "choice": "accept"}]}),
        Act(action=Slug("reported-place"), data={"latitude": 31.2}),
    )
    if b % 7 == 6:
        known = house.contact(_known(house, a))
        return house.do(CompleteContact(contact=known, language=Locale("zh_CN"), source=source))
    return house.receive(who, contents[b % 7])


def _identity(house: House, a: int, b: int) -> object:
    one, other = _known(house, a), _known(house, a + 1 + b % 2)
    code = house.digest("link-code", str(b % 3))
    number = f"+86138{b % 2:08}"
    choices: Sequence[Command] = (
        MergeCustomers(customer=house.customer(one), other=house.customer(other)),
        UnmergeCustomer(customer=house.customer(other)),
        UnmergeCustomer(customer=house.customer(one)),
        MergeCustomers(customer=house.customer(other), other=house.customer(one)),
        IssueLinkCode(
            code=code,
            customer=house.customer(one),
            contact=house.contact(one),
            expires_at=house.now + timedelta(minutes=15),
        ),
        RedeemLinkCode(code=code, contact=house.contact(other)),
        identified_by(house.contact(one), PHONE, number, verified=a > 2, digest=house.digest),
    )
    return house.do(choices[b % len(choices)])


def _orders(house: House, a: int, b: int) -> object:
    """Orders of people who are named, whose phone number is known, or who are not known yet; and goals."""
    purchase = purchase_of(house.digest, f"A-2026-{a}")
    sign = sign_of(house.digest, PHONE, f"+86138{b % 2:08}")
    at, cny = house.now, Currency("CNY")
    placed = PlaceOrder(
        purchase=purchase,
        number=Personal(f"A-2026-{a}"),
        items=Personal([{"name": "tea", "count": b}]),
        amount=9_900 + b,
        currency=cny,
        at=at,
        source=Slug("api"),
    )
    choices: Sequence[tuple[Command, ...]] = (
        (placed,),
        (placed, FindBuyer(purchase=purchase, customer=house.customer(_known(house, a)))),
        (placed, FindBuyer(purchase=purchase, signs=(sign,))),
        (PayOrder(purchase=purchase, amount=9_900, currency=cny, at=at),),
        (RefundOrder(purchase=purchase, refund=Digest(f"r{b}"), amount=100, currency=cny, at=at),),
        (
            ReachGoal(
                key=Digest(f"k{b}"), goal=Slug("visit"), customer=house.customer(_known(house, a)), at=at
            ),
        ),
        (ReachGoal(key=Digest(f"l{b}"), goal=Slug("visit"), signs=(sign,), at=at, value=5, currency=cny),),
    )
    if b % 9 == 8:
        return house.says(_person(a), f"where is A-2026-{a}")
    return house.do(*choices[b % len(choices)])


def _described(house: House, a: int, b: int) -> object:
    described = DescribeCustomer(
        customer=house.customer(_known(house, a)),
        birthday=Personal(("1990-05-17", "02-29", "lunar:04-15")[b % 3]) if b % 2 else None,
        member_since=house.now.date() if b % 3 else None,
        language=Locale("zh") if b % 4 else None,
        source=Slug("import"),
    )
    return house.do(described)


def _installation(house: House, _a: int, b: int) -> object:
    return house.do(PauseMarketing() if b % 2 else ResumeMarketing())


def _forget(house: House, a: int, b: int) -> object:
    """Seldom; whoever writes again is somebody new."""
    who = _known(house, a)
    if b % 4:
        return None
    contact = house.contact(who)
    addresses = ((contact, Digest(f"address-{who}")),)
    command = ForgetCustomer(customer=house.customer(who), addresses=addresses, orders=(Digest(f"q{a}"),))
    done = house.do(command)
    if isinstance(done, Done):
        house.identities.alias(Address(Party.CONTACT, TELEGRAM, BOT, who), f"{contact}-again")
        house.says(who, "tea again")
    return done


MOVES: tuple[Move, ...] = (
    _says,
    _says_in_group,
    _edits,
    _customer_record,
    _rule,
    _plan,
    _claim,
    _goes_out,
    _about_delivery,
    _broadcast,
    _schedule,
    _team,
    _members,
    _reach,
    _installation,
    _identity,
    _forget,
    _sends_file,
    _acts,
    _orders,
    _described,
    campaign_moves,
    outreach,
    code_moves,
)


def lived(moves: Sequence[tuple[int, int, int]]) -> House:
    """Return the house after these moves; what the domain refuses simply does not happen."""
    house = House()
    for move, a, b in moves:
        house.now += timedelta(seconds=7)
        MOVES[move % len(MOVES)](house, a, b)
    return house
