"""What a campaign says: each text with what belongs to it, for its variant, channel and language."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

from bot.campaigns.form import (
    MOST_BUTTONS,
    MOST_VARIANTS,
    ButtonForm,
    CampaignForm,
    CardForm,
    ContentForm,
    ProviderForm,
    SaidForm,
)
from bot.campaigns.variables import IN_GROUPS, VARIABLES
from bot.campaigns.world import Notebook, World
from bot.texts import told
from domain.campaigns.plan import (
    CONTROL,
    Arm,
    Button,
    Card,
    Content,
    ProviderTemplate,
    addresses,
    addresses_in,
)
from domain.deliveries.events import HOLDOUT
from domain.errors import Rejected
from domain.identity import MediaId, Slug

S = TypeVar("S", bound=SaidForm)

CODE: Final = "code"
LONGEST_UNITS: Final = 4_096
"""UTF-16 code units of one message: the shortest limit of our channels, so that nothing is cut."""
LONGEST_LABEL: Final = 64
SAYS_BYTES: Final = 64
"""What a button may send back on the narrowest channel."""
LONGEST_URL: Final = 2_000
MOST_ADDRESSES: Final = 200
"""A short link names its address in one byte."""
SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LOCALE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")


class Saying:
    """Reads the contents of one form."""

    def __init__(self, form: CampaignForm, world: World, notebook: Notebook) -> None:
        self._form, self._world, self._notebook = form, world, notebook
        to_groups = form.audience is not None and form.audience.groups is not None
        self._variables = {*(IN_GROUPS if to_groups else VARIABLES), *([CODE] if form.codes else [])}

    def contents(self) -> list[Content]:
        """Return every text there is, the general ones first."""
        form = self._form
        found: list[Content] = []
        if not form.variants:
            base = form.content or ContentForm()
            if form.content is None:
                self._notebook.wrong("content", told("this is missing"))
            else:
                found += self._of_variant(CONTROL, base, base, "content")
        for number, variant in enumerate(form.variants, 1):
            name = Slug(variant.name)
            found += self._of_variant(name, variant, form.content or ContentForm(), f"variants[{number}]")
        if len(addresses(found)) > MOST_ADDRESSES:
            self._notebook.wrong(
                "content", told("at most {most} addresses are possible", most=MOST_ADDRESSES)
            )
        return found

    def arms(self) -> tuple[Arm, ...]:
        """Return the variants with their shares; none where there is one text only."""
        variants = self._form.variants
        if len(variants) > MOST_VARIANTS:
            self._notebook.wrong("variants", told("at most {most}", most=MOST_VARIANTS))
        names = [variant.name for variant in variants]
        for number, variant in enumerate(variants, 1):
            place = f"variants[{number}]"
            if not SLUG.fullmatch(variant.name) or variant.name == HOLDOUT:
                self._notebook.wrong(f"{place}.name", told("a name is of a-z, 0-9 and -; holdout is taken"))
            if names.index(variant.name) < number - 1:
                self._notebook.wrong(f"{place}.name", told("this name is given twice"))
            if variant.weight < 1:
                self._notebook.wrong(f"{place}.weight", told("at least {least}", least=1))
        return tuple(Arm(variant=Slug(variant.name), weight=variant.weight) for variant in variants)

    def _of_variant(self, name: Slug, own: ContentForm, base: ContentForm, place: str) -> Iterator[Content]:
        """Yield the texts of a variant: its own over those of ``content``, the channel's over the general, the language's over both."""
        general = _over(base, own)
        yield self._content(name, general, place, None, None)
        for language, said in _both(base.languages, own.languages):
            where = f"{place}.languages.{language}"
            yield self._content(name, _over(general, *said), where, None, self._locale(language, where))
        for channel, on_channel in _both(base.channels, own.channels):
            where = f"{place}.channels.{channel}"
            if channel not in self._world.channels:
                known = ", ".join(sorted(self._world.channels))
                self._notebook.wrong(where, told("no channel is called so: there are {known}", known=known))
            there = _over(general, *on_channel)
            yield self._content(name, there, where, channel, None)
            languages: dict[str, list[SaidForm]] = {}
            for part in on_channel:
                for language, one in part.languages.items():
                    languages.setdefault(language, []).append(one)
            for language, ones in languages.items():
                below = f"{where}.languages.{language}"
                locale = self._locale(language, below)
                yield self._content(name, _over(there, *ones), below, channel, locale)

    def _locale(self, language: str, place: str) -> str:
        if not _LOCALE.fullmatch(language):
            self._notebook.wrong(place, told("a language is written as zh or en"))
        return language

    def _content(
        self, variant: Slug, said: SaidForm, place: str, channel: str | None, locale: str | None
    ) -> Content:
        text = said.text or ""
        if not (text.strip() or said.image or said.card):
            self._notebook.wrong(place, told("there is nothing to send: write a text"))
        self._template(text, f"{place}.text")
        _check_addresses(text, f"{place}.text", self._notebook)
        rows = said.buttons or []
        if sum(map(len, rows)) > MOST_BUTTONS:
            self._notebook.wrong(f"{place}.buttons", told("at most {most}", most=MOST_BUTTONS))
        return Content(
            text=text,
            variant=variant,
            channel=channel,
            locale=locale,
            buttons=tuple(
                tuple(self._button(button, f"{place}.buttons[{i}]") for button in row)
                for i, row in enumerate(rows, 1)
                if row
            ),
            media=self._picture(said.image, f"{place}.image"),
            card=self._card(said.card, f"{place}.card"),
            template=self._provider(said.template, f"{place}.template"),
            subscription=self._provider(said.subscription, f"{place}.subscription"),
        )

    def _template(self, text: str, place: str, longest: int = LONGEST_UNITS) -> None:
        fault = self._world.fault(text)
        if fault is not None:
            self._notebook.wrong(place, told("this text cannot be filled in: {fault}", fault=fault))
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
        if units > longest:
            what = told("this has {units} characters, {longest} are possible", units=units, longest=longest)
            self._notebook.wrong(place, what)
        for name in sorted(self._world.variables(text) - self._variables):
            if name == CODE:
                what = told("{variable} is filled in where codes names a pool", variable="{{ code }}")
            else:
                known = ", ".join(sorted(self._variables))
                what = told("nothing is known as {name}: there are {known}", name=name, known=known)
            self._notebook.wrong(place, what)

    def _button(self, button: ButtonForm, place: str) -> Button:
        if not button.label.strip():
            self._notebook.wrong(f"{place}.label", told("this is empty"))
        self._template(button.label, f"{place}.label", LONGEST_LABEL)
        if (button.url is None) == (button.says is None):
            self._notebook.wrong(place, told("a button does one thing: url or says"))
        if button.url is not None:
            self._address(button.url, f"{place}.url")
        if button.says is not None and not 1 <= len(button.says.encode("utf8", "replace")) <= SAYS_BYTES:
            what = told("a button says 1 to {most} bytes: a Chinese character has 3", most=SAYS_BYTES)
            self._notebook.wrong(f"{place}.says", what)
        return Button(label=button.label, url=button.url, says=button.says)

    def _card(self, card: CardForm | None, place: str) -> Card | None:
        if card is None:
            return None
        for name in ("title", "description"):
            self._template(getattr(card, name), f"{place}.{name}")
        if not card.title.strip():
            self._notebook.wrong(f"{place}.title", told("this is empty"))
        self._address(card.url, f"{place}.url")
        picture = self._picture(card.image, f"{place}.image")
        return Card(title=card.title, url=card.url, description=card.description, picture=picture)

    def _provider(self, form: ProviderForm | None, place: str) -> ProviderTemplate | None:
        if form is None:
            return None
        if not form.id.strip():
            self._notebook.wrong(f"{place}.id", told("this is empty"))
        for name, text in form.fields.items():
            self._template(text, f"{place}.fields.{name}")
        if form.url is not None:
            self._address(form.url, f"{place}.url")
        return ProviderTemplate(id=form.id, fields=dict(form.fields), url=form.url)

    def _address(self, url: str, place: str) -> None:
        if not _is_address(url):
            self._notebook.wrong(place, told("this is no address such as https://shop.example/new"))

    def _picture(self, name: str | None, place: str) -> MediaId | None:
        if name is None:
            return None
        try:
            return self._world.files.picture(name)
        except Rejected as error:
            self._notebook.wrong(place, told(error.text, **error.values))
            return None


def _is_address(url: str) -> bool:
    """Whether it is a plain http(s) address with a host; of one with braces nobody knows where it leads."""
    if len(url) > LONGEST_URL or any(
        c.isspace() or unicodedata.category(c) == "Cc" or c in "{}<>\"'" for c in url
    ):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_addresses(text: str, place: str, notebook: Notebook) -> None:
    """Whoever goes on without a blank behind an address makes it another one."""
    for address in addresses_in(text):
        behind = text.partition(address)[2][:1]
        if behind and unicodedata.category(behind)[0] == "L":
            notebook.wrong(place, told("write a blank behind {address}", address=address))


def _over(base: SaidForm, *own: SaidForm) -> SaidForm:
    """Return the parts of the later ones, and what they leave out of those before."""
    parts: dict[str, object] = {}
    for said in (base, *own):
        parts |= {name: value for name in SaidForm.model_fields if (value := getattr(said, name)) is not None}
    return SaidForm.model_construct(**parts)  # type: ignore[arg-type]  # taken from models


def _both(base: Mapping[str, S], own: Mapping[str, S]) -> Iterator[tuple[str, Sequence[S]]]:
    for name in dict.fromkeys([*base, *own]):
        yield name, [part[name] for part in ((base,) if base is own else (base, own)) if name in part]
