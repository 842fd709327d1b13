import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import regex
from hypothesis import given
from hypothesis import strategies as st

from channels.webchat import render
from channels.webchat.limits import SHOP_TEXT_UNITS
from domain.identity import MediaId, Slug
from domain.ports.history import Said, SaidFile
from domain.ports.messenger import Attachment, Card
from tests.channels.webchat.house import outbound

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def link(media: MediaId) -> str:
    return f"/media/{media}"


def test_a_live_message_has_the_id_of_its_delivery_and_its_buttons() -> None:
    sent = outbound("visitor", "5f1c", "Tea?", choices=((("Yes", "y"), ("No", "n")), (("Later", "l"),)))
    assert json.loads(render.live(sent, AT, link)) == {
        "type": "message",
        "id": "5f1c",
        "text": "Tea?",
        "from": "shop",
        "at": "2026-11-21T09:30:00.000Z",
        "choices": [[["Yes", "y"], ["No", "n"]], [["Later", "l"]]],
    }


def test_a_message_of_the_history_says_so() -> None:
    said = Said("one", AT.astimezone(timezone(timedelta(hours=8))), by_customer=True, text="hi")
    assert json.loads(render.message(said, link, history=True)) == {
        "type": "message",
        "id": "one",
        "text": "hi",
        "from": "me",
        "at": "2026-11-21T09:30:00.000Z",
        "choices": [],
        "history": True,
    }


def test_a_lone_surrogate_and_nul_do_not_break_the_frame() -> None:
    said = Said("one", AT, by_customer=False, text="a\ud83d\0b")
    frame = render.message(said, link)
    assert frame.isascii()
    assert json.loads(frame)["text"] == "a\ud83d\0b"


def test_a_live_message_and_its_history_show_the_same_shortened_text() -> None:
    text = "👨‍👩‍👧‍👦" * SHOP_TEXT_UNITS
    live = json.loads(render.live(outbound("visitor", "5f1c", text), AT, link))
    history = json.loads(render.message(Said("5f1c", AT, by_customer=False, text=text), link, history=True))
    assert live["text"] == history["text"]
    assert render.utf16_units(live["text"]) <= SHOP_TEXT_UNITS


@given(st.text(alphabet=st.sampled_from("ab \u0301\u200d👩🏽🇨🇳茶\n") | st.characters()), st.integers(1, 30))
def test_shortening_keeps_the_limit_and_never_splits_a_grapheme(text: str, units: int) -> None:
    short = render.shortened(text, units)
    assert render.utf16_units(short) <= units
    if short != text:
        kept = regex.findall(r"\X", short.removesuffix("…"))
        assert kept == regex.findall(r"\X", text)[: len(kept)]
        assert short.endswith("…")


@given(st.text())
def test_units_are_counted_as_browsers_count_them(text: str) -> None:
    assert render.utf16_units(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


async def nothing() -> AsyncIterator[bytes]:
    yield b""


def attachment(media: MediaId | None) -> Attachment:
    return Attachment(Slug("photo"), "image/png", "tea.png", 99, nothing, media)


def test_a_file_is_shown_by_a_link() -> None:
    sent = replace(outbound("visitor", "5f1c", "look"), attachment=attachment(MediaId("ab12")))
    frame = json.loads(render.live(sent, AT, link))
    assert (frame["text"], frame["file"]) == (
        "look",
        {"kind": "photo", "type": "image/png", "name": "tea.png", "size": 99, "url": "/media/ab12"},
    )


def test_a_file_without_a_link_is_named_below_the_text() -> None:
    sent = replace(outbound("visitor", "5f1c", "look"), attachment=attachment(None))
    frame = json.loads(render.live(sent, AT, link))
    assert (frame["text"], "file" in frame) == ("look\n📎 tea.png", False)


def test_a_file_that_is_not_kept_has_no_link() -> None:
    said = Said("1", AT, by_customer=True, text="", file=SaidFile(Slug("photo")))
    frame = json.loads(render.message(said, link, history=True))
    assert frame["file"] == {"kind": "photo", "type": "", "name": "", "size": 0, "url": None}


def test_links_and_a_card_are_lines_as_they_are_in_the_history() -> None:
    sent = replace(
        outbound("visitor", "5f1c", "new"),
        links=((("Look", "https://tea.example/new"),),),
        card=Card("Tea", "https://tea.example", "Picked in June"),
    )
    assert json.loads(render.live(sent, AT, link))["text"] == (
        "new\nTea\nPicked in June\nhttps://tea.example\nLook: https://tea.example/new"
    )
