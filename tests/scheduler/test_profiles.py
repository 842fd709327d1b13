"""Acquaintance, on the real dispatcher; the provider is in memory."""

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from domain.contacts.commands import BlockContact, UnblockContact
from domain.contacts.contact import contacts
from domain.contacts.events import ContactCompleted, ContactIdentified
from domain.conversations.commands import Sender
from domain.dispatch import Request, Result
from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import Locale, Party, Slug
from domain.message import Origin
from domain.ports.profiles import MemoryProfiles, Profile
from scheduler.follower import Follower
from scheduler.profiles import (
    ASKED_A_STEP,
    BATCH,
    FIRST_RETRY_S,
    MOST_TRIES,
    OPEN_MAX,
    STEP_S,
    Acquaintance,
)
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.domain.shop import LIN, WANG, Shop, said

W, L = WANG.external_id, LIN.external_id
UNIONID = Slug("unionid")
SAME = Profile(identifiers={UNIONID: "u-1"})


@dataclass(slots=True)
class Provider(MemoryProfiles):
    """``failures`` are raised first, by whom is asked after."""

    failures: dict[str, list[SendFailed]] = field(default_factory=dict)

    async def about(self, external_id: str) -> Profile:
        profile = await MemoryProfiles.about(self, external_id)
        if self.failures.get(external_id):
            raise self.failures[external_id].pop()
        return profile


class Desk:
    """The acquaintance of one start of Siyu, with a clock of their own."""

    def __init__(self, shop: Shop, provider: MemoryProfiles, open_max: int = OPEN_MAX) -> None:
        async def dispatch(request: Request) -> Result:
            return shop.dispatcher.step([request])[0]

        self.at, self.forgotten = 0.0, False
        follower = Follower("profiles", shop.log, dispatch, lambda: shop.now)
        self._acquaintance = Acquaintance(
            lambda: {(TELEGRAM, BOT): provider},
            lambda contact: None if self.forgotten else shop.identities.address_of(Party.CONTACT, contact),
            follower,
            shop.digest,
            lambda: self.at,
            open_max,
        )

    async def step(self, after_s: float = 0.0) -> float | None:
        self.at += after_s
        return await self._acquaintance.step()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def desk(shop: Shop, provider: Provider) -> Desk:
    """It follows from here on."""
    begun = Desk(shop, provider)
    await begun.step()
    return begun


async def test_what_the_provider_tells_of_somebody_new_is_noted(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.known[W] = Profile(Locale("zh_CN"), {UNIONID: "u-1"}, Slug("door-2"))
    shop.given(said("你好", Sender(external_id=W)))
    assert await desk.step() is None
    contact = shop.contact()
    assert shop.all_of(ContactCompleted) == [
        ContactCompleted(contact=contact, language=Locale("zh_CN"), source=Slug("door-2"))
    ]
    (identified,) = shop.all_of(ContactIdentified)
    assert (identified.kind, identified.value.value, identified.verified) == (UNIONID, "u-1", True)
    assert (shop.state(contacts, contact).language, shop.state(contacts, contact).source) == (
        "zh_CN",
        "door-2",
    )


async def test_what_is_known_of_somebody_is_not_told_anew(shop: Shop, provider: Provider, desk: Desk) -> None:
    by = Sender(external_id=W, language=Locale("en"))
    provider.known[W] = Profile(Locale("zh_CN"), {}, Slug("door-2"))
    shop.given(said("你好", by, source=Slug("poster")))
    await desk.step()
    assert (provider.asked, shop.all_of(ContactCompleted)) == ([W], [])


async def test_who_has_the_same_unionid_is_the_same_customer(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.known = {W: SAME, L: SAME}
    shop.given(said("你好"), said("你好", LIN))
    await desk.step()
    assert shop.customer() == shop.customer(LIN)


async def test_who_is_known_by_nothing_is_asked_after_once_also_over_a_restart(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    shop.given(said("你好"))
    await desk.step()
    shop.given(said("还在吗"))
    await desk.step()
    await Desk(shop, provider).step()
    assert provider.asked == [W]


async def test_who_comes_back_is_asked_after_again(shop: Shop, provider: Provider, desk: Desk) -> None:
    shop.given(said("你好"))
    await desk.step()
    contact = shop.contact()
    shop.given(BlockContact(contact=contact, reason=Slug("blocked")), UnblockContact(contact=contact))
    await desk.step()
    assert provider.asked == [W, W]


async def test_only_a_few_are_asked_after_at_once(shop: Shop, provider: Provider, desk: Desk) -> None:
    for number in range(ASKED_A_STEP + 1):
        shop.given(said("你好", Sender(external_id=f"p{number}")))
    assert (await desk.step(), len(provider.asked)) == (STEP_S, ASKED_A_STEP)
    assert (await desk.step(STEP_S), len(provider.asked)) == (None, ASKED_A_STEP + 1)


async def test_a_failure_is_tried_again_and_keeps_nobody_else_waiting(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.known = {W: SAME, L: SAME}
    provider.failures[W] = [OutcomeUnknown("timeout")]
    shop.given(said("你好"), said("你好", LIN))
    assert (await desk.step(), len(shop.all_of(ContactIdentified))) == (FIRST_RETRY_S, 1)
    await desk.step(1.0)
    assert provider.asked == [W, L]
    await desk.step(FIRST_RETRY_S)
    assert (provider.asked, len(shop.all_of(ContactIdentified))) == ([W, L, W], 2)


async def test_who_was_open_at_the_end_is_asked_after_by_the_next_start(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.known = {W: SAME}
    provider.failures[W] = [OutcomeUnknown("timeout")]
    shop.given(said("你好"), said("你好", LIN))
    await desk.step()
    await Desk(shop, provider).step()
    assert [event.contact for event in shop.all_of(ContactIdentified)] == [shop.contact()]


async def test_after_some_tries_somebody_is_given_up(shop: Shop, provider: Provider, desk: Desk) -> None:
    provider.failures[W] = [OutcomeUnknown("timeout") for _ in range(MOST_TRIES + 1)]
    shop.given(said("你好"))
    with capture_logs() as logged:
        for _ in range(MOST_TRIES + 1):
            await desk.step(86_400.0)
    assert (len(provider.asked), [entry["event"] for entry in logged]) == (MOST_TRIES, ["profiles.given_up"])
    assert [entry["reason"] for entry in logged] == ["timeout"]


async def test_an_account_that_may_not_ask_ends_it_with_one_word(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.failures[W] = [PermanentFailure("not-authorised")]
    shop.given(said("你好"), said("你好", LIN))
    with capture_logs() as logged:
        await desk.step()
        shop.given(said("你好", Sender(external_id="p3")))
        await desk.step(86_400.0)
    assert provider.asked == [W]
    assert [(entry["event"], entry["reason"]) for entry in logged] == [("profiles.ended", "not-authorised")]


async def test_somebody_whom_the_provider_does_not_know_ends_nothing(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    provider.failures[W] = [PermanentFailure("unknown-openid", unreachable=True)]
    shop.given(said("你好"), said("你好", LIN))
    assert await desk.step() is None
    assert provider.asked == [W, L]


async def test_an_account_in_trouble_rests_and_counts_no_tries(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    trouble = TemporaryFailure("secret-wrong", retry_after_s=60.0, whole_account=True)
    provider.failures[W] = [trouble] * (MOST_TRIES + 1)
    shop.given(said("你好"), said("你好", LIN))
    assert (await desk.step(), provider.asked) == (60.0, [W])
    for _ in range(MOST_TRIES + 1):
        await desk.step(60.0)
    assert provider.asked == [W] * (MOST_TRIES + 2) + [L]


async def test_no_more_wait_than_the_bound(shop: Shop, provider: Provider) -> None:
    desk = Desk(shop, provider, open_max=2)
    await desk.step()
    for name in ("p1", "p2", "p3"):
        shop.given(said("你好", Sender(external_id=name)))
    with capture_logs() as logged:
        await desk.step()
    assert (provider.asked, [entry["reason"] for entry in logged]) == (["p2", "p3"], ["too-many-wait"])


async def test_of_a_crowd_the_newest_are_asked_after_each_once_and_nobody_again_after_a_restart(
    shop: Shop, provider: Provider
) -> None:
    desk = Desk(shop, provider, open_max=5)
    await desk.step()
    for number in range(BATCH):  # each is seen, and says something: several batches
        shop.given(said("你好", Sender(external_id=f"p{number}")))
    with capture_logs() as logged:
        while await desk.step(STEP_S) is not None:
            pass
    given_up = sum(entry["people"] for entry in logged if entry["event"] == "profiles.given_up")
    assert (len(provider.asked) + given_up, len(set(provider.asked))) == (BATCH, len(provider.asked))
    assert provider.asked[-5:] == [f"p{number}" for number in range(BATCH - 5, BATCH)]
    await Desk(shop, provider, open_max=5).step()
    assert len(provider.asked) + given_up == BATCH


async def test_history_and_other_accounts_are_asked_after_nowhere(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    shop.when(said("你好"), origin=Origin.IMPORT)
    elsewhere = Acquaintance(
        dict, lambda _contact: None, Follower("x", shop.log, _never, lambda: shop.now), shop.digest, float
    )
    assert (await desk.step(), await elsewhere.step(), provider.asked) == (None, None, [])


async def _never(request: Request) -> Result:
    raise AssertionError(request)


async def test_who_was_forgotten_before_they_were_asked_after_is_left(
    shop: Shop, provider: Provider, desk: Desk
) -> None:
    shop.given(said("你好"))
    desk.forgotten = True
    assert (await desk.step(), provider.asked) == (None, [])
