"""The courier and the gate: what the view showed is judged again at the moment of sending."""

from dataclasses import replace
from datetime import timedelta

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.customers.commands import WithdrawConsent
from domain.customers.events import MARKETING as TOPIC
from domain.customers.events import ConsentSource
from domain.deliveries.events import (
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliverySuppressed,
)
from domain.dispatch import Request, Result
from domain.identity import ContactId, DeliveryId, Slug
from domain.installation.commands import MarkHistoryImported, PauseMarketing, ResumeMarketing, ResumeSending
from domain.message import Personal
from scheduler.delivery import RELOOK_S
from tests.domain.controls.ids import SPRING
from tests.scheduler.world import Provider, World

HOUR_S = 3_600.0
MARKETING, SERVICE, REPLY = DeliveryClass.MARKETING, DeliveryClass.SERVICE, DeliveryClass.REPLY


def opt_out(contact: ContactId) -> WithdrawConsent:
    """Stop."""
    return WithdrawConsent(contact=contact, topic=TOPIC, source=ConsentSource.STOP_WORD)


async def test_an_opt_out_that_the_view_does_not_show_yet_is_obeyed() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    world.view.until = world.log.head()
    world.given(opt_out(wang))
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    assert world.story("offer")[-1] == DeliverySuppressed(
        delivery=DeliveryId("offer"), reason=Slug("opted-out"), rule=Slug("consent")
    )


async def test_a_broadcast_that_was_cancelled_is_not_sent_though_the_view_still_lists_it() -> None:
    world = World()
    wang = world.meet("wang")
    draft = DraftBroadcast(
        broadcast=SPRING, audience=AudienceKind.ALL, text=Personal("spring"), not_before=world.now
    )
    offer = replace(world.plan("offer", wang, kind=MARKETING), broadcast=SPRING, text=None)
    world.given(draft, ConfirmBroadcast(broadcast=SPRING), offer)
    world.view.until = world.log.head()
    world.given(CancelBroadcast(broadcast=SPRING))
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    assert world.story("offer")[-1] == DeliverySuppressed(
        delivery=DeliveryId("offer"), reason=Slug("cancelled"), rule=Slug("broadcast")
    )


async def test_in_quiet_hours_marketing_waits_for_the_morning_and_a_reply_does_not() -> None:
    world = World()
    world.pass_time(11 * HOUR_S)  # 23:00 in Shanghai
    wang = world.meet("wang")
    world.send_to(wang, "offer", kind=MARKETING)
    world.send_to(wang, "reply")
    provider = Provider(world)
    courier = world.courier(provider)
    await world.run(courier, 9.4 * HOUR_S)
    assert provider.texts == ["reply"]
    morning = world.now.replace(hour=0, minute=30)
    assert world.story("offer")[-1] == DeliveryPostponed(
        delivery=DeliveryId("offer"), not_before=morning, reason=Slug("quiet-hours"), rule=Slug("quiet-hours")
    )
    await world.run(courier, 0.2 * HOUR_S)
    assert provider.texts == ["reply", "offer"]


async def test_what_would_be_too_late_in_the_morning_is_not_sent_at_all() -> None:
    world = World()
    world.pass_time(11 * HOUR_S)
    wang = world.meet("wang")
    world.given(world.plan("offer", wang, kind=MARKETING, lives=timedelta(hours=2)))
    provider = Provider(world)
    await world.run(world.courier(provider), 12 * HOUR_S)
    assert provider.texts == []
    assert world.story("offer")[-1] == DeliveryExpired(delivery=DeliveryId("offer"))


async def test_one_offer_a_day_goes_out_and_the_next_one_the_day_after() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(
        world.plan("first", wang, kind=MARKETING),
        world.plan("second", wang, kind=MARKETING, lives=timedelta(days=2)),
        world.plan("third", wang, kind=MARKETING, lives=timedelta(hours=3)),
    )
    provider = Provider(world)
    await world.run(world.courier(provider), 24 * HOUR_S)
    assert provider.texts == ["first", "second"]
    assert world.story("third")[-1] == DeliverySuppressed(
        delivery=DeliveryId("third"), reason=Slug("frequency-cap"), rule=Slug("cap-1-a-day-2-a-week")
    )


async def test_what_expired_while_nobody_sent_is_recorded_as_expired() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(world.plan("w", wang, lives=timedelta(minutes=5)))
    world.pass_time(300)
    provider = Provider(world)
    await world.settle(world.courier(provider))
    assert provider.texts == []
    assert world.story("w")[-1] == DeliveryExpired(delivery=DeliveryId("w"))


async def test_after_an_import_nothing_is_sent_until_sending_is_resumed() -> None:
    world = World()
    wang = world.meet("wang")
    world.send_to(wang, "reply")
    world.given(MarkHistoryImported(events=10))
    provider = Provider(world)
    courier = world.courier(provider)
    await world.run(courier, 60.0)
    assert (provider.texts, world.kinds("reply")) == ([], ["Planned"])
    world.given(ResumeSending())
    await world.run(courier, RELOOK_S + 0.1)
    assert provider.texts == ["reply"]


async def test_paused_marketing_goes_out_once_it_is_resumed_and_replies_go_meanwhile() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(PauseMarketing())
    world.send_to(wang, "offer", kind=MARKETING)
    provider = Provider(world)
    courier = world.courier(provider)
    await world.run(courier, 60.0)
    world.send_to(wang, "reply")
    await world.settle(courier)
    assert (provider.texts, world.kinds("offer")) == (["reply"], ["Planned"])
    world.given(ResumeMarketing())
    await world.run(courier, RELOOK_S + 0.1)
    assert provider.texts == ["reply", "offer"]


async def test_a_pause_is_asked_about_now_and_then_only() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(PauseMarketing())
    world.send_to(wang, "offer", kind=MARKETING)
    claims = 0

    async def counting(request: Request) -> Result:
        nonlocal claims
        claims += 1
        return await world.dispatch(request)

    courier = world.courier(Provider(world), dispatch=counting)
    for _ in range(100):
        await world.settle(courier)
    assert claims == 1
    world.pass_time(RELOOK_S)
    await world.settle(courier)
    assert claims == 2
