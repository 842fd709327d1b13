"""The settings of one account, ``SIYU_TELEGRAM__...``: checked before anything starts, and never shown."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Literal

from pydantic import SecretStr, field_validator
from python_socks import parse_proxy_url

from channels import account_settings
from channels.account_settings import AccountSettings, Rate, wrong
from channels.telegram.limits import LIMITS
from domain.errors import BadSettings

TELEGRAM = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""What setWebhook takes (core.telegram.org/bots/api#setwebhook, 2026-11-21)."""


class Settings(AccountSettings):
    """One account. ``api_base``: the root before ``/bot{token}/{method}``."""

    PROVIDER = "Telegram"
    API_BASE = TELEGRAM

    token: SecretStr
    api_base: str = TELEGRAM
    mode: Literal["polling", "webhook"] = "polling"
    webhook_secret: SecretStr | None = None
    proxy: SecretStr | None = None
    rate_per_s: Rate = LIMITS.rate_per_s
    chat_rate_per_s: Rate = LIMITS.chat_rate_per_s
    group_rate_per_min: Rate = LIMITS.group_rate_per_min

    @field_validator("token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise wrong("is no bot token: copy it from @BotFather (digits, a colon, letters)")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
            raise wrong("must be 1 to 256 letters, digits, - or _")
        return secret

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None:
            try:
                parse_proxy_url(proxy.get_secret_value())
            except ValueError:
                raise wrong(
                    "must be an address such as socks5://127.0.0.1:1080 or http://host:port"
                ) from None
        return proxy

    @property
    def bot_id(self) -> int:
        """The bot's numeric id, the part of the token that is no secret."""
        return int(self.token.get_secret_value().partition(":")[0])


setting = partial(account_settings.setting, "telegram")
"""What a setting of the account called so is called in the environment: ``setting("main", "TOKEN")``."""


def read_settings(name: str, values: Mapping[str, str], public_url: str | None) -> Settings:
    """Return the settings of the account called ``name``. Raises BadSettings naming the setting, never its value."""
    prefix = setting(name, "")
    settings = account_settings.read(Settings, "telegram", name, values)
    if settings.mode == "webhook" and settings.webhook_secret is None:
        raise BadSettings(
            "{prefix}WEBHOOK_SECRET is missing: webhook mode needs one (any long random text)", prefix=prefix
        )
    if settings.mode == "webhook" and not public_url:
        raise BadSettings(
            "SIYU_PUBLIC_URL is missing: {prefix}MODE=webhook needs an address that Telegram reaches",
            prefix=prefix,
        )
    return settings
