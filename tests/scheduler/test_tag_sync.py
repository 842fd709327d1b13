"""Tags on both sides, on the real dispatcher; the provider is in memory."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from domain.contacts.commands import BlockContact
from domain.contacts.contact import contacts
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.customers.events import CustomerTagged, CustomerUntagged
from domain.dispatch import Request, Result
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure
from domain.forgetting import ForgetCustomer
from domain.identity import Account, Channel, ContactId, CustomerId, Digest, Slug, Tag
from domain.mirrors.events import TagMirrored
from domain.mirrors.mirror import mirrors
from domain.ports.tag_ledger import MemoryTagLedger, Page
from domain.ports.tag_mirror import MemoryTagMirror
from scheduler.follower import Follower
from scheduler.tag_sync import AGAIN_S, LOOK_OVER_THERE_EVERY_S, TagSync
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.domain.shop import LIN, WANG, Shop, said

VIP, TEA = Tag("vip"), Tag("tea")
W, L = WANG.external_id, LIN.external_id


@dataclass
class Ledger:
    """What the shop's log says of tags. ``meanwhile``: happens after a page was asked for; ``some``: who was asked for beside."""

    shop: Shop
    meanwhile: Callable[[], object] = lambda: None
    some: list[set[str]] = field(default_factory=list)

    def page(self, channel: Channel, account: Account, after: str, limit: int) -> Page:
        page = self._whole().page(channel, account, after, limit)
        self.meanwhile()
        return page

    def of(
        self,
        channel: Channel,
        account: Account,
        customers: Collection[CustomerId],
        contacts: Collection[ContactId],
    ) -> Page:
        self.some.append({*customers, *contacts})
        return self._whole().of(channel, account, customers, contacts)

    def _whole(self) -> MemoryTagLedger:
        shop, senders = self.shop, (WANG, LIN)
        reachable = [s for s in senders if shop.state(contacts, shop.contact(s)).reachable]
        people = {s.external_id: (shop.contact(s), shop.customer(s)) for s in reachable}
        ours = {(shop.contact(s), tag) for s in senders for tag in shop.customer_state(s).tags}
        there = {(c, tag) for c, _ in people.values() for tag in shop.state(mirrors, c).there}
        return MemoryTagLedger({(TELEGRAM, BOT): Page(frozenset(ours), frozenset(there), people)})


@dataclass
class Provider(MemoryTagMirror):
    """``calls``: what was asked of it; ``failures`` are raised first."""

    calls: list[str] = field(default_factory=list)
    failures: list[SendFailed] = field(default_factory=list)

    async def held(self) -> AsyncIterator[tuple[Tag, Collection[str]]]:
        self._called("held")
        async for one in MemoryTagMirror.held(self):
            yield one

    async def put(self, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
        self._called(f"put {tag}")
        return await MemoryTagMirror.put(self, tag, external_ids)

    async def take(self, tag: Tag, external_ids: Collection[str]) -> None:
        self._called(f"take {tag}")
        await MemoryTagMirror.take(self, tag, external_ids)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop()


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"), said("你好", LIN))


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Sync:
    """The synchronisation; it looks at one person a step."""

    def __init__(self, shop: Shop, provider: Provider, clock: Clock) -> None:
        async def dispatch(request: Request) -> Result:
            return shop.dispatcher.step([request])[0]

        follower = Follower("tag-sync", shop.log, dispatch, lambda: shop.now)
        self.ledger = Ledger(shop)
        self.step = TagSync(lambda: {(TELEGRAM, BOT): provider}, self.ledger, follower, clock, 1).step

    async def settle(self) -> float | None:
        """Go on until there is nothing more to do now."""
        while (pause := await self.step()) == 0.0:
            pass
        return pause


@pytest.fixture
def sync(shop: Shop, provider: Provider, clock: Clock) -> Sync:
    return Sync(shop, provider, clock)


def tag(shop: Shop, name: Tag) -> TagCustomer:
    return TagCustomer(customer=shop.customer(), tag=name)


async def test_a_tag_given_here_reaches_the_provider_and_is_noted(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    shop.given(tag(shop, VIP))
    await sync.settle()
    assert provider.tags == {VIP: {W}}
    assert shop.all_of(TagMirrored) == [TagMirrored(contact=shop.contact(), tag=VIP, there=True)]


async def test_a_tag_given_over_there_reaches_us_in_one_append_with_its_note(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    provider.tags = {TEA: {L, "a stranger"}}
    await sync.settle()
    last = shop.recorded()[-2:]
    assert [type(recorded.event) for recorded in last] == [CustomerTagged, TagMirrored]
    assert (shop.customer_state(LIN).tags, shop.customer_state().tags) == (frozenset({TEA}), frozenset())
    assert {recorded.actor for recorded in last} == {Slug("process-tag-sync")}


async def test_what_was_taken_away_on_one_side_goes_on_the_other(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    shop.given(tag(shop, VIP), tag(shop, TEA))
    await sync.settle()
    shop.given(UntagCustomer(customer=shop.customer(), tag=VIP))
    provider.tags[TEA].clear()
    clock.at += LOOK_OVER_THERE_EVERY_S
    await sync.settle()
    assert (provider.tags, shop.customer_state().tags) == ({VIP: set(), TEA: set()}, frozenset())
    assert [event.tag for event in shop.all_of(CustomerUntagged)] == [VIP, TEA]


async def test_the_same_on_both_sides_needs_only_the_note(shop: Shop, provider: Provider, sync: Sync) -> None:
    shop.given(tag(shop, VIP))
    provider.tags = {VIP: {W}}
    await sync.settle()
    assert (provider.calls, len(shop.all_of(CustomerTagged))) == (["held"], 1)


async def test_the_provider_is_asked_now_and_then_and_ours_are_carried_at_once(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    assert await sync.settle() == LOOK_OVER_THERE_EVERY_S
    shop.given(tag(shop, VIP))
    await sync.settle()
    assert provider.calls == ["held", "put vip"]


async def test_what_a_failure_left_open_is_done_again(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    await sync.settle()
    shop.given(tag(shop, VIP))
    provider.failures = [TemporaryFailure("unreachable")]
    assert await sync.settle() == AGAIN_S
    assert shop.all_of(TagMirrored) == []
    calls = len(provider.calls)
    assert (await sync.settle(), len(provider.calls)) == (AGAIN_S, calls)
    clock.at += AGAIN_S
    await sync.settle()
    assert (provider.tags, len(shop.all_of(TagMirrored))) == ({VIP: {W}}, 1)


async def test_several_words_are_no_tag_of_ours(shop: Shop, provider: Provider, sync: Sync) -> None:
    provider.tags = {Tag("likes tea"): {W}}
    await sync.settle()
    assert shop.all_of(CustomerTagged) == []


async def test_who_blocked_us_keeps_their_tags(shop: Shop, provider: Provider, sync: Sync) -> None:
    shop.given(tag(shop, VIP))
    await sync.settle()
    shop.given(BlockContact(contact=shop.contact(), reason=Slug("blocked")))
    await sync.settle()
    assert shop.customer_state().tags == {VIP}


async def test_a_tag_that_the_provider_never_takes_does_not_stop_the_others(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    provider.impossible = {TEA: Slug("tag-name-too-long")}
    shop.given(tag(shop, TEA), tag(shop, VIP))
    with capture_logs() as logged:
        await sync.settle()
    assert (provider.tags, [event.tag for event in shop.all_of(TagMirrored)]) == ({VIP: {W}}, [VIP])
    assert [entry["reason"] for entry in logged] == ["tag-name-too-long"]
    await sync.settle()
    assert provider.calls.count("put tea") == 1
    clock.at += LOOK_OVER_THERE_EVERY_S
    provider.impossible.clear()
    await sync.settle()
    assert provider.tags == {VIP: {W}, TEA: {W}}


async def test_an_account_that_may_keep_no_tags_is_asked_rarely(
    provider: Provider, sync: Sync, clock: Clock
) -> None:
    provider.failures = [PermanentFailure("not-authorised")]
    assert await sync.settle() == LOOK_OVER_THERE_EVERY_S
    clock.at += AGAIN_S
    await sync.settle()
    assert provider.calls == ["held"]


def _forgetting(shop: Shop) -> ForgetCustomer:
    contact = shop.contact()
    return ForgetCustomer(customer=shop.customer(), addresses=((contact, Digest("at")),))


async def test_who_is_forgotten_while_they_are_compared_does_not_stop_the_others(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    provider.tags = {TEA: {W, L}}
    forgetting = [_forgetting(shop)]
    sync.ledger.meanwhile = lambda: forgetting and shop.given(forgetting.pop())
    with capture_logs() as logged:
        await sync.settle()
    assert shop.customer_state(LIN).tags == {TEA}
    assert [entry["event"] for entry in logged] == ["tags.not_noted"]


async def _in_a_look(shop: Shop, provider: Provider, sync: Sync, clock: Clock) -> None:
    """VIP was given, and carried over; the next look has all that the provider has, but of ours nobody is compared yet."""
    shop.given(tag(shop, VIP))
    await sync.settle()
    clock.at += LOOK_OVER_THERE_EVERY_S
    listed = sum(map(len, provider.tags.values()))
    for _ in range(listed + 1):
        assert await sync.step() == 0.0


async def test_what_is_given_and_taken_here_during_a_look_is_carried_at_once_and_stays_so(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    await _in_a_look(shop, provider, sync, clock)
    shop.given(tag(shop, TEA), UntagCustomer(customer=shop.customer(), tag=VIP))
    await sync.step()
    assert provider.tags == {VIP: set(), TEA: {W}}
    await sync.settle()
    assert (provider.tags, shop.customer_state().tags) == ({VIP: set(), TEA: {W}}, frozenset({TEA}))
    assert [type(recorded.event) for recorded in shop.recorded()[-2:]] == [TagMirrored, TagMirrored]


async def test_a_look_that_fails_in_the_middle_begins_anew(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    await _in_a_look(shop, provider, sync, clock)
    provider.failures = [TemporaryFailure("unreachable")]
    shop.given(tag(shop, TEA))
    assert await sync.step() == AGAIN_S
    provider.tags[VIP].clear()
    clock.at += AGAIN_S
    await sync.settle()
    assert (provider.tags, shop.customer_state().tags) == ({VIP: set(), TEA: {W}}, frozenset({TEA}))


async def test_whoever_takes_over_in_the_middle_of_a_look_begins_with_one(
    shop: Shop, provider: Provider, sync: Sync, clock: Clock
) -> None:
    await _in_a_look(shop, provider, sync, clock)
    provider.tags[TEA] = {L}
    shop.given(UntagCustomer(customer=shop.customer(), tag=VIP))
    await Sync(shop, provider, clock).settle()
    assert (provider.tags, shop.customer_state(LIN).tags) == ({VIP: set(), TEA: {L}}, frozenset({TEA}))


async def test_between_two_looks_only_those_are_looked_up_of_whom_something_changed(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    def unwanted() -> None:
        raise AssertionError("nobody needs to look at all of them")

    await sync.settle()
    sync.ledger.meanwhile = unwanted
    shop.given(tag(shop, VIP), said("我要茶"))
    await sync.settle()
    shop.given(said("谢谢"))
    await sync.settle()
    assert (provider.tags, sync.ledger.some) == ({VIP: {W}}, [{shop.customer()}])


async def test_who_can_be_reached_again_is_given_what_they_got_meanwhile(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    shop.given(BlockContact(contact=shop.contact(), reason=Slug("blocked")))
    await sync.settle()
    shop.given(tag(shop, VIP))
    await sync.settle()
    assert provider.tags == {}
    shop.given(said("又来了"))
    await sync.settle()
    assert (provider.tags, provider.calls) == ({VIP: {W}}, ["held", "put vip"])


async def test_what_a_provider_does_not_take_is_told_once_a_look_with_how_many_it_is_about(
    shop: Shop, provider: Provider, sync: Sync
) -> None:
    provider.impossible = {TEA: Slug("tag-name-too-long")}
    provider.full = {W: Slug("has-too-many-tags"), L: Slug("has-too-many-tags")}
    both = [TagCustomer(customer=shop.customer(who), tag=name) for who in (WANG, LIN) for name in (TEA, VIP)]
    shop.given(*both)
    with capture_logs() as logged:
        await sync.settle()
    assert [(entry["tag"], entry["reason"], entry["people"]) for entry in logged] == [
        (TEA, "tag-name-too-long", 2),
        (VIP, "has-too-many-tags", 2),
    ]
    assert provider.calls == ["held", "put tea", "put vip", "put vip"]


async def test_an_account_that_is_opened_anew_is_looked_at_at_once(
    shop: Shop, provider: Provider, clock: Clock
) -> None:
    async def dispatch(request: Request) -> Result:
        return shop.dispatcher.step([request])[0]

    open_now: dict[tuple[Channel, Account], Provider] = {(TELEGRAM, BOT): provider}
    follower = Follower("tag-sync", shop.log, dispatch, lambda: shop.now)
    sync = TagSync(lambda: open_now, Ledger(shop), follower, clock)
    while await sync.step() == 0.0:
        pass
    shop.given(tag(shop, VIP))
    anew = open_now[TELEGRAM, BOT] = Provider(tags={VIP: {L}})
    while await sync.step() == 0.0:
        pass
    assert (anew.tags, shop.customer_state(LIN).tags) == ({VIP: {W, L}}, frozenset({VIP}))
    open_now.clear()
    assert await sync.step() is None
