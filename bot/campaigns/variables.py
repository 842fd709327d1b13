"""What a text may say about a customer."""

from collections.abc import Mapping
from typing import Final

from projections.people.contacts import Contact
from projections.people.customers import Customer

VARIABLES: Final = frozenset({"brand", "name", "username", "number"})
"""Each may be empty, and then wants a fallback."""
IN_GROUPS: Final = frozenset({"brand"})
"""A group has no name to use."""


def said_of(brand: str, customer: Customer | None, contact: Contact) -> Mapping[str, str]:
    """Return the value of each variable, empty where nothing is known. ``customer``: whose contact it is."""
    if customer is None:
        return variables(brand, name=contact.name, username=contact.username)
    return variables(brand, name=customer.known_as, username=contact.username, number=customer.number)


def variables(brand: str, *, name: str, username: str, number: int | None = None) -> Mapping[str, str]:
    """Return the value of each variable. ``number``: the customer's, None where nobody knows whose contact it is."""
    return {
        "brand": brand,
        "name": name,
        "username": username,
        "number": "" if number is None else f"#{number}",
    }
