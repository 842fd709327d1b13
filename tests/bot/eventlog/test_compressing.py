import json
import threading
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bot.eventlog import compressing
from bot.eventlog.compressing import BY_FIRST, BY_SECOND, FIRST, WINDOW, compress, expand
from tests.bot.eventlog.payloads import Payloads

UPDATE = {
    "update_id": 10_012_345,
    "message": {
        "message_id": 12_346,
        "from": {
            "id": 1_000_345,
            "is_bot": False,
            "first_name": "Ann",
            "username": "ann",
            "language_code": "zh-hans",
        },
        "chat": {"id": 1_000_345, "first_name": "Ann", "username": "ann", "type": "private"},
        "date": 1_795_342_000,
        "text": "请问这个还有货吗？",
    },
}


def by_first(payload: bytes) -> bytes:
    """What was stored before."""
    compressing_ = zlib.compressobj(6, zlib.DEFLATED, WINDOW, 4, zlib.Z_DEFAULT_STRATEGY, FIRST)
    return BY_FIRST + compressing_.compress(payload) + compressing_.flush()


@given(payload=st.binary(max_size=5_000))
def test_every_payload_comes_back_byte_for_byte_and_at_most_one_byte_longer(payload: bytes) -> None:
    stored = compress(payload)

    assert expand(stored) == payload
    assert len(stored) <= len(payload) + 1


@given(payload=st.binary(max_size=5_000))
def test_what_was_deflated_is_read_for_ever(payload: bytes) -> None:
    assert expand(by_first(payload)) == payload


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_an_update_takes_less_than_a_third_of_its_bytes(separators: tuple[str, str]) -> None:
    payload = json.dumps(UPDATE, separators=separators).encode()

    assert expand(compress(payload)) == payload
    assert len(compress(payload)) * 3 < len(payload)


def test_payloads_it_was_not_trained_on_take_less_than_before() -> None:
    payloads = Payloads(2).some(1_000)

    assert [expand(compress(payload)) for payload in payloads] == payloads
    now, before = (sum(len(by(payload)) for payload in payloads) for by in (compress, by_first))
    assert now < 0.9 * before


def test_threads_compress_at_once() -> None:
    payloads = Payloads(3).some(500)
    wrong: list[bytes] = []

    def both_ways() -> None:
        wrong.extend(payload for payload in payloads if expand(compress(payload)) != payload)

    threads = [threading.Thread(target=both_ways) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def promising(size: int) -> bytes:
    """A frame that says it is so long, and holds nothing."""
    return BY_SECOND + b"\xe0" + size.to_bytes(8, "little") + b"\1\0\0"


COMPRESSED = compress(json.dumps(UPDATE).encode())


@pytest.mark.parametrize(
    "stored, reason",
    [
        (b"", "later Siyu"),
        (b"\3abc", "later Siyu"),
        (b"\1\xff\xff", "invalid block type"),
        (by_first(json.dumps(UPDATE).encode())[:-1], "cut off"),
        (BY_SECOND, "not enough data"),
        (COMPRESSED[:-1], "incomplete|decompress"),
        (COMPRESSED + b"x", "unused data"),
        (promising(2**40), "longer than any payload"),
        (promising(1_000), "decompress"),
    ],
)
def test_what_was_not_compressed_here_is_refused(stored: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        expand(stored)


def test_the_dictionary_in_use_is_never_made_again() -> None:
    assert zlib.crc32(compressing.SECOND.as_bytes()) == 0x1005A12B
    assert zstandard.get_frame_parameters(COMPRESSED[1:], zstandard.FORMAT_ZSTD1_MAGICLESS).dict_id == 0
