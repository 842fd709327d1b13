"""Sends over real sockets: what WeChat answers, and what happens on the way there and back."""

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator

import pytest

from channels.simulators.wechat import FaultKind, Via
from channels.simulators.wechat.media import SAMPLE_IMAGE, SAMPLE_VIDEO
from channels.wechat.errors import refusal_of
from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import Slug
from domain.ports.messenger import Attachment, Outbound
from tests.channels.house import House, until
from tests.channels.wechat.harness import WeChatHarness, address, open_adapter, wechat

HELLO = Outbound("d1", address("o-mei"), "hello")


async def failure_of(channel: WeChatHarness, outbound: Outbound = HELLO) -> tuple[type[SendFailed], str]:
    with pytest.raises(SendFailed) as caught:
        await channel.adapter.messenger.send(outbound)
    shown = "".join(traceback.format_exception(caught.value))
    assert "access_token=" not in shown
    assert channel.simulator.account.app_secret not in shown
    return type(caught.value), caught.value.reason


@pytest.fixture
async def hasty(house: House) -> AsyncIterator[WeChatHarness]:
    async with wechat(house, deadline_s=0.5) as harness:
        yield harness


def file(kind: str, content_type: str, content: bytes, *, size: int | None = None) -> Attachment:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    return Attachment(Slug(kind), content_type, "合同.jpg", len(content) if size is None else size, read)


@pytest.mark.parametrize(
    "fault, expected, accepted",
    [
        (FaultKind.SERVER_ERROR_BEFORE, (OutcomeUnknown, "server-error"), 0),
        (FaultKind.SERVER_ERROR_AFTER, (OutcomeUnknown, "server-error"), 1),
        (FaultKind.REFUSE, (OutcomeUnknown, "connection-lost"), 0),
        (FaultKind.RESET_AFTER, (OutcomeUnknown, "connection-lost"), 1),
        (FaultKind.TIMEOUT_AFTER, (OutcomeUnknown, "timeout"), 1),
        (FaultKind.HALF_CLOSE, (OutcomeUnknown, "connection-lost"), 1),
        (FaultKind.GARBAGE, (OutcomeUnknown, "garbage"), 1),
        (FaultKind.BUSY, (TemporaryFailure, "busy"), 0),
        (FaultKind.QUOTA, (TemporaryFailure, "day-quota-reached"), 0),
        (FaultKind.RATE, (TemporaryFailure, "rate-limited"), 0),
    ],
)
async def test_a_fault_means_what_can_be_known_of_it(
    fault: FaultKind, expected: tuple[type[SendFailed], str], accepted: int, hasty: WeChatHarness
) -> None:
    hasty.breaks(fault)
    assert await failure_of(hasty) == expected
    assert len(hasty.shown()) == accepted


@pytest.mark.parametrize(
    "code, failure, reason, flag",
    [
        (-1, TemporaryFailure, "busy", False),
        (45009, TemporaryFailure, "day-quota-reached", True),
        (45011, TemporaryFailure, "rate-limited", True),
        (45066, TemporaryFailure, "duplicate-too-soon", False),
        (40164, TemporaryFailure, "address-not-listed", True),
        (40001, TemporaryFailure, "token-refused", True),
        (50002, TemporaryFailure, "account-frozen", True),
        (40003, PermanentFailure, "unknown-openid", True),
        (43004, PermanentFailure, "not-following", True),
        (48002, PermanentFailure, "refuses-messages", True),
        (43101, PermanentFailure, "subscription-refused", False),
        (45002, PermanentFailure, "text-too-long", False),
        (45015, PermanentFailure, "window-closed", False),
        (45047, PermanentFailure, "window-used-up", False),
        (48001, PermanentFailure, "not-authorised", False),
        (99999, PermanentFailure, "errcode-99999", False),
    ],
)
def test_every_errcode_means_that_nothing_was_sent(
    code: int, failure: type[SendFailed], reason: str, flag: bool
) -> None:
    """`flag`: the whole account waits, or the recipient cannot be reached."""
    refusal = refusal_of(code)
    match refusal:
        case TemporaryFailure():
            told = refusal.whole_account
            assert refusal.retry_after_s > 0
        case PermanentFailure():
            told = refusal.unreachable
        case _:
            raise AssertionError(refusal)
    assert (type(refusal), refusal.reason, told) == (failure, reason, flag)


async def test_five_after_a_message_and_three_after_a_click_then_the_window_is_used_up_or_closed(
    channel: WeChatHarness,
) -> None:
    wang = channel.simulator.user("o-wang")
    to_wang = Outbound("d1", address("o-wang"), "hi")
    assert await failure_of(channel, to_wang) == (PermanentFailure, "window-closed")
    await wang.clicks("HELP").finished()
    for _ in range(3):
        await channel.adapter.messenger.send(to_wang)
    assert await failure_of(channel, to_wang) == (PermanentFailure, "window-used-up")
    await wang.says("hello").finished()
    for _ in range(5):
        await channel.adapter.messenger.send(to_wang)
    assert await failure_of(channel, to_wang) == (PermanentFailure, "window-used-up")
    channel.clock.at += 49 * 3600
    assert await failure_of(channel, to_wang) == (PermanentFailure, "window-closed")


async def test_what_an_account_may_not_use_is_told_and_shows_in_the_health(channel: WeChatHarness) -> None:
    channel.simulator.account.unauthorised.add("message/custom/send")
    assert await failure_of(channel) == (PermanentFailure, "not-authorised")
    assert channel.adapter.health.state == "not-authorised:message/custom/send"
    channel.simulator.account.unauthorised.clear()
    await channel.adapter.messenger.send(HELLO)
    assert channel.adapter.health.state == "ok"


async def test_a_stranger_and_who_left_cannot_be_reached(channel: WeChatHarness) -> None:
    assert await failure_of(channel, Outbound("d1", address("o-nobody"), "hi")) == (
        PermanentFailure,
        "unknown-openid",
    )
    await channel.mei.unsubscribes().finished()
    assert await failure_of(channel) == (PermanentFailure, "not-following")


async def test_a_text_goes_as_it_is_in_utf_8(channel: WeChatHarness) -> None:
    text = '您好 👩🏽‍🚀 "<b>" \\u4f60 \n line'
    assert await channel.adapter.messenger.send(Outbound("d1", address("o-mei"), text)) is None
    assert channel.mei.reads == [text]


async def test_a_tapped_choice_comes_back_as_it_was_given(channel: WeChatHarness, house: House) -> None:
    choices = ((("是 & <b>", "/tag #1 a&b+c%20=\"'"),),)
    await channel.adapter.messenger.send(Outbound("d1", address("o-mei"), "?", choices))
    await channel.mei.taps("是 & <b>").finished()
    (pressed,) = [one.content for one in house.handed_in]
    assert getattr(pressed, "data", None) == "/tag #1 a&b+c%20=\"'"


async def test_without_a_connection_nothing_was_sent(channel: WeChatHarness, house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = {"api_base": f"http://127.0.0.1:{port}"}
    no_tls = {"api_base": channel.simulator.api_base.replace("http:", "https:")}
    no_api = {"api_base": f"{channel.simulator.api_base}/elsewhere"}
    reasons = []
    for settings in (nowhere, no_tls, no_api):
        adapter = open_adapter(house, channel.simulator, settings=settings)
        with pytest.raises(TemporaryFailure) as failed:
            await adapter.messenger.send(HELLO)
        assert failed.value.whole_account
        reasons.append(failed.value.reason)
        await adapter.stop()
    assert reasons == ["unreachable", "unreachable", "not-found"]
    assert channel.shown() == []


# --- files ------------------------------------------------------------------------------------------------------------


async def test_a_picture_is_uploaded_and_shown(channel: WeChatHarness) -> None:
    picture = SAMPLE_IMAGE + b"x" * 200_000
    photo = Outbound("d1", address("o-mei"), "", attachment=file("photo", "image/jpeg", picture))
    await channel.adapter.messenger.send(photo)
    (shown,) = channel.mei.screen
    assert (shown.via, shown.kind) == (Via.SERVICE, "image")
    chunks = [chunk async for chunk in channel.adapter.media.fetch({"file_id": media_id_of(shown.content)})]  # type: ignore[union-attr]
    assert b"".join(chunks) == picture


async def test_a_video_takes_its_words_along(channel: WeChatHarness) -> None:
    video = Outbound("d1", address("o-mei"), "看", attachment=file("video", "video/mp4", SAMPLE_VIDEO))
    await channel.adapter.messenger.send(video)
    (shown,) = channel.mei.screen
    assert shown.kind == "video"
    assert "看" in str(shown.content)


async def test_a_picture_goes_into_the_request_too(auto: WeChatHarness, house: House) -> None:
    house.said.clear()
    posted = auto.mei.says("picture please")
    await until(lambda: house.handed_in)
    await asyncio.sleep(0.05)
    photo = Outbound("d1", address("o-mei"), "", attachment=file("photo", "image/jpeg", SAMPLE_IMAGE))
    with pytest.raises(OutcomeUnknown):
        await auto.adapter.messenger.send(photo)
    await posted.finished()
    assert [(shown.via, shown.kind) for shown in auto.mei.screen] == [(Via.PASSIVE, "image")]


@pytest.mark.parametrize(
    "fault, failure",
    [
        (FaultKind.BUSY, TemporaryFailure),
        (FaultKind.RESET_AFTER, TemporaryFailure),
        (FaultKind.TIMEOUT_AFTER, TemporaryFailure),
        (FaultKind.GARBAGE, TemporaryFailure),
    ],
)
async def test_a_file_that_did_not_arrive_was_no_message(
    fault: FaultKind, failure: type[SendFailed], hasty: WeChatHarness
) -> None:
    hasty.simulator.faults.add(kind=fault, path="media/upload")
    photo = Outbound("d1", address("o-mei"), "", attachment=file("photo", "image/jpeg", SAMPLE_IMAGE))
    kind, _ = await failure_of(hasty, photo)
    assert (kind, hasty.shown()) == (failure, [])


@pytest.mark.parametrize("size", [len(SAMPLE_IMAGE) - 5, len(SAMPLE_IMAGE) + 5])
async def test_a_file_of_another_length_than_it_says_is_not_sent(size: int, hasty: WeChatHarness) -> None:
    photo = file("photo", "image/jpeg", SAMPLE_IMAGE, size=size)
    kind, _ = await failure_of(hasty, Outbound("d1", address("o-mei"), "", attachment=photo))
    assert (issubclass(kind, TemporaryFailure | PermanentFailure), hasty.shown()) == (True, [])


async def test_a_file_that_wechat_refuses_is_refused(channel: WeChatHarness) -> None:
    lying = file("photo", "image/jpeg", b"<svg/>")
    outbound = Outbound("d1", address("o-mei"), "", attachment=lying)
    assert await failure_of(channel, outbound) == (PermanentFailure, "media-refused")


async def test_an_upload_whose_token_is_refused_is_made_again_from_its_beginning(
    channel: WeChatHarness,
) -> None:
    channel.simulator.faults.add(kind=FaultKind.INVALID_TOKEN, path="media/upload")
    photo = Outbound("d1", address("o-mei"), "", attachment=file("photo", "image/jpeg", SAMPLE_IMAGE))
    await channel.adapter.messenger.send(photo)
    assert len(channel.mei.screen) == 1


def media_id_of(content: object) -> str:
    assert isinstance(content, dict)
    found = content.get("media_id") or content.get("image", {}).get("media_id")
    assert isinstance(found, str)
    return found
