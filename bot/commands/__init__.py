"""Operator commands: the same words in Telegram, in other channels, and by ``siyu do``."""
