"""Errands: what the command line has a provider do."""

from bot.errands.errands import Errands
from bot.errands.hands import alone, at_work

__all__ = ["Errands", "alone", "at_work"]
