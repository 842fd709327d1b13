"""Which systems are told of what: ``SIYU_HOOKS__<NAME>__URL`` and so on."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from yarl import URL

from bot.settings import PREFIX, accounts_of
from channels.download import is_public
from domain.errors import BadSettings
from domain.identity import Slug
from domain.registry import EVENT_TYPES

ALL: Final = "*"
KNOWN: Final = frozenset(slug.partition("/")[0] for slug in EVENT_TYPES)
TOLD_UNLESS_SAID: Final = (
    "message-received, customer-created, customer-named, customer-tagged, customer-untagged, customer-merged, customer-unmerged, "
    "contact-linked, contact-blocked, contact-unblocked, contact-forgotten, customer-forgotten, consent-granted, consent-withdrawn, "
    "delivery-accepted, delivery-confirmed, delivery-rejected, delivery-expired, delivery-suppressed, delivery-unknown, "
    "campaign-started, campaign-finished, order-placed, order-matched, order-paid, order-refunded, goal-reached, coupon-redeemed"
)
"""What a shop's other systems ask for most; whoever was forgotten is among it, so that they can forget too."""
SHORTEST_SECRET: Final = 16
_NAME: Final = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class HookSettings:
    """One hook. ``events``: slugs without their version; empty: all. ``private``: its address may lie inside our own network."""

    name: Slug
    url: URL
    secret: bytes
    events: frozenset[str]
    private: bool

    def wants(self, type_: str) -> bool:
        """Whether an event of this type, such as ``order-paid/1``, is told."""
        return not self.events or type_.partition("/")[0] in self.events

    def __repr__(self) -> str:
        """Show neither the secret nor the path: either may let somebody in."""
        return f"HookSettings({self.name!r}, {self.url.host!r})"


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str
    secret: str = Field(repr=False)
    events: str = TOLD_UNLESS_SAID
    allow_private: bool = False

    @field_validator("secret")
    @classmethod
    def _long(cls, value: str) -> str:
        if len(value) < SHORTEST_SECRET:
            raise ValueError(f"write at least {SHORTEST_SECRET} characters that nobody can guess")
        return value

    @field_validator("events")
    @classmethod
    def _events_known(cls, value: str) -> str:
        named = _listed(value)
        if not named:
            raise ValueError("name events, such as order-paid, or * for all of them")
        unknown = min(named - KNOWN - {ALL}, default=None)
        if unknown is not None:
            raise ValueError("one of these is no event: write slugs such as order-paid, or *")
        return value

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "_Said":
        try:
            url = URL(self.url)
        except ValueError:
            raise ValueError("__URL: this is no address: write it as https://crm.example/siyu") from None
        schemes = {"https", "http"} if self.allow_private else {"https"}
        if url.scheme not in schemes or not url.raw_host:
            raise ValueError("__URL: write it as https://crm.example/siyu; http:// only with ALLOW_PRIVATE")
        if url.user or url.password:
            raise ValueError("__URL: leave name and password out: what is told is signed")
        if not self.allow_private and _is_address(url.raw_host) and not is_public(url.raw_host):
            raise ValueError("__URL: this address is inside your own network: that needs ALLOW_PRIVATE=true")
        return self


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _listed(value: str) -> set[str]:
    return {item.strip() for item in value.split(",") if item.strip()}


def hooks_of(variables: Mapping[str, str]) -> tuple[HookSettings, ...]:
    """Return every hook that is configured, by name. Raises BadSettings, naming the variable and never its value."""
    found = accounts_of("hooks", {key: value for key, value in variables.items() if value})
    return tuple(_hook(name, said) for name, said in sorted(found.items()))


def _hook(name: str, said: Mapping[str, str]) -> HookSettings:
    where = f"{PREFIX}HOOKS__{name.upper()}"
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise BadSettings(
            "{where}: a hook's name is of a-z, 0-9, - and _, {most} at most", where=where, most=LONGEST_NAME
        )
    try:
        read = _Said.model_validate(said)
    except ValidationError as error:
        raise _complaint(error, where) from None
    named = _listed(read.events)
    return HookSettings(
        name=Slug(name),
        url=URL(read.url),
        secret=read.secret.encode(),
        events=frozenset() if ALL in named else frozenset(named),
        private=read.allow_private,
    )


def _complaint(error: ValidationError, where: str) -> BadSettings:
    lines = []
    for item in error.errors():
        said = item["msg"].removeprefix("Value error, ")
        if item["type"] == "missing":
            said = "is missing"
        if item["type"] == "extra_forbidden":
            said = "there is no such setting: a hook has URL, SECRET, EVENTS and ALLOW_PRIVATE"
        place = f"__{str(item['loc'][0]).upper()}: " if item["loc"] else ""
        lines.append(f"{where}{place}{said}")
    return BadSettings("; ".join(lines))
