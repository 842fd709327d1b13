"""What a hook is sent: a batch of events, and the proof that it comes from us."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from bot import export
from domain.identity import Slug
from domain.message import Recorded

LARGEST_BYTES: Final = 512 * 1024
"""Of a batch, unless one event alone is larger: servers take a megabyte as they come."""
SIGNATURE: Final = "Siyu-Signature"
DELIVERY: Final = "Siyu-Delivery"


@dataclass(frozen=True, slots=True)
class Letter:
    """One request's content. ``first``, ``last``: positions of its events; ``count`` of them."""

    body: bytes
    log: str
    first: int
    last: int
    count: int

    def headers(self, secret: bytes, now_s: int) -> dict[str, str]:
        """Return the request's headers. ``now_s``: Unix time; it is signed, so that an old request cannot be sent again by others."""
        signed = hmac.digest(secret, b"%d.%s" % (now_s, self.body), hashlib.sha256).hex()
        return {
            "Content-Type": "application/json",
            "User-Agent": "Siyu",
            SIGNATURE: f"t={now_s},v1={signed}",
            DELIVERY: f"{self.log}/{self.first}-{self.last}",
        }


def letter(hook: Slug, log: str, events: Sequence[Recorded]) -> Letter:
    """Write as many of these events as fit, at least the first, each as ``siyu events --json`` shows it. ``log``: which log they are of."""
    lines: list[str] = []
    size = 0
    for recorded in events:
        line = export.as_json(recorded)
        size += len(line.encode())
        if lines and size > LARGEST_BYTES:
            break
        lines.append(line)
    head = msgspec.json.encode({"hook": hook, "log": log}).decode().removesuffix("}")
    body = f'{head},"events":[{",".join(lines)}]}}'.encode()
    return Letter(body, log, events[0].position, events[len(lines) - 1].position, len(lines))
