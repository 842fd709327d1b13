"""Every text people see, through gettext: English in the code, Chinese in ``bot/locale/zh/LC_MESSAGES/siyu.po``."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from domain.identity import Locale

LOCALES = ("en", "zh")
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

    def say(self, text: str, locale: Locale | None = None) -> str:
        """Return one of our texts (English, as written in the code) in a language."""
        return _catalogue(self.language(locale)).gettext(text)
