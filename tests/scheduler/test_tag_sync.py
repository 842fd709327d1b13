"""Tags on both sides, on the real dispatcher; the provider is in memory."""

from collections.abc import Callable, Collection, Mapping
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
from domain.identity import Account, Channel, Digest, Slug, Tag
from domain.mirrors.events import TagMirrored
from domain.mirrors.mirror import mirrors
from domain.ports.tag_ledger import Page
from domain.ports.tag_mirror import MemoryTagMirror
from scheduler.tag_sync import AGAIN_S, LOOK_OVER_THERE_EVERY_S, TagSync
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.domain.shop import LIN, WANG, Shop, said

VIP, TEA = Tag("vip"), Tag("tea")
W, L = WANG.external_id, LIN.external_id


@dataclass
class Ledger:
    """What the shop's log says of tags."""

    shop: Shop

    def page(self, _channel: Channel, _account: Account) -> Page:
        shop, senders = self.shop, (WANG, LIN)
        reachable = [s for s in senders if shop.state(contacts, shop.contact(s)).reachable]
        people = {s.external_id: (shop.contact(s), shop.customer(s)) for s in reachable}
        ours = {(shop.contact(s), tag) for s in senders for tag in shop.customer_state(s).tags}
        there = {(c, tag) for c, _ in people.values() for tag in shop.state(mirrors, c).there}
        return Page(frozenset(ours), frozenset(there), people)


@dataclass
class Provider(MemoryTagMirror):
    """``calls``: what was asked of it; ``failures`` are raised first."""

    calls: list[str] = field(default_factory=list)
    failures: list[SendFailed] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    async def held(self) -> Mapping[Tag, Collection[str]]:
        self._called("held")
        self.meanwhile()
        return await MemoryTagMirror.held(self)

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


@pytest.fixture
def sync(shop: Shop, provider: Provider, clock: Clock) -> TagSync:
    async def dispatch(request: Request) -> Result:
        return shop.dispatcher.step([request])[0]

    return TagSync(lambda: {(TELEGRAM, BOT): provider}, Ledger(shop), dispatch, lambda: shop.now, clock)


def tag(shop: Shop, name: Tag) -> TagCustomer:
    return TagCustomer(customer=shop.customer(), tag=name)


async def test_a_tag_given_here_reaches_the_provider_and_is_noted(
    shop: Shop, provider: Provider, sync: TagSync
) -> None:
    shop.given(tag(shop, VIP))
    await sync.step()
    assert provider.tags == {VIP: {W}}
    assert shop.all_of(TagMirrored) == [TagMirrored(contact=shop.contact(), tag=VIP, there=True)]


async def test_a_tag_given_over_there_reaches_us_in_one_append_with_its_note(
    shop: Shop, provider: Provider, sync: TagSync
) -> None:
    provider.tags = {TEA: {L, "a stranger"}}
    await sync.step()
    last = shop.recorded()[-2:]
    assert [type(recorded.event) for recorded in last] == [CustomerTagged, TagMirrored]
    assert (shop.customer_state(LIN).tags, shop.customer_state().tags) == (frozenset({TEA}), frozenset())
    assert {recorded.actor for recorded in last} == {Slug("process-tag-sync")}


async def test_what_was_taken_away_on_one_side_goes_on_the_other(
    shop: Shop, provider: Provider, sync: TagSync, clock: Clock
) -> None:
    shop.given(tag(shop, VIP), tag(shop, TEA))
    await sync.step()
    shop.given(UntagCustomer(customer=shop.customer(), tag=VIP))
    provider.tags[TEA].clear()
    clock.at += LOOK_OVER_THERE_EVERY_S
    await sync.step()
    assert (provider.tags, shop.customer_state().tags) == ({VIP: set(), TEA: set()}, frozenset())
    assert [event.tag for event in shop.all_of(CustomerUntagged)] == [VIP, TEA]


async def test_the_same_on_both_sides_needs_only_the_note(
    shop: Shop, provider: Provider, sync: TagSync
) -> None:
    shop.given(tag(shop, VIP))
    provider.tags = {VIP: {W}}
    await sync.step()
    assert (provider.calls, len(shop.all_of(CustomerTagged))) == (["held"], 1)


async def test_the_provider_is_asked_now_and_then_and_ours_are_carried_at_once(
    shop: Shop, provider: Provider, sync: TagSync
) -> None:
    assert await sync.step() == LOOK_OVER_THERE_EVERY_S
    shop.given(tag(shop, VIP))
    await sync.step()
    assert provider.calls == ["held", "put vip"]


async def test_what_a_failure_left_open_is_done_again(
    shop: Shop, provider: Provider, sync: TagSync, clock: Clock
) -> None:
    await sync.step()
    shop.given(tag(shop, VIP))
    provider.failures = [TemporaryFailure("unreachable")]
    assert await sync.step() == AGAIN_S
    assert shop.all_of(TagMirrored) == []
    calls = len(provider.calls)
    assert (await sync.step(), len(provider.calls)) == (AGAIN_S, calls)
    clock.at += AGAIN_S
    await sync.step()
    assert (provider.tags, len(shop.all_of(TagMirrored))) == ({VIP: {W}}, 1)


async def test_several_words_are_no_tag_of_ours(shop: Shop, provider: Provider, sync: TagSync) -> None:
    provider.tags = {Tag("likes tea"): {W}}
    await sync.step()
    assert shop.all_of(CustomerTagged) == []


async def test_who_blocked_us_keeps_their_tags(shop: Shop, provider: Provider, sync: TagSync) -> None:
    shop.given(tag(shop, VIP))
    await sync.step()
    shop.given(BlockContact(contact=shop.contact(), reason=Slug("blocked")))
    await sync.step()
    assert shop.customer_state().tags == {VIP}


async def test_a_tag_that_the_provider_never_takes_does_not_stop_the_others(
    shop: Shop, provider: Provider, sync: TagSync, clock: Clock
) -> None:
    provider.impossible = {TEA: Slug("tag-name-too-long")}
    shop.given(tag(shop, TEA), tag(shop, VIP))
    with capture_logs() as logged:
        await sync.step()
    assert (provider.tags, [event.tag for event in shop.all_of(TagMirrored)]) == ({VIP: {W}}, [VIP])
    assert [entry["reason"] for entry in logged] == ["tag-name-too-long"]
    await sync.step()
    assert provider.calls.count("put tea") == 1
    clock.at += LOOK_OVER_THERE_EVERY_S
    provider.impossible.clear()
    await sync.step()
    assert provider.tags == {VIP: {W}, TEA: {W}}


async def test_an_account_that_may_keep_no_tags_is_asked_rarely(
    provider: Provider, sync: TagSync, clock: Clock
) -> None:
    provider.failures = [PermanentFailure("not-authorised")]
    assert await sync.step() == LOOK_OVER_THERE_EVERY_S
    clock.at += AGAIN_S
    await sync.step()
    assert provider.calls == ["held"]


def _forgetting(shop: Shop) -> ForgetCustomer:
    contact = shop.contact()
    return ForgetCustomer(customer=shop.customer(), addresses=((contact, Digest("at")),))


async def test_who_is_forgotten_while_the_provider_is_asked_does_not_stop_the_others(
    shop: Shop, provider: Provider, sync: TagSync
) -> None:
    provider.tags = {TEA: {W, L}}
    provider.meanwhile = lambda: shop.given(_forgetting(shop))
    with capture_logs() as logged:
        await sync.step()
    assert shop.customer_state(LIN).tags == {TEA}
    assert [entry["event"] for entry in logged] == ["tags.not_noted"]
