"""Heads of files of every type, and of what is none."""

from collections.abc import AsyncIterator

from domain.media.events import MediaType

BODY = bytes(200)
SAMPLES = {
    MediaType.JPEG: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + BODY,
    MediaType.PNG: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + BODY,
    MediaType.GIF: b"GIF89a" + BODY,
    MediaType.WEBP: b"RIFF\x24\0\0\0WEBPVP8 " + BODY,
    MediaType.OGG: b"OggS\0\2" + bytes(22) + b"\x01\x13OpusHead" + BODY,
    MediaType.MP3: b"ID3\x03\0\0\0\0\0\x21" + BODY,
    MediaType.AMR: b"#!AMR\n" + BODY,
    MediaType.M4A: b"\0\0\0\x20ftypM4A \0\0\0\0" + BODY,
    MediaType.WAV: b"RIFF\x24\0\0\0WAVEfmt " + BODY,
    MediaType.MP4: b"\0\0\0\x18ftypisom\0\0\0\0" + BODY,
    MediaType.WEBM: b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01webm" + BODY,
    MediaType.MOV: b"\0\0\0\x14ftypqt  " + BODY,
    MediaType.PDF: b"%PDF-1.7\n" + BODY,
    MediaType.ZIP: b"PK\x03\x04\x14\0" + BODY,
    MediaType.TEXT: "龙井，明前。".encode(),
}
PNG = SAMPLES[MediaType.PNG]
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def in_chunks(whole: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    for begin in range(0, len(whole), size):
        yield whole[begin : begin + size]


async def endless() -> AsyncIterator[bytes]:
    yield PNG
    while True:
        yield bytes(100_000)
