"""How those fared who got a campaign first: read from the views, judged by domain/campaigns/canary.py."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.identity import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFigures:
    """Deliveries of a run. ``open``: planned or started; ``failed``: the provider refused them; ``opted_out``: people, after theirs left.

    ``last_sent``: when the newest of them left, None where none did. Those that the gate left out are in ``planned`` only.
    """

    planned: int = 0
    open: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    opted_out: int = 0
    last_sent: datetime | None = None


class Canaries(Protocol):
    """Reads the views. Synchronous."""

    def figures(self, run: RunId) -> CanaryFigures:
        """Return how the deliveries fare that a run has so far; zeros for a run nobody knows."""
        ...


@dataclass(slots=True)
class MemoryCanaries:
    """Figures that somebody filled in."""

    known: dict[RunId, CanaryFigures] = field(default_factory=dict)

    def figures(self, run: RunId) -> CanaryFigures:
        """See Canaries."""
        return self.known.get(run, CanaryFigures())
