"""Where the log is relayed to, and what of it: ``SIYU_RELAY__URL`` and so on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from yarl import URL

from bot.settings import MAIN, PREFIX, accounts_of
from domain.errors import BadSettings
from domain.registry import EVENT_TYPES

ALL: Final = "*"
KNOWN: Final = frozenset(slug.partition("/")[0] for slug in EVENT_TYPES)
SCHEMES: Final = frozenset({"nats", "tls", "amqp", "amqps"})
"""``tls`` is NATS over TLS, as its own clients write it."""
SUBJECT: Final = "siyu"
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
LONGEST_SUBJECT: Final = 64
WHERE: Final = f"{PREFIX}RELAY"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """``subject``: the first part of every subject. ``events``: slugs without their version, those that are told; None: all.

    ``personal``: those whose personal fields leave in clear; None: of all.
    """

    url: URL
    subject: str
    events: frozenset[str] | None
    personal: frozenset[str] | None

    def wants(self, type_: str) -> bool:
        """Whether an event of this type, such as ``order-paid/1``, is told."""
        return self.events is None or type_.partition("/")[0] in self.events

    def shows(self, type_: str) -> bool:
        """Whether what is personal in an event of this type is told."""
        return self.personal is None or type_.partition("/")[0] in self.personal

    @property
    def address(self) -> str:
        """The broker, without what lets somebody in."""
        return f"{self.url.scheme}://{self.url.host}" + (f":{self.url.explicit_port or ''}").removesuffix(":")

    def __repr__(self) -> str:
        """Show neither name nor password."""
        return f"RelaySettings({self.address!r}, {self.subject!r})"


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str = Field(repr=False)
    subject: str = SUBJECT
    events: str = ALL
    personal: str = ""

    @field_validator("url")
    @classmethod
    def _leads_to_a_broker(cls, value: str) -> str:
        try:
            url = URL(value)
        except ValueError:
            raise ValueError("this is no address: write it as nats://host:4222 or amqp://host/") from None
        if url.scheme == "kafka":
            raise ValueError("Kafka is not among what the relay speaks: NATS JetStream and RabbitMQ are")
        if url.scheme not in SCHEMES or not url.raw_host:
            raise ValueError("write it as nats://host:4222 (NATS JetStream) or amqp://host/ (RabbitMQ)")
        return value

    @field_validator("subject")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not _SUBJECT.fullmatch(value) or len(value) > LONGEST_SUBJECT:
            raise ValueError(f"write letters, digits, - and _, with dots between, {LONGEST_SUBJECT} at most")
        return value

    @field_validator("events", "personal")
    @classmethod
    def _known(cls, value: str) -> str:
        if _listed(value) - KNOWN - {ALL}:
            raise ValueError("one of these is no event: write slugs such as order-paid, or *")
        return value

    @field_validator("events")
    @classmethod
    def _some(cls, value: str) -> str:
        if not _listed(value):
            raise ValueError("name events, such as order-paid, or * for all of them")
        return value


def _listed(value: str) -> frozenset[str]:
    return frozenset(item.strip() for item in value.split(",") if item.strip())


def _chosen(value: str) -> frozenset[str] | None:
    named = _listed(value)
    return None if ALL in named else named


def relay_of(variables: Mapping[str, str]) -> RelaySettings | None:
    """Return where the log is relayed to; None where nothing says so. Raises BadSettings, naming the variable and never its value."""
    found = accounts_of("relay", {key: value for key, value in variables.items() if value})
    said = found.pop(MAIN, None)
    if found:
        raise BadSettings(
            "{where}: there is one relay, and it has no name", where=f"{WHERE}__{_first(found)}"
        )
    if said is None:
        return None
    try:
        read = _Said.model_validate(said)
    except ValidationError as error:
        raise _complaint(error) from None
    return RelaySettings(URL(read.url), read.subject, _chosen(read.events), _chosen(read.personal))


def _first(names: Mapping[str, object]) -> str:
    return min(names).upper()


def _complaint(error: ValidationError) -> BadSettings:
    lines = []
    for item in error.errors():
        said = item["msg"].removeprefix("Value error, ")
        if item["type"] == "missing":
            said = "is missing: write it as nats://host:4222 or amqp://host/"
        if item["type"] == "extra_forbidden":
            said = "there is no such setting: the relay has URL, SUBJECT, EVENTS and PERSONAL"
        lines.append(f"{WHERE}__{str(item['loc'][0]).upper()}: {said}")
    return BadSettings("; ".join(lines))
