"""The courier: one message's way out, its order among others, and its text."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryClass,
    DeliveryPostponed,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.dispatch import Request, Result
from domain.errors import (
    TemporaryFailure,
)
from domain.gate import ClaimDelivery
from domain.identity import Address, ContactId, DeliveryId, GroupId, Party, ProviderMessageId, Slug
from domain.message import Personal
from domain.ports.audience import Known
from domain.ports.messenger import MemoryMessenger, Outbound
from scheduler.delivery import LEASE_S
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.scheduler.world import TELEGRAM_RATES, Provider, World

DAY_S = 24 * 3_600.0
MARKETING, SERVICE, REPLY = DeliveryClass.MARKETING, DeliveryClass.SERVICE, DeliveryClass.REPLY
LIMITED = TemporaryFailure("rate-limited", retry_after_s=30, whole_account=True)


async def test_the_claim_is_in_the_log_before_the_request_and_the_outcome_after_it() -> None:
    world = World()
    wang = world.meet("wang")
    seen: list[list[str]] = []

    class Looking(MemoryMessenger):
        async def send(self, outbound: Outbound) -> ProviderMessageId | None:
            seen.append(world.kinds("hello"))
            return await super().send(outbound)

    messenger = Looking()
    world.send_to(wang, "hello")
    await world.settle(world.courier(messenger))
    assert seen == [["Planned", "Started"]]
    until = world.now + timedelta(seconds=LEASE_S)
    hello, subject = DeliveryId("hello"), world.plan("hello", wang).subject
    assert world.story("hello")[1:] == [
        DeliveryStarted(delivery=hello, subject=subject, attempt=1, worker=Slug("worker-1"), until=until),
        DeliveryAccepted(delivery=hello, provider_message=ProviderMessageId("1")),
    ]
    to = Address(Party.CONTACT, TELEGRAM, BOT, "wang")
    assert messenger.sent == [Outbound(key="hello", to=to, text="hello")]


async def test_a_message_in_the_future_goes_at_its_time_and_the_step_says_when_that_is() -> None:
    world = World()
    wang = world.meet("wang")
    later = replace(world.plan("later", wang), not_before=world.now + timedelta(seconds=90))
    world.given(later)
    provider = Provider(world)
    courier = world.courier(provider)
    assert await courier.step() == 90.0
    world.pass_time(89.9)
    await world.settle(courier)
    assert provider.texts == []
    world.pass_time(0.1)
    await world.settle(courier)
    assert provider.texts == ["later"]
    assert await courier.step() is None


async def test_within_a_chat_what_was_planned_first_arrives_first_however_fast_it_may_go() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    for i in range(10):
        world.send_to(wang, f"w{i}")
        world.send_to(lin, f"l{i}")
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert [text for text in provider.texts if text[0] == "w"] == [f"w{i}" for i in range(10)]
    assert [text for text in provider.texts if text[0] == "l"] == [f"l{i}" for i in range(10)]


async def test_replies_overtake_marketing_and_the_rates_are_kept() -> None:
    world = World()
    people = [world.meet(f"p{i}") for i in range(120)]
    for i, person in enumerate(people):
        world.send_to(person, f"offer {i}", kind=MARKETING)
    provider = Provider(world)
    courier = world.courier(provider, rates=TELEGRAM_RATES)
    await world.run(courier, 1.0)
    world.send_to(people[-1], "reply")
    begun = len(provider.asked)
    await world.run(courier, 10.0)
    assert provider.texts[begun] == "reply"
    assert len(provider.asked) == 121
    times = [at for at, _ in provider.asked]
    assert min(b - a for a, b in zip(times, times[30:], strict=False)) > 1.0


async def test_a_429_stops_the_whole_account_until_then_and_every_chat_goes_on_in_its_order() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin")
    for i in range(3):
        world.send_to(wang, f"w{i}")
        world.send_to(lin, f"l{i}")
    provider = Provider(world, MemoryMessenger(failures=[LIMITED]))
    start = world.boottime
    courier = world.courier(provider)
    await world.run(courier, 29.9)
    assert provider.asked == [(start, "w0")]
    await world.run(courier, 20.0)
    assert [text for text in provider.texts if text[0] == "w"] == ["w0", "w0", "w1", "w2"]
    assert [text for text in provider.texts if text[0] == "l"] == ["l0", "l1", "l2"]
    assert min(at for at, _ in provider.asked[1:]) >= start + 30
    assert world.kinds("w0") == ["Planned", "Started", "Postponed", "Started", "Accepted"]


async def test_what_was_not_claimed_yet_when_the_account_froze_stays_planned() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", "w1")
    provider = Provider(world)

    class Freezing:
        """The provider says stop while the text is written."""

        page, size = world.view.page, world.view.size

        def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
            if world.boottime == start:
                courier.posts[TELEGRAM, BOT].pacer.freeze(start + 40)
            return world.view.about(whom)

    courier = world.courier(provider, audience=Freezing())
    start = world.boottime
    await world.run(courier, 39.0)
    assert (provider.asked, world.kinds("w0")) == ([], ["Planned"])
    await world.run(courier, 10.0)
    assert provider.asked == [(start + 40, "w0"), (start + 40, "w1")]


async def test_what_was_claimed_when_the_account_froze_goes_back_and_keeps_its_place() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w0", "w1")
    provider = Provider(world)
    claims = 0

    async def freezing(request: Request) -> Result:
        nonlocal claims
        claims += isinstance(request.commands[0], ClaimDelivery)
        result = await world.dispatch(request)
        if claims == 1:
            for post in courier.posts.values():
                post.pacer.freeze(world.boottime + 40)
        return result

    courier = world.courier(provider, dispatch=freezing)
    start, at = world.boottime, world.now
    await world.run(courier, 60.0)
    assert provider.asked == [(start + 40, "w0"), (start + 40, "w1")]
    assert world.story("w0")[2] == DeliveryPostponed(
        delivery=DeliveryId("w0"), not_before=at + timedelta(seconds=40), reason=Slug("account-frozen")
    )


async def test_a_429_of_one_account_leaves_the_others_alone() -> None:
    world = World()
    wang, lin = world.meet("wang"), world.meet("lin", account=world.second_bot)
    world.send_to(wang, "w0", "w1")
    world.send_to(lin, "l0", "l1")
    first = Provider(world, MemoryMessenger(failures=[LIMITED]))
    second = Provider(world)
    await world.settle(world.courier(first, second))
    assert (first.texts, second.texts) == (["w0"], ["l0", "l1"])


async def test_a_worker_that_was_frozen_after_its_claim_sends_nothing_and_says_so() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    provider = Provider(world)

    async def freezing(request: Request) -> Result:
        result = await world.dispatch(request)
        if isinstance(request.commands[0], ClaimDelivery) and world.boottime == 1_000.0:
            world.pass_time(LEASE_S - 29.9)
        return result

    courier = world.courier(provider, dispatch=freezing)
    await courier.step()
    await courier.drain()
    assert provider.texts == []
    assert world.story("offer")[-1] == DeliveryPostponed(
        delivery=DeliveryId("offer"), not_before=world.now, reason=Slug("lease-too-short")
    )
    await world.settle(courier)
    assert provider.texts == ["offer"]


async def test_a_variable_is_filled_in_and_the_log_has_what_went_out() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "Hi {{ name }}")
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == ["Hi wang"]
    assert isinstance(started := world.story("Hi {{ name }}")[1], DeliveryStarted)
    assert started.rendered == Personal("Hi wang")


async def test_whose_variable_is_missing_is_left_out_alone() -> None:
    world = World()
    wang, nameless = world.meet("wang"), world.meet("")
    world.given(
        replace(world.plan("a", wang), text=Personal("Hi {{ name }}")),
        replace(world.plan("b", nameless), text=Personal("Hi {{ name }}")),
    )
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == ["Hi wang"]
    assert world.story("b")[-1] == DeliverySuppressed(
        delivery=DeliveryId("b"), reason=Slug("missing_variable"), rule=Slug("template")
    )


async def test_a_text_that_is_no_template_goes_out_as_it_is() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(replace(world.plan("w", wang), text=Personal("{{ name }} 100 % {%"), verbatim=True))
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == ["{{ name }} 100 % {%"]


async def test_somebody_whose_address_is_forgotten_gets_nothing() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "w")
    world.forget_addresses()
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    assert world.story("w")[-1] == DeliverySuppressed(
        delivery=DeliveryId("w"), reason=Slug("forgotten"), rule=Slug("template")
    )
