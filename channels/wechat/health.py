"""How an account's API is: one word for doctor and metrics, and since when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from domain.identity import Account, Slug

OK: Final = Slug("ok")
SECRET_WRONG: Final = Slug("secret-wrong")
ADDRESS_NOT_LISTED: Final = Slug("address-not-listed")
TOKEN_REFUSED: Final = Slug("token-refused")
ACCOUNT_FROZEN: Final = Slug("account-frozen")

_ADVICE: Final = {
    SECRET_WRONG: "wechat does not know this AppID with this AppSecret: check APP_ID and APP_SECRET of the account",
    ADDRESS_NOT_LISTED: "wechat refuses calls from this address: add it to the IP white list in WeChat's console",
    TOKEN_REFUSED: "wechat refuses the access token that it has just given: is another program using this AppSecret?",
    ACCOUNT_FROZEN: "wechat has frozen the account: see WeChat's console",
}

log = structlog.get_logger("channels.wechat")


@dataclass(frozen=True, slots=True)
class HealthState:
    """``state``: ``ok``, ``secret-wrong``, ``address-not-listed``, ``token-refused``, ``account-frozen`` or ``not-authorised:<api>``.

    ``address``: ours as WeChat sees it, where that is what it refuses.
    """

    state: Slug
    since: datetime
    address: str = ""


class Health:
    """Keeps the latest state. What is wrong with the whole account outweighs an API that it may not call."""

    def __init__(self, account: Account, clock: Callable[[], datetime]) -> None:
        self._account, self._clock = account, clock
        self._account_wide = HealthState(OK, clock())
        self._refused: dict[str, datetime] = {}

    @property
    def state(self) -> HealthState:
        """What doctor and metrics show."""
        if self._account_wide.state != OK or not self._refused:
            return self._account_wide
        api, since = next(iter(self._refused.items()))
        return HealthState(Slug(f"not-authorised:{api}"), since)

    def well(self, api: str) -> None:
        """WeChat took a call of this API."""
        self._refused.pop(api, None)
        self.is_now(OK)

    def not_authorised(self, api: str) -> None:
        """The account may not call this API (48001)."""
        if api not in self._refused:
            self._refused[api] = self._clock()
            log.error("wechat does not let the account call an API", account=self._account, api=api)

    def is_now(self, state: Slug, address: str = "") -> None:
        """Take in a state of the whole account; a change is logged, with what to do."""
        if (state, address) != (self._account_wide.state, self._account_wide.address):
            self._account_wide = HealthState(state, self._clock(), address)
            if state in _ADVICE:
                log.error(_ADVICE[state], account=self._account)
