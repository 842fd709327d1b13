"""The form of a campaign: its keys, as ``docs/campaign.schema.json`` tells editors of them. What they mean is judged in meaning.py."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

LONGEST_NAME = 80
MOST_BUTTONS = 20
MOST_VARIANTS = 10


def _written(value: object) -> object:
    """``name: 618`` is a name."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if plain else value


def _several(value: object) -> object:
    """``tags: vip`` is a list of one."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _rows(value: object) -> object:
    """Buttons without rows have a row each."""
    if isinstance(value, list):
        return [[row] if isinstance(row, dict) else row for row in value]
    return value


Text = Annotated[str, BeforeValidator(_written)]
Words = Annotated[list[Text], BeforeValidator(_several)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AudienceForm(_Part):
    """Whom it means: exactly one of ``all``, ``tags``, ``list``, ``customers`` and ``groups``."""

    all: Literal[True] | None = Field(default=None, description="everybody who can be reached")
    tags: Words | None = Field(default=None, description="customers with all of these tags")
    without: Words = Field(default=[], description="but none of these tags")
    list: Text | None = Field(
        default=None, description="a CSV file beside the form: numbers, ids, channel:id or phones"
    )
    customers: Words | None = Field(default=None, description="these customers, written as #1042")
    groups: Words | None = Field(default=None, description="these groups")


class WhenForm(_Part):
    """When it goes out again and again: exactly one of ``every``, ``cron`` and ``on``."""

    every: Text | None = Field(default=None, description="“mon 10:00”, “daily 9:30”, 每月1号10点")
    cron: Text | None = Field(default=None, description="five fields: minute hour day month weekday")
    on: Text | None = Field(
        default=None, description="birthday, member-anniversary, or a day of each year as 06-18"
    )
    at: Text | None = Field(default=None, description="with on: the time of day")
    days: int = Field(default=0, ge=-180, le=180, description="with on: so many days later, or earlier")


class CanaryForm(_Part):
    """How many go first, how long it waits then, and what stops it."""

    percent: float = Field(default=1.0, gt=0, le=50, strict=False)
    at_least: int = Field(default=20, ge=1, le=10_000)
    wait: Text = "10m"
    failures: float = Field(default=10.0, gt=0, le=100, strict=False, description="per cent that stop it")
    opt_outs: float = Field(default=3.0, gt=0, le=100, strict=False, description="per cent that stop it")


class GoalForm(_Part):
    """What counts as success."""

    goal: Text = "order"
    days: int = Field(default=7, ge=1, le=90)


class ButtonForm(_Part):
    """Below the text: opens an address, or says something for whoever presses it."""

    label: Text
    url: Text | None = None
    says: Text | None = None


Buttons = Annotated[list[list[ButtonForm]], BeforeValidator(_rows)]


class CardForm(_Part):
    """A link with a title and a picture."""

    title: Text
    url: Text
    description: Text = ""
    image: Text | None = None


class ProviderForm(_Part):
    """A template that WeChat approved: its id there, and its fields."""

    id: Text
    fields: dict[str, Text] = {}
    url: Text | None = None


class SaidForm(_Part):
    """What it says. Each part that is left out is taken from the more general content."""

    text: Text | None = None
    buttons: Buttons | None = None
    image: Text | None = Field(default=None, description="a picture's file, beside the form")
    card: CardForm | None = None
    template: ProviderForm | None = Field(default=None, description="WeChat's template message")
    subscription: ProviderForm | None = Field(default=None, description="WeChat's subscribe message")


class ChannelForm(SaidForm):
    """What it says on one channel."""

    languages: dict[str, SaidForm] = {}


class ContentForm(ChannelForm):
    """What it says, and what instead on one channel or in one language."""

    channels: dict[str, ChannelForm] = {}


class VariantForm(ContentForm):
    """One of several texts that are compared."""

    name: Text
    weight: int = Field(default=1, le=1_000_000)


class CampaignForm(_Part):
    """A campaign. Times are written as people say them."""

    name: Text | None = Field(default=None, description="who corrects a campaign writes the same name again")
    audience: AudienceForm | None = None
    when: Text | WhenForm | None = Field(
        default=None, description="now, a time such as “2026-12-01 10:00”, or how it recurs"
    )
    until: Text | None = Field(default=None, description="nothing begins after it")
    zone: Text | None = Field(default=None, description="as Asia/Shanghai; left out: the installation's")
    local: bool = Field(default=False, description="at that time of each recipient's own zone")
    over: Text | None = Field(default=None, description="spread over so long, as 2h")
    expires: Text = Field(
        default="24h", description="what could not go out so long after its time is left out"
    )
    topic: Text = "marketing"
    priority: int = Field(default=5, ge=1, le=9)
    reactivation: bool = Field(default=False, description="also for people who were silent for half a year")
    holdout: int = Field(default=0, ge=0, le=90, description="per cent that get nothing, to compare with")
    canary: bool | CanaryForm = True
    goal: Text | GoalForm | None = None
    codes: Text | None = Field(default=None, description="the pool whose codes it hands out: {{ code }}")
    routes: Words = Field(
        default=[], description="service, subscribe, template, mass: the preferred one first"
    )
    content: ContentForm | None = None
    variants: list[VariantForm] = []


NEEDED = ("name", "audience", "when")
"""And ``content``, or variants that have all of it."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the form."""
    made = CampaignForm.model_json_schema()
    made |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Campaign"}
    return made | {"required": list(NEEDED), "anyOf": [{"required": ["content"]}, {"required": ["variants"]}]}
