import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.eventlog.keys import MemoryKeyRing
from bot.media.sealed import CHUNK_BYTES, TAG_BYTES
from bot.media.store import HEADER_BYTES, FileMedia
from domain.errors import MediaGone, PermanentFailure, StoreUnavailable, SubjectForgotten
from domain.identity import KeyedHash, MediaId, SubjectId
from domain.ports.media import MediaStore, MemoryMediaStore
from tests.bot.media.samples import in_chunks

ANNA, BELA = SubjectId("contact-anna"), SubjectId("contact-bela")
PICTURE, OTHER = MediaId("0" * 32), MediaId("1" * 32)
CANARY = b"CANARY-of-a-picture"


@pytest.fixture
def keys() -> MemoryKeyRing:
    return MemoryKeyRing()


@pytest.fixture
def disk(tmp_path: Path, keys: MemoryKeyRing) -> FileMedia:
    return FileMedia(tmp_path / "media", keys, KeyedHash(b"secret"))


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, disk: FileMedia) -> MediaStore:
    return disk if request.param == "disk" else MemoryMediaStore()


async def read(store: MediaStore, media: MediaId = PICTURE, subject: SubjectId = ANNA) -> bytes:
    return b"".join([chunk async for chunk in store.open(media, subject)])


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# What every store does


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
async def test_what_is_kept_is_read_again_as_often_as_asked(store: MediaStore, size: int) -> None:
    whole = os.urandom(size)
    assert await store.keep(PICTURE, ANNA, in_chunks(whole, 70_001)) == size
    assert [await read(store), await read(store)] == [whole, whole]
    assert store.holds(PICTURE, ANNA)


async def test_what_was_never_kept_is_not_there(store: MediaStore) -> None:
    assert not store.holds(PICTURE, ANNA)
    with pytest.raises(MediaGone):
        await read(store)


async def test_a_file_that_is_kept_again_takes_the_place_of_the_first(store: MediaStore) -> None:
    await store.keep(PICTURE, ANNA, in_chunks(b"first"))
    await store.keep(PICTURE, ANNA, in_chunks(b"second"))
    assert await read(store) == b"second"


async def test_a_file_whose_bytes_end_in_an_error_is_not_kept(store: MediaStore) -> None:
    await store.keep(PICTURE, ANNA, in_chunks(b"first"))
    with pytest.raises(PermanentFailure, match="too-large"):
        await store.keep(PICTURE, ANNA, breaking(PermanentFailure("too-large")))
    assert await read(store) == b"first"


async def test_all_files_of_somebody_are_destroyed_and_nobody_elses(store: MediaStore) -> None:
    await store.keep(PICTURE, ANNA, in_chunks(b"one"))
    await store.keep(OTHER, ANNA, in_chunks(b"two"))
    await store.keep(PICTURE, BELA, in_chunks(b"three"))
    assert [store.destroy(ANNA), store.destroy(ANNA)] == [2, 0]
    assert [store.holds(PICTURE, ANNA), store.holds(OTHER, ANNA)] == [False, False]
    assert await read(store, PICTURE, BELA) == b"three"


# What the disk shows


async def test_nothing_on_the_disk_tells_what_it_is_or_whose(disk: FileMedia, tmp_path: Path) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(CANARY * 100_000))
    (path,) = files(tmp_path)
    assert CANARY not in path.read_bytes()
    assert "anna" not in str(path.relative_to(tmp_path))
    assert [path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777] == [0o600, 0o700]


def cut(sealed: bytes) -> bytes:
    return sealed[: HEADER_BYTES + CHUNK_BYTES + TAG_BYTES]


def cut_within(sealed: bytes) -> bytes:
    return sealed[:-1]


def swapped(sealed: bytes) -> bytes:
    size = CHUNK_BYTES + TAG_BYTES
    header, one, two, rest = (
        sealed[:HEADER_BYTES],
        sealed[HEADER_BYTES:][:size],
        sealed[HEADER_BYTES + size :][:size],
        sealed[HEADER_BYTES + 2 * size :],
    )
    return header + two + one + rest


def repeated(sealed: bytes) -> bytes:
    return sealed + sealed[HEADER_BYTES + 2 * (CHUNK_BYTES + TAG_BYTES) :]


def left_out(sealed: bytes) -> bytes:
    return sealed[:HEADER_BYTES] + sealed[HEADER_BYTES + CHUNK_BYTES + TAG_BYTES :]


def flipped(sealed: bytes) -> bytes:
    return sealed[:-100] + bytes([sealed[-100] ^ 1]) + sealed[-99:]


def flipped_header(sealed: bytes) -> bytes:
    return sealed[:30] + bytes([sealed[30] ^ 1]) + sealed[31:]


def emptied(_sealed: bytes) -> bytes:
    return b""


def only_header(sealed: bytes) -> bytes:
    return sealed[:HEADER_BYTES]


@pytest.mark.parametrize(
    "damage",
    [cut, cut_within, swapped, repeated, left_out, flipped, flipped_header, emptied, only_header],
    ids=lambda damage: damage.__name__,
)
async def test_whatever_was_done_to_a_file_is_noticed(
    disk: FileMedia, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(os.urandom(2 * CHUNK_BYTES + 500)))
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MediaGone):
        await read(disk)


async def test_equal_pieces_of_a_file_look_different_on_the_disk(disk: FileMedia, tmp_path: Path) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(bytes(3 * CHUNK_BYTES)))
    (path,) = files(tmp_path)
    sealed, size = path.read_bytes()[HEADER_BYTES:], CHUNK_BYTES + TAG_BYTES
    assert len({sealed[begin : begin + 1_000] for begin in range(0, 3 * size, size)}) == 3


async def test_a_file_does_not_open_under_anothers_name(disk: FileMedia) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(b"one"))
    (disk.folder_of(ANNA) / PICTURE).rename(disk.folder_of(ANNA) / OTHER)
    with pytest.raises(MediaGone):
        await read(disk, OTHER)


async def test_with_the_key_of_a_person_their_files_are_gone_wherever_they_lie(
    disk: FileMedia, keys: MemoryKeyRing
) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(b"one"))
    keys.destroy(ANNA)
    with pytest.raises(MediaGone):
        await read(disk)
    with pytest.raises(SubjectForgotten):
        await disk.keep(OTHER, ANNA, in_chunks(b"two"))


async def test_somebody_forgotten_while_their_file_arrives_leaves_none(
    disk: FileMedia, keys: MemoryKeyRing, tmp_path: Path
) -> None:
    async def forgotten_meanwhile() -> AsyncIterator[bytes]:
        yield b"half"
        keys.destroy(ANNA)
        disk.destroy(ANNA)
        (disk.folder_of(ANNA)).mkdir()
        yield b"rest"

    with pytest.raises((SubjectForgotten, StoreUnavailable)):
        await disk.keep(PICTURE, ANNA, forgotten_meanwhile())
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["../../../etc/passwd", "", "0" * 31, "A" * 32, f"{'0' * 32}/x"])
async def test_only_the_name_of_a_file_leads_to_one(disk: FileMedia, name: str) -> None:
    with pytest.raises(MediaGone):
        await read(disk, MediaId(name))


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files may have 300,000 bytes in this process: what is written beyond fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    disk: FileMedia, tmp_path: Path, full_disk: None
) -> None:
    await disk.keep(PICTURE, ANNA, in_chunks(b"small"))
    with pytest.raises(StoreUnavailable, match="the media folder cannot be written"):
        await disk.keep(OTHER, ANNA, in_chunks(bytes(2 * CHUNK_BYTES)))
    assert [path.name for path in files(tmp_path)] == [PICTURE]
    assert await read(disk) == b"small"


async def breaking(error: Exception) -> AsyncIterator[bytes]:
    yield b"half of it"
    raise error
