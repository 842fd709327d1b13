"""Every text people see, through gettext: English in the code, Chinese in ``bot/locale/zh/LC_MESSAGES/siyu.po``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from domain.errors import SiyuError
from domain.identity import Locale

LOCALES = ("en", "zh")
TERMINAL_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
FOLDER = Path(__file__).parent / "locale"


@cache
def _catalogue(language: str) -> NullTranslations:
    file = FOLDER / language / "LC_MESSAGES" / "siyu.po"
    if not file.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@dataclass(frozen=True, slots=True)
class Told:
    """A line for somebody whose language is known only where it is shown: English with places, and the values for them."""

    text: str
    values: Mapping[str, object]


def told(text: str, /, **values: object) -> Told:
    """Mark one of our texts, to be shown by ``Texts.shown``."""
    return Told(text, values)


def terminal_locale(variables: Mapping[str, str]) -> Locale:
    """Return the language of a terminal, as its environment says; English where it says nothing that we speak."""
    chosen = next((variables[name] for name in TERMINAL_VARIABLES if variables.get(name)), "")
    spoken = chosen[:2].lower()
    return Locale(spoken if spoken in LOCALES else "en")


class Texts:
    """Translates, into a customer's or operator's language where we have it, otherwise into the installation's."""

    def __init__(self, locale: str) -> None:
        self.locale = locale

    def language(self, locale: Locale | None) -> str:
        """Return which of our languages serves a locale such as ``zh-hans`` or ``pt-BR``."""
        spoken = (locale or self.locale).replace("_", "-").partition("-")[0].lower()
        if spoken in LOCALES:
            return spoken
        return self.locale if self.locale in LOCALES else LOCALES[0]

    def shown(self, line: Told | str, locale: Locale | None = None) -> str:
        """Return a line as it is shown, lines within it too; what is no text of ours stays as it is."""
        if isinstance(line, str):
            return line
        values = {
            key: self.shown(value, locale) if isinstance(value, Told) else value
            for key, value in line.values.items()
        }
        return self.say(line.text, locale).format(**values) if values else self.say(line.text, locale)

    def told(self, error: SiyuError, locale: Locale | None = None) -> str:
        """Return what an error says, in a language."""
        return error.told(lambda text: self.say(text, locale))

    def say(self, text: str, locale: Locale | None = None) -> str:
        """Return one of our texts (English, as written in the code) in a language."""
        return _catalogue(self.language(locale)).gettext(text)
