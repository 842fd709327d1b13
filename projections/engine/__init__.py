"""What keeps the views up to date: the store, the projector that folds the log into it, and the check against a rebuilt one."""

from projections.engine.positions import Parked, ViewPosition, parked, positions
from projections.engine.projector import BATCH, Projector
from projections.engine.store import Views
from projections.engine.verify import Difference, verify

__all__ = [
    "BATCH",
    "Difference",
    "Parked",
    "Projector",
    "ViewPosition",
    "Views",
    "parked",
    "positions",
    "verify",
]
