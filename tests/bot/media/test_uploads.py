import os
import time
from pathlib import Path

import pytest

from bot.media.sealed import CHUNK_BYTES
from bot.media.uploads import KEPT_S, UPLOADS, FileUploads, sweep_media
from domain.errors import PermanentFailure
from domain.identity import Slug
from domain.ports.media import MemoryUploads, Upload, Uploads
from tests.bot.media.samples import PNG, SVG, endless, in_chunks

LIMIT = 1_000_000


@pytest.fixture
def disk(tmp_path: Path) -> FileUploads:
    return FileUploads(tmp_path / UPLOADS, LIMIT)


@pytest.fixture(params=["disk", "memory"])
def uploads(request: pytest.FixtureRequest, disk: FileUploads) -> Uploads:
    return disk if request.param == "disk" else MemoryUploads()


async def read(uploads: Uploads, handle: str) -> bytes:
    return b"".join([chunk async for chunk in uploads.open(handle)])


@pytest.mark.parametrize("more", [0, CHUNK_BYTES, CHUNK_BYTES - len(PNG), 2 * CHUNK_BYTES + 7])
async def test_what_was_handed_over_is_found_by_its_handle_alone(uploads: Uploads, more: int) -> None:
    whole = PNG + os.urandom(more)
    handle, upload = await uploads.take(in_chunks(whole), "tea.png")
    assert upload == Upload(Slug("photo"), "image/png", len(whole), "tea.png")
    assert await uploads.find(handle) == upload
    assert await read(uploads, handle) == whole


async def test_a_wrong_handle_leads_to_nothing(uploads: Uploads) -> None:
    await uploads.take(in_chunks(PNG), "tea.png")
    for handle in ("", "x" * 43, "../../../etc/passwd", "é" * 43):
        assert await uploads.find(handle) is None
        with pytest.raises(PermanentFailure, match="gone"):
            await read(uploads, handle)


async def test_nothing_at_all_is_no_upload(uploads: Uploads) -> None:
    with pytest.raises(PermanentFailure, match="empty"):
        await uploads.take(in_chunks(b""), "tea.png")


async def test_neither_name_nor_bytes_nor_handle_lie_on_the_disk(disk: FileUploads, tmp_path: Path) -> None:
    handle, _ = await disk.take(in_chunks(PNG + b"CANARY" * 100), "CANARY-name.png")
    (path,) = (tmp_path / UPLOADS).iterdir()
    assert b"CANARY" not in path.read_bytes()
    assert handle.encode() not in path.read_bytes()
    assert handle not in path.name


async def test_what_is_refused_leaves_nothing(disk: FileUploads, tmp_path: Path) -> None:
    for chunks, reason in ((endless(), "too-large"), (in_chunks(SVG), "lying-type")):
        with pytest.raises(PermanentFailure, match=reason):
            await disk.take(chunks, "x.png")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_damaged_upload_is_gone(disk: FileUploads, tmp_path: Path) -> None:
    handle, _ = await disk.take(in_chunks(PNG), "tea.png")
    (path,) = (tmp_path / UPLOADS).iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PermanentFailure, match="gone"):
        await read(disk, handle)
    path.write_bytes(b"short")
    assert await disk.find(handle) is None


async def test_what_nobody_sent_is_swept_away_after_a_day(disk: FileUploads, tmp_path: Path) -> None:
    old, _ = await disk.take(in_chunks(PNG), "old.png")
    (path,) = (tmp_path / UPLOADS).iterdir()
    long_ago = time.time() - KEPT_S - 60
    os.utime(path, (long_ago, long_ago))
    fresh, _ = await disk.take(in_chunks(PNG), "new.png")
    half = tmp_path / "media" / "of-somebody" / "file.0123.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    os.utime(half, (long_ago, long_ago))
    kept = half.with_name("0" * 32)
    kept.write_bytes(b"kept")
    os.utime(kept, (long_ago, long_ago))
    sweep_media(tmp_path)
    assert [await disk.find(old) is None, await disk.find(fresh) is None] == [True, False]
    assert [half.exists(), kept.exists()] == [False, True]
