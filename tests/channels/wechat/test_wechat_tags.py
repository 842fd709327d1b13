"""The account's own tags as a mirror of ours, over real sockets."""

import pytest

from channels.simulators.wechat.limits import TAGS_A_PERSON, TAGS_MAX
from channels.wechat.tags import WeChatTags
from domain.errors import PermanentFailure, TagRefused
from domain.identity import Tag
from tests.channels.wechat.harness import WeChatHarness

VIP, TEA = Tag("vip"), Tag("茶")


@pytest.fixture
def mirror(channel: WeChatHarness) -> WeChatTags:
    assert isinstance(channel.adapter.tags, WeChatTags)
    return channel.adapter.tags


async def held(mirror: WeChatTags) -> dict[Tag, list[str]]:
    found: dict[Tag, list[str]] = {}
    async for tag, openids in mirror.held():
        found.setdefault(tag, []).extend(openids)
    return found


async def test_the_mirror_holds_what_the_account_has_but_not_wechats_own(
    channel: WeChatHarness, mirror: WeChatTags
) -> None:
    channel.simulator.user("o-wang")
    assert await held(mirror) == {}
    await mirror.take(VIP, ["o-mei"])
    assert await mirror.put(VIP, ["o-mei", "o-wang"]) == {}
    assert await mirror.put(VIP, ["o-mei"]) == {}
    await mirror.take(VIP, ["o-wang"])
    assert await held(mirror) == {"vip": ["o-mei"]}


async def test_many_people_are_tagged_fifty_a_call(channel: WeChatHarness, mirror: WeChatTags) -> None:
    people = [channel.simulator.user(f"o-{number:03}").openid for number in range(120)]
    assert await mirror.put(VIP, people) == {}
    assert (await held(mirror))[VIP] == people
    await mirror.take(VIP, people)
    assert await held(mirror) == {}
    path = "tags/members/batch"
    assert [channel.simulator.calls(f"{path}{verb}") for verb in ("tagging", "untagging")] == [3, 3]


@pytest.mark.parametrize("name, reason", [("很" * 11, "tag-name-too-long"), ("星标组", "tag-name-refused")])
async def test_a_name_that_wechat_takes_not_is_refused_for_all(
    mirror: WeChatTags, name: str, reason: str
) -> None:
    with pytest.raises(TagRefused, match=reason):
        await mirror.put(Tag(name), ["o-mei"])


async def test_an_account_has_a_hundred_tags_and_no_more(channel: WeChatHarness, mirror: WeChatTags) -> None:
    for number in range(TAGS_MAX - 1):  # one is WeChat's own
        await channel.adapter.client.create_tag(f"t{number}")
    with pytest.raises(TagRefused, match="too-many-tags"):
        await mirror.put(VIP, ["o-mei"])


async def test_only_who_has_twenty_tags_is_left_out(channel: WeChatHarness, mirror: WeChatTags) -> None:
    people = [channel.simulator.user(f"o-{number:03}").openid for number in range(40)]
    for number in range(TAGS_A_PERSON):
        await mirror.put(Tag(f"t{number}"), ["o-017"])
    assert await mirror.put(VIP, people) == {"o-017": "has-too-many-tags"}
    assert set((await held(mirror))[VIP]) == {*people} - {"o-017"}


async def test_who_left_is_left_out_and_needs_nothing_taken(
    channel: WeChatHarness, mirror: WeChatTags
) -> None:
    await mirror.put(VIP, ["o-mei"])
    channel.simulator.user("o-gone", subscribed=False)
    assert await mirror.put(VIP, ["o-gone", "o-mei"]) == {"o-gone": "not-following"}
    await mirror.take(VIP, ["o-gone", "o-mei", "o-nobody"])
    assert await held(mirror) == {}


async def test_a_tag_that_was_deleted_in_the_console_is_made_anew_when_it_is_given(
    channel: WeChatHarness, mirror: WeChatTags
) -> None:
    for known in (VIP, TEA):
        await mirror.put(known, ["o-mei"])
    for tag in await channel.adapter.client.tags():
        if tag.name in {VIP, TEA}:
            await channel.adapter.client.delete_tag(tag.id)
    await mirror.take(TEA, ["o-mei"])
    assert await mirror.put(VIP, ["o-mei"]) == {}
    assert await held(mirror) == {VIP: ["o-mei"]}


async def test_a_tag_that_is_deleted_while_the_others_are_listed_is_had_by_nobody(
    channel: WeChatHarness, mirror: WeChatTags
) -> None:
    for known in (VIP, TEA):
        await mirror.put(known, ["o-mei"])
    listing = mirror.held()
    assert await anext(listing) == (VIP, ("o-mei",))
    await channel.adapter.client.delete_tag(
        next(tag.id for tag in await channel.adapter.client.tags() if tag.name == TEA)
    )
    assert [tag async for tag, _ in listing] == []


async def test_an_account_that_may_keep_no_tags_says_so(channel: WeChatHarness, mirror: WeChatTags) -> None:
    channel.simulator.account.unauthorised |= {"tags/get"}
    with pytest.raises(PermanentFailure, match="not-authorised"):
        await mirror.put(VIP, ["o-mei"])
    assert channel.adapter.health.state == "not-authorised:tags/get"
