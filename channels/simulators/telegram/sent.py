"""What the bot did, as a test or a demo reads it back."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """One accepted call that people can notice.

    `text` is what they read (markup applied), `at` the simulator's clock in Unix seconds, `params` the call
    as it came, with JSON decoded and uploads as bytes.
    """

    method: str
    chat_id: int | None
    text: str | None
    message_id: int | None
    at: float
    params: Mapping[str, object]
