"""The settings of one web chat."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from channels.webchat.limits import SOCKETS
from domain.errors import BadSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_TAKEN = {"media", "static", "ws"}
_SOURCE = re.compile(
    r"'self'|'none'|https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?"
)


class Settings(BaseModel):
    """``frame_ancestors``: who may embed the page, as in the header of that name: ``'self'``, ``'none'`` or origins.

    ``sockets``: how many may be open altogether. Rates: as in Limits; 0, no limit, is the default, as only our own server
    is between us and the visitor.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frame_ancestors: str = "'self'"
    sockets: int = Field(default=SOCKETS, ge=1)
    rate_per_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    chat_rate_per_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    group_rate_per_min: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @field_validator("frame_ancestors")
    @classmethod
    def _origins_only(cls, value: str) -> str:
        sources = value.split()
        if not sources or not all(_SOURCE.fullmatch(source) for source in sources):
            raise ValueError(
                "must be 'self', 'none' or origins such as https://shop.example, with blanks between"
            )
        return " ".join(sources)


def read(name: str, settings: Mapping[str, str]) -> Settings:
    """Return the settings of the account called ``name``. Raises BadSettings, naming the setting, never its value."""
    prefix = "SIYU_WEBCHAT__" if name == "main" else f"SIYU_WEBCHAT__{name.upper()}__"
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise BadSettings(
            "{prefix}...: an account's name is letters and digits, and none of {taken}",
            prefix=prefix,
            taken=sorted(_TAKEN),
        )
    try:
        return Settings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        setting = "__".join(str(part) for part in first["loc"]).upper()
        raise BadSettings(
            "{prefix}{setting}: {what}",
            prefix=prefix,
            setting=setting,
            what=first["msg"].removeprefix("Value error, "),
        ) from None
