"""What may go wrong with a callback on request: a network's doing, and what an impostor posts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from channels.simulators.wechat.crypto import Envelopes, signed
from channels.simulators.wechat.settings import OfficialAccount

_SHIFT_S: Final = 3_600


class CallbackFaultKind(StrEnum):
    DROP_AT_ONCE = "drop_at_once"
    """One try: posted, and the connection closed without waiting for an answer."""
    DROP_ANSWER = "drop_answer"
    """One try: the connection closed when the answer began to come, without reading it."""
    TWICE = "twice"
    """Posted twice at once. What both answers say is shown."""
    REORDER = "reorder"
    """Posted after the same person's next one."""
    DELAY = "delay"
    """Posted `delay_s` later; CreateTime is from before."""
    TAMPERED = "tampered"
    """Another byte in the ciphertext; the signature is that of the right one."""
    TAMPERED_SIGNED = "tampered_signed"
    """The same, and signed with the account's token."""
    WRONG_APP_ID = "wrong_app_id"
    OLD_TIMESTAMP = "old_timestamp"
    """Signed an hour ago."""
    FUTURE_TIMESTAMP = "future_timestamp"
    PLAIN = "plain"
    """Plain mode: the XML in clear, its time stamp and nonce signed."""
    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"
    """XML that ends too early; this and the next three around the envelope, or with `inside` in it."""
    ENTITY_BOMB = "entity_bomb"
    XXE = "xxe"
    DTD = "dtd"


TRY_FAULTS: Final = frozenset({CallbackFaultKind.DROP_AT_ONCE, CallbackFaultKind.DROP_ANSWER})
NETWORK_FAULTS: Final = frozenset(
    {CallbackFaultKind.TWICE, CallbackFaultKind.REORDER, CallbackFaultKind.DELAY}
)
FORGERIES: Final = frozenset(CallbackFaultKind) - TRY_FAULTS - NETWORK_FAULTS
"""Posted once: an impostor repeats nothing, and nobody is shown anything."""


@dataclass(slots=True)
class CallbackFault:
    kind: CallbackFaultKind
    times: int
    openid: str | None
    delay_s: float
    inside: bool


class CallbackFaults:
    """The faults to come, oldest first; each strikes `times` callbacks (or tries) of `openid` (None: any)."""

    def __init__(self) -> None:
        self._waiting: list[CallbackFault] = []

    def add(
        self,
        *,
        kind: CallbackFaultKind | str,
        times: int = 1,
        openid: str | None = None,
        delay_s: float = 0.1,
        inside: bool = False,
    ) -> None:
        self._waiting.append(CallbackFault(CallbackFaultKind(kind), times, openid, delay_s, inside))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, openid: str, kinds: frozenset[CallbackFaultKind]) -> CallbackFault | None:
        fitting = (fault for fault in self._waiting if fault.kind in kinds and fault.openid in (None, openid))
        if (fault := next(fitting, None)) is not None:
            fault.times -= 1
            self._waiting = [waiting for waiting in self._waiting if waiting.times > 0]
        return fault


@dataclass(frozen=True, slots=True)
class Letter:
    """One POST to the webhook: its query and its body."""

    query: Mapping[str, str]
    body: bytes


def letter(
    account: OfficialAccount, openid: str, xml: bytes, now: float, fault: CallbackFault | None = None
) -> Letter:
    """`xml` as WeChat posts it in safe mode at `now`, in a new envelope, or as `fault` forges it."""
    kind = fault.kind if fault is not None else None
    inside = fault is not None and fault.inside
    shift_s = {CallbackFaultKind.OLD_TIMESTAMP: -_SHIFT_S, CallbackFaultKind.FUTURE_TIMESTAMP: _SHIFT_S}
    timestamp = str(int(now + (shift_s.get(kind, 0) if kind is not None else 0)))
    nonce = str(secrets.randbelow(9_000_000_000) + 1_000_000_000)
    query = {
        "signature": signed(account.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": openid,
    }
    if kind is CallbackFaultKind.PLAIN:
        return Letter(query, xml)
    envelopes = Envelopes(account.token, account.aes_key, account.app_id)
    another = "wx0000000000000000" if kind is CallbackFaultKind.WRONG_APP_ID else None
    envelope = envelopes.seal(_hazard(xml, kind) if inside else xml, another)
    signature = signed(account.token, timestamp, nonce, envelope)
    if kind in (CallbackFaultKind.TAMPERED, CallbackFaultKind.TAMPERED_SIGNED):
        envelope = _tampered(envelope)
    if kind is CallbackFaultKind.TAMPERED_SIGNED:
        signature = signed(account.token, timestamp, nonce, envelope)
    if kind is CallbackFaultKind.BAD_SIGNATURE:
        signature = query["signature"] = secrets.token_hex(20)
    body = (
        f"<xml>\n    <ToUserName><![CDATA[{account.original_id}]]></ToUserName>\n"
        f"    <Encrypt><![CDATA[{envelope}]]></Encrypt>\n</xml>\n"
    ).encode()
    query |= {"encrypt_type": "aes", "msg_signature": signature}
    return Letter(query, body if inside else _hazard(body, kind))


def _tampered(envelope: str) -> str:
    middle = len(envelope) // 2
    return envelope[:middle] + ("A" if envelope[middle] != "A" else "B") + envelope[middle + 1 :]


def _hazard(xml: bytes, kind: CallbackFaultKind | None) -> bytes:
    used = xml.replace(b"</xml>", b"<Hazard>&hazard;</Hazard></xml>")
    match kind:
        case CallbackFaultKind.MALFORMED:
            return xml[: xml.rindex(b"</xml>")]
        case CallbackFaultKind.ENTITY_BOMB:
            # Ten levels of ten: 10 GB, if anybody expands it.
            levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
            bomb = f'<!DOCTYPE xml [<!ENTITY e0 "ha ha ha ">{levels}<!ENTITY hazard "&e9;">]>'
            return bomb.encode() + used
        case CallbackFaultKind.XXE:
            return b'<!DOCTYPE xml [<!ENTITY hazard SYSTEM "file:///etc/hostname">]>' + used
        case CallbackFaultKind.DTD:
            return b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/evil.dtd">' + xml
        case _:
            return xml
