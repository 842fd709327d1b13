"""Experiments: who gets which text of a campaign, who gets nothing, who goes first.

Drawn by a keyed hash of (campaign, what for, customer), so that the same person is drawn alike whenever it is asked again, and nobody can
guess it from their number.
"""

from collections.abc import Sequence

from domain.identity import Digest

POSSIBLE = 1 << 128
"""A keyed hash is one of so many (domain/identity.py cuts it to 128 bits)."""
WHOLE = 100
"""Per cent."""


def point(digest: Digest) -> float:
    """Return where a keyed hash lies, in [0, 1): evenly spread over those who are drawn."""
    return min(int(digest, 16) / POSSIBLE, 1 - 2**-53)  # the highest ones would be rounded up to 1


def held_out(digest: Digest, percent: float) -> bool:
    """Whether somebody is among the ``percent`` of a hundred who get nothing, to compare with."""
    return point(digest) < percent / WHOLE


def drawn(digest: Digest, weights: Sequence[int]) -> int:
    """Return which of the arms somebody falls into, by its place; each as often as its weight says. Weights: at least one above zero."""
    left = point(digest) * sum(weights)
    for place, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return place
    return max(
        place for place, weight in enumerate(weights) if weight
    )  # what a sum of fractions may leave over
