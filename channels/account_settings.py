"""What the settings of every provider's account have: an address, rates, and how they are read and complained of."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from domain.errors import BadSettings

MAX_RATE_PER_S: Final = 1_000.0
"""Telegram's with paid broadcasts: core.telegram.org/bots/faq#how-can-i-message-all-of-my-bot-39s-subscribers-at-once."""
Rate = Annotated[float, Field(ge=0, le=MAX_RATE_PER_S, allow_inf_nan=False)]
"""Messages in a time; 0: no limit."""


def wrong(text: str) -> PydanticCustomError:
    """Return what a validator raises."""
    return PydanticCustomError("setting", "{text}", {"text": text})


class AccountSettings(BaseModel):
    """One account at a provider. ``api_base``: the root of its API, without a slash at its end."""

    PROVIDER: ClassVar[str]
    API_BASE: ClassVar[str]
    """The provider's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_base: str
    rate_per_s: Rate
    chat_rate_per_s: Rate
    group_rate_per_min: Rate

    @field_validator("api_base")
    @classmethod
    def _is_address(cls, base: str) -> str:
        try:
            parts = urlsplit(base)
            known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            known = False
        # Braces would be taken for the places of token and method.
        if not known or set(base) & set("{}?#@ "):
            raise wrong(f"must be an http or https address such as {cls.API_BASE}")
        return base.rstrip("/")

    @model_validator(mode="after")
    def _unpaced_only_elsewhere(self) -> Self:
        for name in ("rate_per_s", "chat_rate_per_s", "group_rate_per_min"):
            unpaced = getattr(self, name) == 0 and type(self).model_fields[name].default != 0
            if unpaced and self.api_base == self.API_BASE:
                told = f"0 (no limit) needs another API_BASE than {self.PROVIDER}'s"
                raise PydanticCustomError("unpaced", "{text}", {"text": told, "setting": name})
        return self


S = TypeVar("S", bound=AccountSettings)


def setting(channel: str, account: str, key: str) -> str:
    """Return what a setting of an account is called in the environment."""
    named = "" if account == "main" else f"{account.upper()}__"
    return f"SIYU_{channel.upper()}__{named}{key}"


def read(kind: type[S], channel: str, account: str, values: Mapping[str, str]) -> S:
    """Return the settings of an account. Raises BadSettings naming the setting, never its value."""
    given = {key.lower(): value for key, value in values.items() if value != ""}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _complaint(kind, setting(channel, account, ""), error) from None


def _complaint(kind: type[AccountSettings], prefix: str, error: ValidationError) -> BadSettings:
    """Return the first thing that is wrong, in one line without any value."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = first["loc"][0] if first["loc"] else first.get("ctx", {}).get("setting", "")
    named = f"{prefix}{str(field).upper()}"
    match first["type"]:
        case "missing":
            return BadSettings("{setting} is missing", setting=named)
        case "extra_forbidden":
            return BadSettings("{setting} is no setting of {provider}", setting=named, provider=kind.PROVIDER)
        case _:
            return BadSettings("{setting}: {fault}", setting=named, fault=first["msg"])
