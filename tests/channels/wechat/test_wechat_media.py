"""Files that people sent, over real sockets."""

from collections.abc import Mapping

import pytest

from channels.channel import MediaSource
from channels.simulators.wechat import FaultKind
from channels.simulators.wechat.media import SAMPLE_VIDEO
from domain.conversations.commands import Message
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure
from tests.channels.house import House
from tests.channels.wechat.harness import WeChatHarness, open_adapter


def details_of(house: House) -> Mapping[str, object]:
    content = house.handed_in[-1].content
    assert isinstance(content, Message)
    return content.details


async def fetched(media: MediaSource | None, details: Mapping[str, object]) -> bytes:
    assert media is not None
    return b"".join([chunk async for chunk in media.fetch(details)])


async def test_a_picture_that_somebody_sent_is_fetched_in_pieces(
    channel: WeChatHarness, house: House
) -> None:
    picture = bytes(range(256)) * 2000
    await channel.mei.sends_image(picture).finished()
    assert await fetched(channel.adapter.media, details_of(house)) == picture


async def test_a_video_is_fetched_from_where_wechat_says(channel: WeChatHarness, house: House) -> None:
    await channel.mei.sends_video(SAMPLE_VIDEO * 1000).finished()
    assert await fetched(channel.adapter.media, details_of(house)) == SAMPLE_VIDEO * 1000


async def test_a_video_in_our_own_network_is_not_fetched(channel: WeChatHarness, house: House) -> None:
    await channel.mei.sends_video(SAMPLE_VIDEO).finished()
    channel.simulator._world.base = channel.simulator.api_base.replace("127.0.0.1", "localhost")  # noqa: SLF001 - video_url names it
    with pytest.raises(PermanentFailure, match="not-allowed"):
        await fetched(channel.adapter.media, details_of(house))


async def test_a_file_that_is_gone_or_was_never_there_is_refused(
    channel: WeChatHarness, house: House
) -> None:
    await channel.mei.sends_voice().finished()
    channel.clock.at += 4 * 24 * 3600
    with pytest.raises(PermanentFailure, match="media-gone"):
        await fetched(channel.adapter.media, details_of(house))
    with pytest.raises(PermanentFailure, match="no-file"):
        await fetched(channel.adapter.media, {})


@pytest.mark.parametrize(
    "fault, failure",
    [
        (FaultKind.BUSY, TemporaryFailure),
        (FaultKind.HALF_CLOSE, TemporaryFailure),
        (FaultKind.TIMEOUT_AFTER, TemporaryFailure),
        (FaultKind.GARBAGE, TemporaryFailure),
        (FaultKind.SERVER_ERROR_BEFORE, TemporaryFailure),
    ],
)
async def test_a_fetch_that_fails_may_be_tried_again(
    fault: FaultKind, failure: type[SendFailed], channel: WeChatHarness, house: House
) -> None:
    await channel.mei.sends_image(b"\xff\xd8\xff" + b"x" * 5000).finished()
    channel.simulator.faults.add(kind=fault, path="media/get")
    adapter = open_adapter(house, channel.simulator, deadline_s=0.5)
    with pytest.raises(failure):
        await fetched(adapter.media, details_of(house))
    assert len(await fetched(adapter.media, details_of(house))) == 5003
    await adapter.stop()


async def test_a_token_that_is_refused_is_replaced_for_a_file_too(
    channel: WeChatHarness, house: House
) -> None:
    await channel.mei.sends_image().finished()
    channel.simulator.faults.add(kind=FaultKind.INVALID_TOKEN, path="media/get")
    assert await fetched(channel.adapter.media, details_of(house))


async def test_who_stops_reading_holds_no_connection(channel: WeChatHarness, house: House) -> None:
    await channel.mei.sends_image(b"\xff\xd8\xff" + b"x" * 5_000_000).finished()
    assert channel.adapter.media is not None
    pieces = channel.adapter.media.fetch(details_of(house))
    async for _ in pieces:
        break
    await pieces.aclose()  # type: ignore[attr-defined]  # a generator
