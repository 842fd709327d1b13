"""A form's values as its model has them. Where some do not fit, the others are judged all the same: everything wrong is told at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from bot.campaigns.faults import Fault
from bot.campaigns.form import CampaignForm
from bot.texts import Told, told

_TYPES: Final = {
    "string_type": told("write a text here"),
    "int_type": told("write a whole number here"),
    "int_from_float": told("write a whole number here"),
    "float_type": told("write a number here"),
    "float_parsing": told("write a number here"),
    "bool_type": told("write true or false here"),
    "literal_error": told("write true here, or leave it out"),
    "list_type": told("write a list here"),
    "dict_type": told("write lines “key: value” here"),
    "model_type": told("write lines “key: value” here"),
    "missing": told("this is missing"),
}
_NO_CAP: Final = told(
    "how many messages somebody gets is no campaign's to say: SIYU_MARKETING__CAP_PER_DAY and __CAP_PER_WEEK are"
)
_CHOICES: Final = {"bool", "str", "CanaryForm", "GoalForm", "WhenForm"}
"""What pydantic puts into a place where several models are possible."""


def shaped(values: Mapping[str, Any]) -> tuple[CampaignForm, list[Fault]]:
    """Return the form, without the keys at its top below which something does not fit, and what does not."""
    kept = dict(values)
    faults: list[Fault] = []
    for _ in range(2):
        try:
            return CampaignForm.model_validate(kept), faults
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults += _faults(found)
            for each in found:
                kept.pop(str(each["loc"][0]) if each["loc"] else "", None)
    raise AssertionError("what did not fit was taken out")


def _faults(errors: Sequence[Any]) -> Iterator[Fault]:
    """Yield one fault a place, the innermost: where two models are possible, pydantic says of each that the values are not the other."""
    placed = {place_of(error["loc"]): error for error in reversed(errors)}
    for place, error in reversed(placed.items()):
        if not any(other.startswith((f"{place}.", f"{place}[")) for other in placed):
            yield Fault(place, _what(error, place))


def place_of(loc: Sequence[str | int]) -> str:
    """Return where it is, as ``variants[2].weight``."""
    place = ""
    for step in loc:
        if isinstance(step, int):
            place += f"[{step + 1}]"
        elif not (step in _CHOICES or "[" in step):
            place += f".{step}" if place else step
    return place


def _what(error: Mapping[str, Any], place: str) -> Told | str:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return _NO_CAP if place in {"cap", "caps"} else told("there is no such key here")
        case "greater_than_equal":
            return told("at least {least}", least=f"{context['ge']:g}")
        case "greater_than":
            return told("more than {least}", least=f"{context['gt']:g}")
        case "less_than_equal":
            return told("at most {most}", most=f"{context['le']:g}")
        case type_:
            return _TYPES.get(type_, str(error["msg"]))
