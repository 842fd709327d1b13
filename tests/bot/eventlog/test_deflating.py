import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.eventlog.deflating import deflate, inflate

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


@given(payload=st.binary(max_size=5_000))
def test_every_payload_comes_back_byte_for_byte_and_at_most_one_byte_longer(payload: bytes) -> None:
    stored = deflate(payload)

    assert inflate(stored) == payload
    assert len(stored) <= len(payload) + 1


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_an_update_takes_less_than_two_fifths_of_its_bytes(separators: tuple[str, str]) -> None:
    payload = json.dumps(UPDATE, separators=separators).encode()

    assert inflate(deflate(payload)) == payload
    assert len(deflate(payload)) * 5 < len(payload) * 2


@pytest.mark.parametrize(
    "stored, reason",
    [
        (b"", "later Siyu"),
        (b"\2abc", "later Siyu"),
        (b"\1\xff\xff", "invalid block type"),
        (deflate(json.dumps(UPDATE).encode())[:-1], "cut off"),
    ],
)
def test_what_was_not_deflated_here_is_refused(stored: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        inflate(stored)
