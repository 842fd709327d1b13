"""Phone numbers as people write them, in the one form that can be compared: E.164."""

from collections.abc import Callable

import phonenumbers

from domain.policies.text import normalised

COUNTRIES = {"cn": "CN"}
"""The country of a number without one, by region; elsewhere a number has to begin with +."""
LONGEST = 40


def dialling(region: str) -> Callable[[str], str | None]:
    """Return what makes E.164 of a number, for an installation of this region; None for what is no possible number."""
    country = COUNTRIES.get(region)

    def dialled(said: str) -> str | None:
        try:
            number = phonenumbers.parse(normalised(said)[:LONGEST], country)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_valid_number(number):
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return dialled
