"""A request of WeChat's into what came in; a mistake of ours costs one callback its meaning, never the others their turn."""

import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from starlette.datastructures import Headers

from channels.wechat.envelope import Envelopes, read_query
from channels.wechat.limits import BODY_BYTES
from channels.wechat.parse import parse, unreadable
from channels.wechat.xml import read_xml, text_in
from domain.conversations.commands import Receive
from domain.errors import BadInput, BadSignature, SiyuError
from domain.identity import Account

_ECHO: Final = re.compile(r"[0-9A-Za-z+/=_-]{1,512}")

log = structlog.get_logger("channels.wechat")


@dataclass(frozen=True, slots=True)
class Heard:
    """When WeChat last checked the address, and when it last posted a callback that is ours; None: never since the start."""

    echo_at: datetime | None = None
    callback_at: datetime | None = None


class Judge:
    """One account's ears: encrypted mode only."""

    def __init__(self, account: Account, envelopes: Envelopes, clock: Callable[[], datetime]) -> None:
        self._account, self._envelopes, self._clock = account, envelopes, clock
        self.called = ""
        """What WeChat calls the account in callbacks (``gh_...``); empty until the first one. Replies are signed with it."""
        self.heard = Heard()

    def echo(self, query: bytes) -> bytes:
        """Return the echostr of the check that WeChat makes when the address is saved. Raises BadSignature, BadInput."""
        asked = read_query(query)
        self._envelopes.check(asked, self._clock())
        echo = asked.get("echostr", "")
        if not _ECHO.fullmatch(echo):
            raise BadInput("echostr is missing")
        self.heard = replace(self.heard, echo_at=self._clock())
        return echo.encode()

    def admit(self, _headers: Headers, query: bytes) -> None:
        """Refuse what nobody signed, or in plain mode: then its body is not even read. Raises BadSignature, BadInput."""
        asked = read_query(query)
        self._envelopes.check(asked, self._clock())
        if asked.get("encrypt_type") != "aes":
            raise BadSignature("plain mode is refused: choose safe mode (安全模式) in WeChat's console")

    def judge(self, query: bytes, body: bytes) -> Sequence[Receive]:
        """Return what a callback says; see ``parse``. Raises BadSignature, BadInput."""
        if len(body) > BODY_BYTES:
            raise BadInput("the body is larger than {body_bytes} bytes", body_bytes=BODY_BYTES)
        sealed = text_in(read_xml(body), "Encrypt")
        if not sealed:
            raise BadSignature("plain mode is refused: choose safe mode (安全模式) in WeChat's console")
        inside = self._envelopes.open(sealed, read_query(query))
        fields = read_xml(inside)
        self.called = text_in(fields, "ToUserName") or self.called
        now = self._clock()
        self.heard = replace(self.heard, callback_at=now)
        try:
            return (parse(fields, self._account, inside, now),)
        except SiyuError:
            raise
        except Exception as bug:  # noqa: BLE001 - kept as it came, it can be read once the bug is gone; raised, it would come again
            # Not log.exception: a traceback may show what somebody wrote.
            log.error("callback not parsed: this is a bug", account=self._account, where=place_of(bug))  # noqa: TRY400
            return (unreadable(fields, self._account, inside, now),)


def place_of(bug: BaseException) -> str:
    """Return type and place of an exception, without its text and variables: they may hold what somebody wrote, or a secret."""
    frames = traceback.extract_tb(bug.__traceback__)
    return type(bug).__name__ + (f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else "")
