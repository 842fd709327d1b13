"""The settings of one account, ``SIYU_TELEGRAM__...``: checked before anything starts, and never shown."""

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
from python_socks import parse_proxy_url

from channels.telegram.limits import LIMITS, MAX_RATE_PER_S
from domain.errors import BadSettings

TELEGRAM = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""What setWebhook takes (core.telegram.org/bots/api#setwebhook, 2026-11-21)."""

_Rate = Annotated[float, Field(ge=0, le=MAX_RATE_PER_S, allow_inf_nan=False)]


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{text}", {"text": text})


class Settings(BaseModel):
    """One account. ``api_base``: the root before ``/bot{token}/{method}``, without a slash at its end."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr
    api_base: str = TELEGRAM
    mode: Literal["polling", "webhook"] = "polling"
    webhook_secret: SecretStr | None = None
    proxy: SecretStr | None = None
    rate_per_s: _Rate = LIMITS.rate_per_s
    chat_rate_per_s: _Rate = LIMITS.chat_rate_per_s
    group_rate_per_min: _Rate = LIMITS.group_rate_per_min

    @field_validator("token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise _wrong("is no bot token: copy it from @BotFather (digits, a colon, letters)")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
            raise _wrong("must be 1 to 256 letters, digits, - or _")
        return secret

    @field_validator("api_base")
    @classmethod
    def _api_base(cls, base: str) -> str:
        try:
            parts = urlsplit(base)
            known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            known = False
        # Braces would be taken for the places of token and method.
        if not known or set(base) & set("{}?#@ "):
            raise _wrong("must be an http or https address such as https://api.telegram.org")
        return base.rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None:
            try:
                parse_proxy_url(proxy.get_secret_value())
            except ValueError:
                raise _wrong(
                    "must be an address such as socks5://127.0.0.1:1080 or http://host:port"
                ) from None
        return proxy

    @model_validator(mode="after")
    def _unpaced_only_elsewhere(self) -> Self:
        for name in ("rate_per_s", "chat_rate_per_s", "group_rate_per_min"):
            if getattr(self, name) == 0 and self.api_base == TELEGRAM:
                raise PydanticCustomError(
                    "unpaced", "0 (no limit) needs another API_BASE than Telegram's", {"setting": name}
                )
        return self

    @property
    def bot_id(self) -> int:
        """The bot's numeric id, the part of the token that is no secret."""
        return int(self.token.get_secret_value().partition(":")[0])


def setting(name: str, key: str) -> str:
    """Return what a setting of the account called ``name`` is called in the environment."""
    account = "" if name == "main" else f"{name.upper()}__"
    return f"SIYU_TELEGRAM__{account}{key}"


def read_settings(name: str, values: Mapping[str, str], public_url: str | None) -> Settings:
    """Return the settings of the account called ``name``. Raises BadSettings naming the setting, never its value."""
    prefix = setting(name, "")
    given = {key.lower(): value for key, value in values.items() if value != ""}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise BadSettings(_told(prefix, error)) from None
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


def _told(prefix: str, error: ValidationError) -> str:
    """Return the first thing that is wrong, in one line without any value."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = first["loc"][0] if first["loc"] else first.get("ctx", {}).get("setting", "")
    named = f"{prefix}{str(field).upper()}"
    match first["type"]:
        case "missing":
            return f"{named} is missing"
        case "extra_forbidden":
            return f"{named} is no setting of Telegram"
        case _:
            return f"{named}: {first['msg']}"
