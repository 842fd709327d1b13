"""Campaigns on the machine itself: forms that are files, and the same words as in a chat."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bot.campaigns.reading import campaign_id
from bot.campaigns.yaml_text import read_yaml
from bot.commands.campaign import kept, told_of
from bot.commands.command import CLI, Call, Operator
from bot.commands.forms import read_here
from bot.house import House
from bot.ids import fresh_id
from bot.media.types import HEAD_BYTES, kind_shown, safe_name, type_of
from bot.operations.orders import carry_out, do
from bot.operations.said import Exit, Said
from bot.texts import Told, told
from domain.errors import BadInput, PermanentFailure, Rejected
from domain.identity import BRAND, CampaignId, Locale, MediaId
from domain.media.commands import KeepBrandMedia
from domain.media.events import FileKind
from domain.message import Personal
from domain.operators.events import Role

LIST_BYTES: Final = 20 * 1024 * 1024
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""What tables are saved in: the second one by Excel in China."""
DRAFTING: Final = frozenset({"draft", "preview", "test", "plan", "launch"})
"""What is done with a form as it is written now; the others only take the campaign's name from it."""


@dataclass(slots=True)
class FormFiles:
    """bot.campaigns.world.Files beside a form. ``pictures``: those that it names, by what they will be kept under."""

    folder: Path
    house: House
    pictures: dict[MediaId, tuple[Path, bytes]] = field(default_factory=dict)

    def lines(self, name: str) -> Sequence[str]:
        """See Files."""
        whole = self._read(name, LIST_BYTES)
        for encoding in ENCODINGS:
            try:
                return whole.decode(encoding).splitlines()
            except UnicodeDecodeError:
                continue
        raise Rejected("{file} is no text: save the table as CSV", file=name)

    def picture(self, name: str) -> MediaId:
        """See Files."""
        whole = self._read(name, self.house.settings.media.max_bytes)
        try:
            kind = kind_shown(type_of(whole[:HEAD_BYTES]))
        except PermanentFailure:
            kind = FileKind.DOCUMENT
        if kind is not FileKind.PHOTO:
            raise Rejected("{file} is no picture: JPEG, PNG, GIF and WebP are", file=name)
        media = MediaId(self.house.digest("brand-media", hashlib.sha256(whole).hexdigest()))
        self.pictures[media] = (self.folder / name, whole)
        return media

    def keep(self) -> list[KeepBrandMedia]:
        """Put the pictures into the media store, and return what notes that. Raises StoreUnavailable."""
        commands = []
        for media, (path, whole) in self.pictures.items():
            type_ = type_of(whole[:HEAD_BYTES])
            kind = kind_shown(type_)
            size = asyncio.run(self.house.media.keep(media, BRAND, _chunks(whole)))
            name = Personal(safe_name(path.name, type_, kind))
            commands.append(KeepBrandMedia(media=media, kind=kind, content_type=type_, size=size, name=name))
        return commands

    def _read(self, name: str, most_bytes: int) -> bytes:
        path = self.folder / name
        try:
            size = path.stat().st_size
            if size > most_bytes:
                raise Rejected("{file} has more than {most} bytes", file=name, most=most_bytes)
            return path.read_bytes()
        except OSError as error:
            raise Rejected("{file} cannot be read: {why}", file=name, why=error.strerror or "") from None


async def _chunks(whole: bytes) -> AsyncIterator[bytes]:
    yield whole


def campaign(
    house: House,
    verb: str,
    what: str = "",
    file: str = "",
    rest: str = "",
    *,
    yes: bool = False,
    locale: Locale | None = None,
) -> Said:
    """Do with a campaign what ``/campaign VERB`` does. ``file``: its form, which is written down first where that matters."""
    house.catch_up()
    if file and verb == "validate":
        yield from _validate(house, Path(file), locale)
        return
    if file and verb in DRAFTING:
        drafted = yield from _draft(house, Path(file), locale, says=verb == "draft")
        if drafted is None or verb == "draft":
            return
        what = drafted
    elif file:
        what = campaign_id(house.digest, str(read_yaml(_text(Path(file)))[0].get("name", "")))
    yield from do(house, f"/campaign {verb} {what} {rest}".rstrip(), yes=yes, locale=locale)


def _call(house: House, form: Path, locale: Locale | None) -> Call:
    request = house.digest("command", "cli", fresh_id())
    operator = Operator(CLI, Role.OWNER, locale=locale)
    return Call(
        operator=operator,
        name="campaign",
        rest="",
        line=f"/campaign draft {form.name}",
        request=request,
        order=request,
        now=house.clock(),
        office=house.office,
    )


def _text(form: Path) -> str:
    try:
        return form.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("{file} is no UTF-8", file=form.name) from None


def _validate(house: House, form: Path, locale: Locale | None) -> Said:
    call = _call(house, form, locale)
    files = FormFiles(form.parent, house)
    read = read_here(_text(form), house.office, call.now, call.say, CLI, files)
    yield from told_of(call, read)
    if read.draft is None:
        yield Exit(2)
    else:
        yield told("This form is fine.")


def _draft(
    house: House, form: Path, locale: Locale | None, *, says: bool
) -> Generator["str | Told | Exit", None, CampaignId | None]:
    """Write the form down where that changes anything; returns the campaign's id, None where it cannot be."""
    call = _call(house, form, locale)
    files = FormFiles(form.parent, house)
    read = read_here(_text(form), house.office, call.now, call.say, CLI, files)
    reply = kept(call, read)
    if read.draft is not None and reply.commands:
        reply = replace(reply, commands=(*files.keep(), *reply.commands))
    if says or reply.commands or read.draft is None:
        yield from carry_out(
            house, call.line, replace(reply, command="campaign"), call.request, call.now, locale
        )
    house.catch_up()
    return None if read.draft is None else read.draft.campaign
