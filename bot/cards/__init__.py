"""Cards: each operator learns at once that a customer wrote, on the phone they used last, and is spared a flood."""

from bot.cards.driver import Cards

__all__ = ["Cards"]
