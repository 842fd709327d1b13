"""The other ways out, over real sockets: templates, what somebody asked for once, and one call for many."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from channels.simulators.wechat import FaultKind, Via
from channels.simulators.wechat.media import SAMPLE_IMAGE
from channels.wechat.limits import SERVICE_ROUTES, SUBSCRIPTION_ROUTES
from channels.wechat.mass import MassMail
from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import Locale, MediaId, Slug
from domain.ports.messenger import MASS, SUBSCRIBE, TEMPLATE, Attachment, Form, Outbound
from tests.channels.house import House
from tests.channels.wechat.harness import Clock, WeChatHarness, address, open_adapter, wechat

SHIPPED = Form("shipped", (("thing1", "龙井 250g"), ("time2", "明天 10:00")), "https://shop.example/orders")
DAY_S = 24 * 3_600


@pytest.fixture
async def channel(house: House) -> AsyncIterator[WeChatHarness]:
    async with wechat(house) as harness:
        yield harness


def mass_mail(channel: WeChatHarness) -> MassMail:
    """As the adapter has it, in more of a hurry."""

    def say(text: str, _locale: Locale | None) -> str:
        return text

    def now() -> datetime:
        return datetime.fromtimestamp(channel.clock(), UTC)

    return MassMail(channel.adapter.client, now, say, quiet_s=0.05, gathered_s=1.0)


def to(openid: str, text: str = "夏茶上新", **form: object) -> Outbound:
    return Outbound(f"{openid}-{text}", address(openid), text, **form)  # type: ignore[arg-type]  # its fields


async def all_of(mail: MassMail, *outbounds: Outbound) -> list[str | BaseException]:
    sends = (mail.send(outbound.to.external_id, outbound) for outbound in outbounds)
    return await asyncio.gather(*sends, return_exceptions=True)


async def failure(sending: object) -> tuple[type[SendFailed], str]:
    with pytest.raises(SendFailed) as caught:
        await sending  # type: ignore[misc]  # whatever is awaited
    return type(caught.value), caught.value.reason


async def test_a_template_goes_out_once_for_a_delivery_and_its_number_comes_back(
    channel: WeChatHarness,
) -> None:
    outbound = to("o-mei", route=TEMPLATE, form=SHIPPED)
    first = await channel.adapter.messenger.send(outbound)
    assert await channel.adapter.messenger.send(outbound) == first
    (sent,) = channel.simulator.sent
    assert (sent.via, sent.text, sent.openid) == (Via.TEMPLATE, "龙井 250g\n明天 10:00", "o-mei")
    assert str(sent.msg_id) == first


async def test_what_somebody_asked_for_goes_out_once_for_each_consent(channel: WeChatHarness) -> None:
    outbound = to("o-mei", route=SUBSCRIBE, form=SHIPPED)
    await channel.mei.answers_popup({"shipped": "accept"}).finished()
    await channel.adapter.messenger.send(outbound)
    assert [sent.via for sent in channel.simulator.sent] == [Via.SUBSCRIPTION]
    assert await failure(channel.adapter.messenger.send(outbound)) == (
        PermanentFailure,
        "subscription-refused",
    )


async def test_a_route_by_form_needs_one(channel: WeChatHarness) -> None:
    for route in (TEMPLATE, SUBSCRIBE):
        assert await failure(channel.adapter.messenger.send(to("o-mei", route=route))) == (
            PermanentFailure,
            "no-form",
        )
    assert channel.simulator.requests == [] or {call.path for call in channel.simulator.requests} <= {
        "stable_token",
        "getcallbackip",
    }


async def test_those_who_get_the_same_share_a_call_and_its_number(channel: WeChatHarness) -> None:
    for openid in ("o-wang", "o-lin"):
        channel.simulator.user(openid)
    numbers = await all_of(mass_mail(channel), to("o-mei"), to("o-wang"), to("o-lin"), to("o-mei", "其他"))
    assert numbers[0] == numbers[1] == numbers[2]
    assert isinstance(numbers[3], PermanentFailure)
    assert numbers[3].reason == "mass-needs-two"
    assert {(sent.openid, sent.text) for sent in channel.simulator.sent} == {
        (openid, "夏茶上新") for openid in ("o-mei", "o-wang", "o-lin")
    }
    calls = [call for call in channel.simulator.requests if call.path == "message/mass/send"]
    assert len(calls) == 1


async def test_the_same_people_and_content_again_within_a_day_is_the_call_that_was_made(
    channel: WeChatHarness,
) -> None:
    channel.simulator.user("o-wang")
    mail = mass_mail(channel)
    first = await all_of(mail, to("o-mei"), to("o-wang"))
    assert await all_of(mail, to("o-wang"), to("o-mei")) == first
    assert len(channel.simulator.sent) == 2


async def test_a_picture_goes_to_many_with_one_upload(channel: WeChatHarness) -> None:
    async def read() -> AsyncIterator[bytes]:
        yield SAMPLE_IMAGE

    channel.simulator.user("o-wang")
    picture = Attachment(Slug("photo"), "image/jpeg", "茶.jpg", len(SAMPLE_IMAGE), read, MediaId("m1"))
    sends = [to(openid, "", attachment=picture) for openid in ("o-mei", "o-wang")]
    numbers = await all_of(mass_mail(channel), *sends)
    assert isinstance(numbers[0], str), numbers
    assert numbers[0] == numbers[1]
    assert {sent.kind for sent in channel.simulator.sent} == {"image"}
    assert [call.path for call in channel.simulator.requests].count("media/upload") == 1


async def test_a_quota_that_is_used_up_waits_for_midnight_in_beijing(house: House) -> None:
    clock = Clock()
    async with wechat(house, kind="subscription", clock=clock) as channel:
        channel.simulator.user("o-wang")
        mail = mass_mail(channel)
        await all_of(mail, to("o-mei"), to("o-wang"))
        refused = await all_of(mail, to("o-mei", "second"), to("o-wang", "second"))
        assert all(isinstance(one, TemporaryFailure) and one.reason == "no-mass-quota" for one in refused)
        wait_s = refused[0].retry_after_s if isinstance(refused[0], TemporaryFailure) else 0.0
        assert 0 < wait_s <= DAY_S
        clock.at += wait_s + 1
        assert len(set(await all_of(mail, to("o-mei", "second"), to("o-wang", "second")))) == 1
        assert len(channel.simulator.sent) == 4


async def test_where_the_answer_is_lost_all_of_the_call_are_unknown(channel: WeChatHarness) -> None:
    channel.simulator.user("o-wang")
    channel.simulator.faults.add(kind=FaultKind.RESET_AFTER, path="message/mass/send")
    outcomes = await all_of(mass_mail(channel), to("o-mei"), to("o-wang"))
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, OutcomeUnknown]


async def test_what_only_one_person_can_be_sent_is_no_mass_message(channel: WeChatHarness) -> None:
    asked = to("o-mei", choices=((("好", "yes"),),))
    assert await failure(mass_mail(channel).send("o-mei", asked)) == (PermanentFailure, "choices-not-by-mass")


async def test_one_who_gives_up_does_not_take_the_others_call_along(channel: WeChatHarness) -> None:
    channel.simulator.user("o-wang")
    mail = mass_mail(channel)
    first = asyncio.create_task(mail.send("o-mei", to("o-mei")))
    second = asyncio.create_task(mail.send("o-wang", to("o-wang")))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert {sent.openid for sent in channel.simulator.sent} == {"o-mei", "o-wang"}


async def test_the_messenger_takes_the_mass_route_itself(channel: WeChatHarness) -> None:
    channel.simulator.user("o-wang")
    sends = [channel.adapter.messenger.send(to(openid, route=MASS)) for openid in ("o-mei", "o-wang")]
    numbers = await asyncio.gather(*sends)
    assert numbers[0] == numbers[1] == str(channel.simulator.sent[0].msg_id)


@pytest.mark.parametrize("kind, routes", [("service", SERVICE_ROUTES), ("subscription", SUBSCRIPTION_ROUTES)])
async def test_the_account_says_which_routes_it_has(kind: str, routes: object, house: House) -> None:
    async with wechat(house, kind=kind) as channel:
        settings = {"kind": kind}
        adapter = open_adapter(house, channel.simulator, settings=settings)
        assert adapter.limits.routes == routes
        await adapter.stop()
