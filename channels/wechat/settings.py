"""The settings of one account, ``SIYU_WECHAT__...``: checked before anything starts, and never shown."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Literal

from pydantic import SecretStr, field_validator

from channels import account_settings
from channels.account_settings import AccountSettings, Rate, wrong
from channels.wechat.limits import LIMITS

WECHAT = "https://api.weixin.qq.com"

_APP_ID = re.compile(r"wx[0-9a-zA-Z]{8,40}")
_SECRET = re.compile(r"[!-~]{8,128}")
_TOKEN = re.compile(r"[0-9a-zA-Z]{3,32}")
"""What WeChat's console takes as Token."""
_AES_KEY = re.compile(r"[0-9a-zA-Z]{43}")
"""What it takes as EncodingAESKey."""
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE)


class Settings(AccountSettings):
    """One account. ``api_base``: the root before ``/cgi-bin/``.

    ``link_domain``: the filed domain that short links may go out with; None: no short links.
    """

    PROVIDER = "WeChat"
    API_BASE = WECHAT

    app_id: str
    app_secret: SecretStr
    token: SecretStr
    aes_key: SecretStr
    api_base: str = WECHAT
    kind: Literal["subscription", "service"] = "service"
    reply: Literal["auto", "passive", "service"] = "auto"
    link_domain: str | None = None
    rate_per_s: Rate = LIMITS.rate_per_s
    chat_rate_per_s: Rate = LIMITS.chat_rate_per_s
    group_rate_per_min: Rate = LIMITS.group_rate_per_min

    @field_validator("app_id")
    @classmethod
    def _app_id(cls, app_id: str) -> str:
        if not _APP_ID.fullmatch(app_id):
            raise wrong("is no AppID: copy it from WeChat's console (wx and 16 letters or digits)")
        return app_id

    @field_validator("app_secret")
    @classmethod
    def _app_secret(cls, secret: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(secret.get_secret_value()):
            raise wrong("is no AppSecret: copy it from WeChat's console (32 letters or digits)")
        return secret

    @field_validator("token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise wrong("must be 3 to 32 letters or digits, the same as Token in WeChat's console")
        return token

    @field_validator("aes_key")
    @classmethod
    def _aes_key(cls, key: SecretStr) -> SecretStr:
        if not _AES_KEY.fullmatch(key.get_secret_value()):
            raise wrong("must be 43 letters or digits, the same as EncodingAESKey in WeChat's console")
        return key

    @field_validator("link_domain")
    @classmethod
    def _link_domain(cls, domain: str | None) -> str | None:
        if domain is not None and not _DOMAIN.fullmatch(domain):
            raise wrong("must be a domain such as l.example.com")
        return domain


setting = partial(account_settings.setting, "wechat")
"""What a setting of the account called so is called in the environment: ``setting("main", "TOKEN")``."""


def read_settings(name: str, values: Mapping[str, str]) -> Settings:
    """Return the settings of the account called ``name``. Raises BadSettings naming the setting, never its value."""
    return account_settings.read(Settings, "wechat", name, values)
