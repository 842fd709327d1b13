"""What is wrong with a form, and where."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.texts import Told


@dataclass(frozen=True, slots=True)
class Fault:
    """``place``: as ``content.text`` or ``variants[2].weight``; empty for the whole form."""

    place: str
    what: Told | str

    @property
    def line(self) -> Told:
        """The fault in one line."""
        return Told("{place}: {what}" if self.place else "{what}", {"place": self.place, "what": self.what})


def in_words(line: Told | str, say: Callable[[str], str]) -> str:
    """Return a line as it is shown, translated by ``say``; what is no text of ours stays as it is."""
    if isinstance(line, str):
        return line
    values = {name: in_words(v, say) if isinstance(v, Told) else v for name, v in line.values.items()}
    return say(line.text).format(**values) if values else say(line.text)
