"""The courier: what becomes of a message, whatever the provider and the store say."""

import asyncio
from dataclasses import dataclass

import pytest

from domain.contacts.contact import contacts
from domain.contacts.events import ContactBlocked
from domain.customers.customer import customers
from domain.deliveries.commands import AcceptDelivery
from domain.deliveries.events import (
    DeliveryClass,
    DeliveryPostponed,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.dispatch import Failed, Request, Result
from domain.errors import (
    OutcomeUnknown,
    Overloaded,
    PermanentFailure,
    SiyuError,
    StoreUnavailable,
    TemporaryFailure,
    UnknownEvent,
    VersionConflict,
)
from domain.identity import DeliveryId, ProviderMessageId, Slug
from domain.ports.messenger import MemoryMessenger, Outbound
from scheduler.delivery import FIRST_BACKOFF_S, LEASE_S, LONGEST_BACKOFF_S, OUTCOME_TRIES
from tests.scheduler.world import Provider, World

DAY_S = 24 * 3_600.0
MARKETING, SERVICE, REPLY = DeliveryClass.MARKETING, DeliveryClass.SERVICE, DeliveryClass.REPLY
LIMITED = TemporaryFailure("rate-limited", retry_after_s=30, whole_account=True)


async def test_what_provably_was_not_sent_is_tried_again_later_and_later_and_nobody_else_waits() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    world.send_to(wang, "w")
    provider = Provider(world, _FailsFor("w", TemporaryFailure("conflict")))
    courier = world.courier(provider)
    start, at = world.boottime, world.now
    await world.run(courier, 3.5)
    world.send_to(lin, "l")
    await world.run(courier, 2_000.0)
    waits = [
        (event.not_before - at).total_seconds()
        for event in world.story("w")
        if isinstance(event, DeliveryPostponed)
    ]
    assert waits[:4] == [FIRST_BACKOFF_S, 3 * FIRST_BACKOFF_S, 7 * FIRST_BACKOFF_S, 15 * FIRST_BACKOFF_S]
    assert waits[-1] - waits[-2] == LONGEST_BACKOFF_S
    assert (start + 3.5, "l") in provider.asked


async def test_who_cannot_be_reached_any_more_is_remembered_as_blocked() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", "w1")
    provider = Provider(world, MemoryMessenger(failures=[PermanentFailure("blocked", unreachable=True)]))
    await world.settle(world.courier(provider))
    rejected = DeliveryRejected(delivery=DeliveryId("w0"), reason=Slug("blocked"), unreachable=True)
    assert world.story("w0")[-1] == rejected
    assert world.all_of(ContactBlocked) == [ContactBlocked(contact=wang, reason=Slug("blocked"))]
    assert provider.texts == ["w0"]
    suppressed = DeliverySuppressed(
        delivery=DeliveryId("w1"), reason=Slug("blocked"), rule=Slug("reachability")
    )
    assert world.story("w1")[-1] == suppressed


async def test_what_the_provider_will_never_take_is_final_for_this_message_alone() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", kind=MARKETING)
    world.send_to(wang, "w1")
    provider = Provider(world, MemoryMessenger(failures=[]))
    provider.inner = _FailsFor("w0", PermanentFailure("text-too-long"))
    await world.run(world.courier(provider), DAY_S)
    assert (world.kinds("w0")[-1], world.kinds("w1")[-1]) == ("Rejected", "Accepted")
    assert world.state(contacts, wang).blocked is None
    customer = world.state(contacts, wang).customer or ""
    assert world.state(customers, customer).reservations == ()  # its cap is given back


async def test_marketing_that_may_have_arrived_is_never_sent_again_and_its_cap_stays_spent() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    provider = Provider(world, MemoryMessenger(failures=[OutcomeUnknown("timeout")]))
    await world.run(world.courier(provider), DAY_S)
    assert provider.texts == ["offer"]
    assert world.story("offer")[-1] == DeliveryUnknown(delivery=DeliveryId("offer"), reason=Slug("timeout"))
    customer = world.state(contacts, wang).customer or ""
    assert [held.delivery for held in world.state(customers, customer).reservations] == ["offer"]


@pytest.mark.parametrize("kind", [REPLY, SERVICE])
async def test_others_that_may_have_arrived_are_sent_again_half_a_minute_after_their_lease(
    kind: DeliveryClass,
) -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w", kind=kind)
    provider = Provider(world, MemoryMessenger(failures=[OutcomeUnknown("timeout")]))
    start = world.boottime
    await world.run(world.courier(provider), DAY_S)
    assert provider.asked == [(start, "w"), (start + LEASE_S + 30, "w")]
    assert world.kinds("w") == ["Planned", "Started", "Unknown", "Started", "Accepted"]


async def test_they_are_tried_three_times_at_most() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w")
    provider = Provider(world, MemoryMessenger(failures=[OutcomeUnknown("timeout")] * 9))
    await world.run(world.courier(provider), 2 * DAY_S)
    assert world.kinds("w") == ["Planned", *["Started", "Unknown"] * 3]


@dataclass
class _Hangs:
    """A provider that takes the request and never answers."""

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        await asyncio.Event().wait()
        return ProviderMessageId(outbound.key)


@dataclass
class _FailsFor:
    """A provider that objects to one text."""

    text: str
    error: Exception

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        if outbound.text == self.text:
            raise self.error
        return ProviderMessageId(outbound.key)


async def test_a_provider_that_hangs_is_given_up_on_in_time_and_the_outcome_is_unknown() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w")
    await world.settle(world.courier(_Hangs(), request_timeout_s=0.01))
    assert world.story("w")[-1] == DeliveryUnknown(delivery=DeliveryId("w"), reason=Slug("timed-out"))


async def test_a_bug_in_a_messenger_is_an_unknown_outcome_and_the_next_message_goes() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", "w1")
    provider = Provider(world, _FailsFor("w0", KeyError("result")))
    await world.settle(world.courier(provider))
    assert world.story("w0")[-1] == DeliveryUnknown(delivery=DeliveryId("w0"), reason=Slug("internal-error"))
    assert world.kinds("w1")[-1] == "Accepted"


async def test_a_provider_that_fails_is_probed_with_one_message_at_a_time_until_it_answers() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(6)]
    under_way: list[int] = []

    class Counting:
        calls = at_once = 0

        async def send(self, outbound: Outbound) -> ProviderMessageId | None:
            self.calls += 1
            self.at_once += 1
            under_way.append(self.at_once)
            await asyncio.sleep(0)
            self.at_once -= 1
            if self.calls <= 3:
                raise OutcomeUnknown("server-error")
            return ProviderMessageId(outbound.key)

    courier = world.courier(Counting())
    world.send_to(people[0], "first", kind=MARKETING)
    await world.settle(courier)
    for i, person in enumerate(people[1:]):
        world.send_to(person, f"offer {i}", kind=MARKETING)
    await world.settle(courier)
    assert under_way[:4] == [1, 1, 1, 1]
    outcomes = [world.kinds(f"offer {i}")[-1] for i in range(5)]
    assert sorted(outcomes) == ["Accepted", "Accepted", "Accepted", "Unknown", "Unknown"]


@pytest.mark.parametrize("error", [StoreUnavailable("disk full"), Overloaded("10000 wait")])
async def test_an_outcome_is_handed_in_until_the_store_takes_it(error: StoreUnavailable | Overloaded) -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)

    class FillsTheDisk(MemoryMessenger):
        async def send(self, outbound: Outbound) -> ProviderMessageId | None:
            world.failures = [error] * 7
            return await super().send(outbound)

    messenger = FillsTheDisk()
    await world.settle(world.courier(messenger))
    assert world.kinds("offer") == ["Planned", "Started", "Accepted"]
    assert world.failures == []
    assert len(messenger.sent) == 1


async def _accept_refused(error: SiyuError, times: int) -> list[str]:
    """Send one message whose outcome the log refuses so often. Returns what happened to it."""
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    refused = 0

    async def refusing(request: Request) -> Result:
        nonlocal refused
        if isinstance(request.commands[0], AcceptDelivery) and refused < times:
            refused += 1
            return Failed(error)
        return await world.dispatch(request)

    await world.settle(world.courier(MemoryMessenger(), dispatch=refusing))
    return world.kinds("offer")


async def test_an_outcome_that_others_contend_with_is_handed_in_again() -> None:
    contended = VersionConflict("others wrote the same streams")
    assert await _accept_refused(contended, 2 * OUTCOME_TRIES) == ["Planned", "Started", "Accepted"]


async def test_an_outcome_that_the_log_will_never_take_is_given_up_in_the_end() -> None:
    damaged = UnknownEvent("delivery-offer@2 cannot be read")
    assert await _accept_refused(damaged, OUTCOME_TRIES - 1) == ["Planned", "Started", "Accepted"]
    assert await _accept_refused(damaged, OUTCOME_TRIES) == ["Planned", "Started"]


async def test_a_store_that_is_away_at_the_claim_lets_nothing_out_and_nothing_overtake() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", "w1")
    provider = Provider(world)
    courier = world.courier(provider)
    world.failures = [StoreUnavailable("database away")]
    await world.settle(courier)
    assert provider.texts == []
    await world.run(courier, 10.0)
    assert provider.texts == ["w0", "w1"]
