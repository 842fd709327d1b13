"""Mass messages: what is the same for many goes out in one call, of which WeChat allows a hundred a day (one, for a subscription account).

Each recipient is a delivery of their own, claimed at the gate; those with the same content that come within a few seconds share a call.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from channels.wechat.client import WeChatClient
from channels.wechat.limits import BEIJING, OPENIDS_MASS
from channels.wechat.render import File, Words, rendered
from domain.errors import PermanentFailure, TemporaryFailure
from domain.identity import Locale
from domain.ports.messenger import Attachment, Outbound

QUIET_S: Final = 2.0
"""A call goes out once nobody was added for so long,"""
GATHERED_S: Final = 12.0
"""or so long after its first recipient: the courier gives a send 30 s."""
QUOTA_REASON: Final = "no-mass-quota"
KINDS: Final = {"image": "image", "voice": "voice"}


@dataclass(slots=True)
class _Batch:
    """``openids``: by delivery. ``added``: set when somebody was added."""

    message: dict[str, Any]
    file: Attachment | None
    openids: dict[str, str] = field(default_factory=dict)
    added: asyncio.Event = field(default_factory=asyncio.Event)


class MassMail:
    """Gathers recipients of the same content."""

    def __init__(
        self,
        client: WeChatClient,
        clock: Callable[[], datetime],
        say: Callable[[str, Locale | None], str],
        *,
        quiet_s: float = QUIET_S,
        gathered_s: float = GATHERED_S,
    ) -> None:
        self._client, self._clock, self._say = client, clock, say
        self._quiet_s, self._gathered_s = quiet_s, gathered_s
        self._gathering: dict[str, tuple[_Batch, asyncio.Task[str]]] = {}

    async def send(self, openid: str, outbound: Outbound) -> str:
        """Return WeChat's id of the mass message this became part of. Raises SendFailed, the same for all that share the call."""
        message, attachment = _message(outbound, self._say)
        content = json.dumps(message, sort_keys=True) + ("" if attachment is None else f"{attachment.media}")
        known = self._gathering.get(content)
        if known is None or len(known[0].openids) >= OPENIDS_MASS[1]:
            batch = _Batch(message, attachment)
            sending = asyncio.create_task(self._send(content, batch), name="wechat-mass")
            known = self._gathering[content] = (batch, sending)
        batch, sending = known
        batch.openids[outbound.key] = openid
        batch.added.set()
        # One recipient who gives up (a shutdown) must not take the others' call with them.
        return await asyncio.shield(sending)

    async def _send(self, content: str, batch: _Batch) -> str:
        try:
            await self._gather(batch)
        finally:
            if self._gathering.get(content, (None,))[0] is batch:
                del self._gathering[content]
        openids = list(dict.fromkeys(batch.openids.values()))
        if len(openids) < OPENIDS_MASS[0]:
            raise PermanentFailure("mass-needs-two")
        ends_at = self._client.ends_at() - self._gathered_s
        try:
            message = await self._with_file(batch, ends_at)
            return await self._client.send_to_many(openids, message, _key(batch), ends_at)
        except PermanentFailure as failure:
            if failure.reason != QUOTA_REASON:
                raise
            raise TemporaryFailure(QUOTA_REASON, retry_after_s=self._until_midnight_s()) from None

    async def _gather(self, batch: _Batch) -> None:
        """Wait until nobody comes any more, or it has to go."""
        try:
            async with asyncio.timeout(self._gathered_s):
                while len(batch.openids) < OPENIDS_MASS[1]:
                    batch.added.clear()
                    async with asyncio.timeout(self._quiet_s):
                        await batch.added.wait()
        except TimeoutError:
            return

    async def _with_file(self, batch: _Batch, ends_at: float) -> dict[str, Any]:
        if batch.file is None:
            return batch.message
        kind = batch.message["msgtype"]
        media_id = await self._client.upload(kind, batch.file, ends_at)
        shown = {"media_ids": [media_id]} if kind == "image" else {"media_id": media_id}
        return {"msgtype": kind, "images" if kind == "image" else kind: shown}

    def _until_midnight_s(self) -> float:
        now = self._clock().astimezone(ZoneInfo(BEIJING))
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=ZoneInfo(BEIJING))
        return (midnight - now).total_seconds()


def _message(
    outbound: Outbound, say: Callable[[str, Locale | None], str]
) -> tuple[dict[str, Any], Attachment | None]:
    """Return what is the same for all. Raises PermanentFailure for what WeChat sends to one only."""
    if outbound.choices:
        raise PermanentFailure("choices-not-by-mass")
    match rendered(outbound, say):
        case Words(text=text):
            return {"msgtype": "text", "text": {"content": text}}, None
        case File(kind=kind, attachment=attachment) if kind in KINDS:
            return {"msgtype": KINDS[kind]}, attachment
        case _:
            raise PermanentFailure("kind-refused")


def _key(batch: _Batch) -> str:
    """The same recipients' deliveries and the same content give the same key: WeChat refuses the second call within 24 hours."""
    return hashlib.sha256("\n".join(sorted(batch.openids)).encode()).hexdigest()
