"""Letters of a campaign: one draft, and each recipient's own copy of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import pytest

from bot.rendering import render
from domain.campaigns.commands import DraftCampaign
from domain.campaigns.plan import (
    CODE_MARK,
    Button,
    Card,
    Content,
    Meant,
    ProviderTemplate,
    Selection,
    Timing,
    addresses,
)
from domain.deliveries.events import HOLDOUT, DeliveryClass
from domain.identity import CampaignId, DeliveryId, Locale, MediaId, Slug, ZoneName
from domain.message import Personal
from domain.ports.audience import Known, MemoryAudience
from domain.ports.messenger import Attachment, Form
from domain.ports.messenger import Card as ShownCard
from scheduler.letters import Letters, Sources, Written, write
from tests.domain.controls.ids import BOT, TELEGRAM
from tests.scheduler.world import World

SUMMER = CampaignId("summer")
RICH = Content(
    text="{{ name }}: https://tea.example/a. {{ code }}",
    buttons=(
        (
            Button(label="For {{ name }}", url="https://tea.example/b?x=1&y=2"),
            Button(label="No", says="no"),
        ),
    ),
    media=MediaId("tea"),
    card=Card(title="{{ brand }}", url="https://tea.example/a", picture=MediaId("card")),
    template=ProviderTemplate(id="T1", fields={"first": "{{ name }}"}, url="https://tea.example/a"),
    subscription=ProviderTemplate(id="S1", fields={"first": "{{ username }}"}),
)


async def no_bytes() -> AsyncIterator[bytes]:
    yield b""


TEA = Attachment(Slug("photo"), "image/png", "tea.png", 9, no_bytes, MediaId("tea"))
PICTURE = Attachment(Slug("photo"), "image/png", "card.png", 9, no_bytes, MediaId("card"))
FILES = {MediaId("tea"): TEA, MediaId("card"): PICTURE}


def short(
    delivery: DeliveryId, _channel: object, _account: object, known: Sequence[str]
) -> Mapping[str, str]:
    return {address: f"https://s.example/l/{delivery}{index}" for index, address in enumerate(known)}


def written(
    contents: list[Content],
    known: Mapping[str, str] | None = None,
    *,
    variant: str = "a",
    locale: str | None = None,
    codes: str | None = None,
    files: Mapping[MediaId, Attachment] = FILES,
    links: bool = True,
) -> Written:
    """What goes out to Wang."""
    world = World()
    wang = world.meet("wang")
    draft = DraftCampaign(
        campaign=SUMMER,
        name=Personal("summer"),
        form=Personal("name: summer"),
        contents=Personal(contents),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=ZoneName("Asia/Shanghai")),
        codes=None if codes is None else Slug(codes),
        routes=(Slug("template"),),
    )
    plan = world.plan("d", wang, kind=DeliveryClass.MARKETING)
    world.given(draft, replace(plan, text=None, campaign=SUMMER, variant=Slug(variant)))
    (hint,) = world.view.due(world.now, 10, [(TELEGRAM, BOT)])
    audience = MemoryAudience(
        known={wang: Known(known or {}, locale=None if locale is None else Locale(locale))}
    )
    letters = Letters(world.log, files.get, short) if links else Letters(world.log, files.get)
    recorded = letters.planned([hint.delivery])[hint.delivery]
    sources = Sources(world.view, audience, letters, world.identities)
    found = write(hint, sources, render, recorded, audience.about([wang])[wang])
    assert found is not None
    return found


def text_of(found: Written) -> str:
    assert found.outbound is not None, found.defect
    return found.outbound.text


def test_a_copy_has_its_variables_its_own_links_its_card_and_its_files() -> None:
    found = written([RICH], {"name": "Wang", "brand": "Tea House"}, codes="summer")
    assert found.outbound is not None
    assert found.outbound.text == f"Wang: https://s.example/l/d0. {CODE_MARK}"
    assert found.outbound.links == ((("For Wang", "https://s.example/l/d1"),),)
    assert found.outbound.choices == ((("No", "no"),),)
    assert found.outbound.attachment == TEA
    assert found.outbound.card == ShownCard("Tea House", "https://s.example/l/d0", "", PICTURE)
    assert found.rendered == (
        f"Wang: https://s.example/l/d0. {CODE_MARK}\nTea House\nhttps://s.example/l/d0\n"
        "For Wang: https://s.example/l/d1"
    )
    assert found.routes == ("template",)


def test_a_provider_template_with_an_empty_variable_is_no_way_to_reach_them() -> None:
    found = written([RICH], {"name": "Wang", "brand": "Tea House"}, codes="summer")
    assert found.forms == {Slug("template"): Form("T1", (("first", "Wang"),), "https://s.example/l/d0")}


def test_where_no_short_link_can_go_out_the_addresses_do() -> None:
    found = written([Content(text="https://tea.example/a")], links=False)
    assert text_of(found) == "https://tea.example/a"


@pytest.mark.parametrize("locale, text", [("zh-hans", "您好"), ("ZH_CN", "您好"), ("en", "Hi"), (None, "Hi")])
def test_everybody_reads_their_own_language(locale: str | None, text: str) -> None:
    contents = [Content(text="Hi"), Content(text="您好", locale="zh")]
    assert text_of(written(contents, locale=locale)) == text


def test_a_channels_own_text_comes_before_a_languages_own() -> None:
    contents = [
        Content(text="Hi"),
        Content(text="您好", locale="zh"),
        Content(text="Bot", channel="telegram"),
    ]
    assert text_of(written(contents, locale="zh")) == "Bot"
    both = Content(text="机器人", channel="telegram", locale="zh")
    assert text_of(written([*contents, both], locale="zh")) == "机器人"


def test_a_variant_has_its_own_text() -> None:
    contents = [Content(text="A"), Content(text="B", variant="b")]
    assert [text_of(written(contents, variant=one)) for one in ("a", "b")] == ["A", "B"]


@pytest.mark.parametrize(
    "content, defect",
    [
        (Content(text="{{ name }}"), "missing_variable"),
        (Content(text="Hi", buttons=((Button(label="{{ name }}", says="x"),),)), "missing_variable"),
        (Content(text="{{ code }}"), "missing_variable"),
        (Content(text="Hi", media=MediaId("gone")), "media-gone"),
        (Content(text="Hi", channel="wechat"), "no-text"),
    ],
)
def test_what_cannot_be_written_for_somebody_leaves_them_out_with_a_reason(
    content: Content, defect: str
) -> None:
    found = written([content])
    assert (found.outbound, found.defect) == (None, defect)


def test_whoever_gets_nothing_lacks_no_text() -> None:
    assert written([Content(text="Hi")], variant=HOLDOUT).defect is None


def test_nobody_calls_themselves_a_code() -> None:
    found = written([Content(text="{{ name }}")], {"name": f"x{CODE_MARK}y"}, codes="summer")
    assert text_of(found) == "xy"


@pytest.mark.parametrize(
    "text, found",
    [
        ("Look: https://a.example/x.", ("https://a.example/x",)),
        ("看 https://a.example/x，快来 http://b.example", ("https://a.example/x", "http://b.example")),
        ("https://a.example/?n={{ number }}", ()),
        ("https://a.example/x https://a.example/x", ("https://a.example/x",)),
    ],
)
def test_the_addresses_in_a_text_are_known_by_their_place(text: str, found: tuple[str, ...]) -> None:
    assert addresses([Content(text=text)]) == found
