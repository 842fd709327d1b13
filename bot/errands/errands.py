"""Codes that tell where people come from, and the account's menu."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bot.errands.hands import Hands
from bot.errands.menu_file import faults_of, read, written
from bot.operations.said import Exit, Operation, Said
from bot.settings import MAIN
from bot.texts import told
from channels.channel import Adapter, Button, ButtonLimits, Buttons, SourceCode
from channels.download import Downloads
from domain.errors import PermanentFailure, Rejected
from domain.policies.sources import LONGEST_SOURCE, coded

DAY_S: Final = 24 * 3_600
PICTURE_BYTES: Final = 1024 * 1024


class Errands:
    """Each operation yields lines (bot/operations.py). ``downloads``: fetches pictures of codes."""

    def __init__(self, hands: Hands, downloads: Downloads | None = None) -> None:
        self._hands, self._downloads = hands, downloads or Downloads()

    def operations(self) -> Mapping[str, Operation]:
        """Return what the command line may ask for."""
        return {
            "qr": self.qr,
            "menu-show": self.menu_show,
            "menu-set": self.menu_set,
            "menu-delete": self.menu_delete,
        }

    def qr(
        self,
        _house: object,
        name: str,
        channel: str = "wechat",
        account: str = MAIN,
        days: int | None = None,
        out: str = "",
    ) -> Said:
        """Make a code: whoever comes by it arrives with its name as their source. ``out``: a new file for the picture."""
        source = coded(name)
        if source is None:
            raise Rejected(
                "{name!r} cannot be a source: take at most {most} of a-z, 0-9, - and _, and no long numbers",
                name=name[:LONGEST_SOURCE],
                most=LONGEST_SOURCE,
            )
        file = _new_file(out) if out else None  # before a code is made: they are counted

        async def make(adapter: Adapter) -> tuple[SourceCode, bytes | None]:
            if adapter.codes is None:
                raise Rejected("{channel} has no codes by which people come", channel=channel)
            code = await adapter.codes.make(source, None if days is None else days * DAY_S)
            fetched = file is not None and code.image is not None
            return code, await self._picture(code.image or "") if fetched else None

        code, picture = self._hands(channel, account, make)
        yield code.url
        yield told("Whoever comes by it arrives with the source {source}.", source=source)
        if code.lives_s is not None:
            yield told("It ends after {days} days.", days=code.lives_s // DAY_S)
        if code.image is not None and file is None:
            yield told("A picture of it: {address}", address=code.image)
        if file is not None and picture is not None:
            file.write_bytes(picture)
            yield told("The picture is in {file}.", file=file)
        elif file is not None:
            yield told("There is no picture of it to be had: make one of the address above.")
            yield Exit(1)

    async def _picture(self, address: str) -> bytes:
        """Raises SendFailed."""
        async with self._downloads.open(address, PICTURE_BYTES) as arriving:
            if not arriving.content_type.startswith("image/"):
                raise PermanentFailure("no-picture")
            return b"".join([chunk async for chunk in arriving.chunks])

    def menu_show(self, _house: object, channel: str = "wechat", account: str = MAIN) -> Said:
        """Print the menu, as a file that ``set`` takes."""

        async def shown(adapter: Adapter) -> list[Button]:
            return list(await _menu_of(adapter).shown())

        buttons = self._hands(channel, account, shown)
        yield from written(buttons) if buttons else iter([told("There is no menu.")])

    def menu_set(self, _house: object, text: str, channel: str = "wechat", account: str = MAIN) -> Said:
        """Show the menu that a file describes; where something in it is wrong, say in which line, and change nothing."""

        async def limits(adapter: Adapter) -> ButtonLimits:
            return _menu_of(adapter).limits

        faults = faults_of(text, self._hands(channel, account, limits))
        if faults:
            for line, fault in faults:
                yield told("line {line}: {fault}", line=line, fault=fault)
            yield Exit(2)
            return
        buttons = read(text)

        async def show(adapter: Adapter) -> None:
            await _menu_of(adapter).show(buttons)

        self._hands(channel, account, show)
        yield told("The menu is set. Phones show it within five minutes, or when they open the account anew.")

    def menu_delete(self, _house: object, channel: str = "wechat", account: str = MAIN) -> Said:
        """Take the menu away."""

        async def show(adapter: Adapter) -> None:
            await _menu_of(adapter).show(())

        self._hands(channel, account, show)
        yield told("The menu is gone. Phones notice within five minutes, or when they open the account anew.")


def _menu_of(adapter: Adapter) -> Buttons:
    if adapter.buttons is None:
        raise Rejected("{channel} has no menu of buttons", channel=adapter.channel)
    return adapter.buttons


def _new_file(name: str) -> Path:
    file = Path(name)
    if file.exists():
        raise Rejected("{file} exists already: name another file", file=file)
    if not file.parent.is_dir():
        raise Rejected("there is no folder {folder}: make it first", folder=file.parent)
    return file
