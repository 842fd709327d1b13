"""One recipient's copy of a campaign's text: variables filled in, addresses replaced by their own short ones. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from domain.campaigns.plan import Button, Card, Content, readdressed

Render = Callable[[str, Mapping[str, str]], str]
"""Fill variables into a template. Raises CannotRender."""
Rows = tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """``choices``: rows of (label, what pressing it says); ``links``: rows of (label, address)."""

    text: str
    choices: Rows = ()
    links: Rows = ()
    card: Card | None = None

    @property
    def in_words(self) -> str:
        """The whole of it as text, for where nothing but text can be shown."""
        card = () if self.card is None else (self.card.title, self.card.description, self.card.url)
        links = (f"{label}: {address}" for row in self.links for label, address in row)
        return "\n".join(line for line in (self.text, *card, *links) if line)


def compose(
    content: Content, variables: Mapping[str, str], render: Render, instead: Mapping[str, str]
) -> Copy:
    """Return what one recipient gets. ``instead``: short links of addresses. Raises CannotRender."""

    def rows(wanted: Callable[[Button], str | None]) -> Rows:
        found = (
            tuple((render(button.label, variables), value) for button in row if (value := wanted(button)))
            for row in content.buttons
        )
        return tuple(row for row in found if row)

    card = content.card
    if card is not None:
        card = replace(
            card,
            title=render(card.title, variables),
            description=render(card.description, variables) if card.description else "",
            url=instead.get(card.url, card.url),
        )
    return Copy(
        text=readdressed(render(content.text, variables), instead) if content.text else "",
        choices=rows(lambda button: button.says) if content.buttons else (),
        links=rows(lambda button: instead.get(button.url, button.url) if button.url else None)
        if content.buttons
        else (),
        card=card,
    )
