"""The settings of one account, ``SIYU_WECHAT__...``: checked before anything starts, and never shown."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from channels.wechat.limits import LIMITS
from domain.errors import BadSettings

WECHAT = "https://api.weixin.qq.com"
MAX_RATE_PER_S = 1_000.0

_APP_ID = re.compile(r"wx[0-9a-zA-Z]{8,40}")
_SECRET = re.compile(r"[!-~]{8,128}")
_TOKEN = re.compile(r"[0-9a-zA-Z]{3,32}")
"""What WeChat's console takes as Token."""
_AES_KEY = re.compile(r"[0-9a-zA-Z]{43}")
"""What it takes as EncodingAESKey."""
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE)

_Rate = Annotated[float, Field(ge=0, le=MAX_RATE_PER_S, allow_inf_nan=False)]


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{text}", {"text": text})


class Settings(BaseModel):
    """One account. ``api_base``: the root before ``/cgi-bin/``, without a slash at its end.

    ``link_domain``: the filed domain that short links may go out with; None: no short links.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    app_id: str
    app_secret: SecretStr
    token: SecretStr
    aes_key: SecretStr
    api_base: str = WECHAT
    kind: Literal["subscription", "service"] = "service"
    reply: Literal["auto", "passive", "service"] = "auto"
    link_domain: str | None = None
    rate_per_s: _Rate = LIMITS.rate_per_s
    chat_rate_per_s: _Rate = LIMITS.chat_rate_per_s
    group_rate_per_min: _Rate = LIMITS.group_rate_per_min

    @field_validator("app_id")
    @classmethod
    def _app_id(cls, app_id: str) -> str:
        if not _APP_ID.fullmatch(app_id):
            raise _wrong("is no AppID: copy it from WeChat's console (wx and 16 letters or digits)")
        return app_id

    @field_validator("app_secret")
    @classmethod
    def _app_secret(cls, secret: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(secret.get_secret_value()):
            raise _wrong("is no AppSecret: copy it from WeChat's console (32 letters or digits)")
        return secret

    @field_validator("token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise _wrong("must be 3 to 32 letters or digits, the same as Token in WeChat's console")
        return token

    @field_validator("aes_key")
    @classmethod
    def _aes_key(cls, key: SecretStr) -> SecretStr:
        if not _AES_KEY.fullmatch(key.get_secret_value()):
            raise _wrong("must be 43 letters or digits, the same as EncodingAESKey in WeChat's console")
        return key

    @field_validator("api_base")
    @classmethod
    def _api_base(cls, base: str) -> str:
        try:
            parts = urlsplit(base)
            known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            known = False
        if not known or set(base) & set("{}?#@ "):
            raise _wrong("must be an http or https address such as https://api.weixin.qq.com")
        return base.rstrip("/")

    @field_validator("link_domain")
    @classmethod
    def _link_domain(cls, domain: str | None) -> str | None:
        if domain is not None and not _DOMAIN.fullmatch(domain):
            raise _wrong("must be a domain such as l.example.com")
        return domain

    @model_validator(mode="after")
    def _unpaced_only_elsewhere(self) -> Self:
        for name in ("rate_per_s", "chat_rate_per_s"):
            if getattr(self, name) == 0 and self.api_base == WECHAT:
                raise PydanticCustomError(
                    "unpaced", "0 (no limit) needs another API_BASE than WeChat's", {"setting": name}
                )
        return self


def setting(name: str, key: str) -> str:
    """Return what a setting of the account called ``name`` is called in the environment."""
    account = "" if name == "main" else f"{name.upper()}__"
    return f"SIYU_WECHAT__{account}{key}"


def read_settings(name: str, values: Mapping[str, str]) -> Settings:
    """Return the settings of the account called ``name``. Raises BadSettings naming the setting, never its value."""
    given = {key.lower(): value for key, value in values.items() if value != ""}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise _complaint(setting(name, ""), error) from None


def _complaint(prefix: str, error: ValidationError) -> BadSettings:
    """Return the first thing that is wrong, in one line without any value."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = first["loc"][0] if first["loc"] else first.get("ctx", {}).get("setting", "")
    named = f"{prefix}{str(field).upper()}"
    match first["type"]:
        case "missing":
            return BadSettings("{named} is missing", named=named)
        case "extra_forbidden":
            return BadSettings("{named} is no setting of WeChat", named=named)
        case _:
            return BadSettings("{named}: {first}", named=named, first=first["msg"])
