import io
import zipfile
from collections.abc import AsyncIterator

import pytest

from bot.media.types import NAME_CHARS, kind_of, kind_shown, peeked, safe_name, type_of
from domain.conversations.events import ContentKind
from domain.errors import PermanentFailure
from domain.media.events import FileKind, MediaType
from tests.bot.media.samples import PNG, SAMPLES, SVG, endless, in_chunks

THING, PICTURE = FileKind.DOCUMENT, FileKind.PHOTO


@pytest.mark.parametrize("type_", MediaType)
def test_every_type_we_keep_is_known_by_its_first_bytes(type_: MediaType) -> None:
    assert type_of(SAMPLES[type_]) is type_


@pytest.mark.parametrize("start", [b"\xff\xfb\x90\x64", b"\xff\xf3\x90\x64", b"\xff\xfa\x90\x64"])
def test_an_mp3_without_a_tag_is_one(start: bytes) -> None:
    assert type_of(start + bytes(100)) is MediaType.MP3


@pytest.mark.parametrize(
    "head",
    [
        SVG,
        b"\xef\xbb\xbf  <svg onload=alert(1)>",
        b"<!DOCTYPE html><html></html>",
        b"just words <script>alert(1)</script>",
        "\ufeff<html><script>alert(1)</script>".encode("utf-16"),
        b"#!/bin/sh\nrm -rf /\n",
        b"<?php system($_GET['c']);",
        b"<%@ page import='java.io.*' %>",
    ],
)
def test_what_a_browser_or_a_server_would_run_is_refused(head: bytes) -> None:
    with pytest.raises(PermanentFailure, match="lying-type"):
        type_of(head)


@pytest.mark.parametrize(
    "head", [b"MZ" + bytes(100), b"\x7fELF" + bytes(100), b"\x00\x01\x02\x03", b"text\x00"]
)
def test_what_is_none_of_our_types_is_not_allowed(head: bytes) -> None:
    with pytest.raises(PermanentFailure, match="not-allowed"):
        type_of(head)


def test_nothing_at_all_is_no_file() -> None:
    with pytest.raises(PermanentFailure, match="empty"):
        type_of(b"")


def test_a_zip_bomb_is_a_zip_and_is_never_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(50_000_000))
    assert len(bomb.getvalue()) < 100_000
    assert type_of(bomb.getvalue()[:4_096]) is MediaType.ZIP


@pytest.mark.parametrize(
    "said, type_, kind",
    [
        (ContentKind.PHOTO, MediaType.PNG, FileKind.PHOTO),
        (ContentKind.VOICE, MediaType.OGG, FileKind.VOICE),
        (ContentKind.VOICE, MediaType.AMR, FileKind.VOICE),
        (ContentKind.VIDEO, MediaType.MP4, FileKind.VIDEO),
        (ContentKind.VIDEO, MediaType.GIF, FileKind.PHOTO),
        (ContentKind.STICKER, MediaType.WEBP, FileKind.PHOTO),
        (ContentKind.STICKER, MediaType.WEBM, FileKind.VIDEO),
        (ContentKind.DOCUMENT, MediaType.PNG, FileKind.DOCUMENT),
        (ContentKind.DOCUMENT, MediaType.PDF, FileKind.DOCUMENT),
        (ContentKind.UNKNOWN, MediaType.TEXT, FileKind.DOCUMENT),
    ],
)
def test_a_file_is_kept_as_what_its_message_said(said: ContentKind, type_: MediaType, kind: FileKind) -> None:
    assert kind_of(type_, said) is kind


@pytest.mark.parametrize(
    "said, type_",
    [
        (ContentKind.PHOTO, MediaType.PDF),
        (ContentKind.PHOTO, MediaType.MP4),
        (ContentKind.VOICE, MediaType.JPEG),
        (ContentKind.VIDEO, MediaType.ZIP),
        (ContentKind.STICKER, MediaType.TEXT),
    ],
)
def test_a_file_that_is_not_what_its_message_said_is_a_lie(said: ContentKind, type_: MediaType) -> None:
    with pytest.raises(PermanentFailure, match="lying-type"):
        kind_of(type_, said)


def test_what_nobody_said_anything_of_is_shown_by_its_type() -> None:
    assert [kind_shown(t) for t in (MediaType.WEBP, MediaType.MOV, MediaType.MP3, MediaType.ZIP)] == [
        FileKind.PHOTO,
        FileKind.VIDEO,
        FileKind.DOCUMENT,
        FileKind.DOCUMENT,
    ]


@pytest.mark.parametrize(
    "given, type_, kind, name",
    [
        ("../../etc/passwd", MediaType.TEXT, THING, "passwd.txt"),
        ("..\\..\\windows\\system.ini", MediaType.TEXT, THING, "system.ini.txt"),
        ("/", MediaType.PDF, THING, "document.pdf"),
        (None, MediaType.JPEG, PICTURE, "photo.jpg"),
        ("...", MediaType.JPEG, PICTURE, "photo.jpg"),
        ("茶.JPEG", MediaType.JPEG, PICTURE, "茶.jpeg"),
        ("price list.xlsx", MediaType.ZIP, THING, "price list.xlsx"),
        ("app.apk", MediaType.ZIP, THING, "app.apk.zip"),
        ("evil.html", MediaType.PNG, PICTURE, "evil.html.png"),
        ('a"; filename="b\r\nSet-Cookie: c', MediaType.PNG, PICTURE, "a__ filename__b__Set-Cookie_ c.png"),
        ("photo\u202egpj.exe", MediaType.PNG, PICTURE, "photo_gpj.exe.png"),
        ("a\0b.png", MediaType.PNG, PICTURE, "a_b.png"),
    ],
)
def test_a_name_is_made_safe_and_its_end_tells_the_truth(
    given: str | None, type_: MediaType, kind: FileKind, name: str
) -> None:
    assert safe_name(given, type_, kind) == name


def test_a_long_name_is_cut() -> None:
    assert safe_name("茶" * 5_000, MediaType.PNG, PICTURE) == "茶" * NAME_CHARS + ".png"


@pytest.mark.parametrize("size", [1, 3, 1_000_000])
async def test_looking_at_the_head_takes_nothing_away(size: int) -> None:
    whole = PNG + bytes(10_000)
    head, rest = await peeked(in_chunks(whole, size), 100_000)
    assert head == whole[:4_096]
    assert b"".join([chunk async for chunk in rest]) == whole


async def test_what_never_ends_is_cut_off_at_the_limit() -> None:
    _, rest = await peeked(endless(), 1_000_000)
    taken: list[int] = []
    with pytest.raises(PermanentFailure, match="too-large"):
        await sizes(rest, taken)
    assert sum(taken) <= 1_000_000


async def test_a_head_that_is_beyond_the_limit_is_too_large_already() -> None:
    with pytest.raises(PermanentFailure, match="too-large"):
        await peeked(in_chunks(PNG), 100)


async def sizes(chunks: AsyncIterator[bytes], taken: list[int]) -> None:
    async for chunk in chunks:
        taken += [len(chunk)]
