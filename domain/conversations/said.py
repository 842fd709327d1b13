"""What somebody said: in words of their own, or by a button that says something for them."""

from typing import Final

from domain.conversations.events import ButtonPressed, MessageReceived

SAYS: Final = "say:"
"""Before what a button says. A press is not trusted: whoever forges one can do no more than say it, which everybody may."""


def said(event: MessageReceived | ButtonPressed) -> str | None:
    """Return the words; None for a button that says nothing. In groups only messages count: a menu is pressed in private."""
    if isinstance(event, MessageReceived):
        return event.text.value
    data = event.data.value
    if event.group is not None or not data.startswith(SAYS):
        return None
    return data.removeprefix(SAYS).strip() or None
