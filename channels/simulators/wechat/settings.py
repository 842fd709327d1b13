"""What is set for an account in WeChat's console. A test, or a demo, may change any of it while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from channels.simulators.wechat.limits import MASS_CALLS_A_DAY, TOKEN_LIFE_S
from channels.simulators.wechat.shapes import AccountKind

_NOT_FOR: Final[Mapping[AccountKind, frozenset[str]]] = {
    "service": frozenset(),
    "subscription": frozenset({"message/template/send", "qrcode/create"}),
}


@dataclass(slots=True)
class OfficialAccount:
    """`original_id` is the account's own name in callbacks (gh_...).

    `unauthorised` are the API paths that answer 48001 besides those that its kind may not call. `white_list` are
    the addresses that may ask for a token, None: any. `quotas` are calls a day by path, beyond which 45009 comes.
    `templates` are the template ids that exist, None: any. `tokens_live_s` is for tokens from now on.
    """

    app_id: str = "wx1234567890abcdef"
    app_secret: str = "simulated-secret-for-tests-only-"  # noqa: S105 - a simulator's, opens nothing
    token: str = "simulatedToken"  # noqa: S105 - a simulator's, opens nothing
    aes_key: str = "SimulatedEncodingAESKeyForTestsOnly00000000"
    kind: AccountKind = "service"
    webhook_url: str = ""
    original_id: str = "gh_0123456789ab"
    unauthorised: set[str] = field(default_factory=set)
    white_list: set[str] | None = None
    quotas: dict[str, int] = field(default_factory=lambda: {"token": 2_000})
    templates: set[str] | None = None
    tokens_live_s: float = TOKEN_LIFE_S

    def may_call(self, path: str) -> bool:
        return path not in self.unauthorised and path not in _NOT_FOR[self.kind]

    @property
    def mass_calls_a_day(self) -> int:
        return MASS_CALLS_A_DAY[self.kind]
