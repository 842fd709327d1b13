"""``siyu qr`` and ``siyu menu``."""

from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from bot.settings import MAIN

LONGEST_LIFE_DAYS = 30
Account = Annotated[str, typer.Option(help="what the account is called in the settings")]


class Perform(Protocol):
    """Has an operation carried out by the Siyu that runs, or here."""

    def __call__(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
        """Return the exit code."""
        ...


def add(cli: typer.Typer, perform: Perform) -> None:
    """Add them to the command line."""

    @cli.command()
    def qr(
        name: Annotated[str, typer.Argument(help="the source of whoever comes by it, such as door-2")],
        channel: Annotated[str, typer.Option(help="telegram or wechat")] = "wechat",
        account: Account = MAIN,
        days: Annotated[
            int | None,
            typer.Option(
                help="how long it lives; left out: for ever (WeChat: 100,000 such codes)",
                min=1,
                max=LONGEST_LIFE_DAYS,
            ),
        ] = None,
        out: Annotated[
            Path | None, typer.Option(help="a new file for the picture: WeChat's is a JPEG")
        ] = None,
    ) -> int:
        """Make a code or link that tells by which of them somebody came."""
        file = "" if out is None else str(out.absolute())
        return perform("qr", name=name, channel=channel, account=account, days=days, out=file)

    menu = typer.Typer(help="The menu of an Official Account.", no_args_is_help=True)
    cli.add_typer(menu, name="menu")

    @menu.command()
    def show(account: Account = MAIN) -> int:
        """Print the menu, as a file that can be set again."""
        return perform("menu-show", account=account)

    @menu.command("set")
    def set_(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="a TOML file")],
        account: Account = MAIN,
    ) -> int:
        """Show the buttons of a file instead of the menu of before."""
        return perform("menu-set", text=file.read_bytes().decode("utf8", "replace"), account=account)

    @menu.command()
    def delete(account: Account = MAIN) -> int:
        """Take the menu away."""
        return perform("menu-delete", account=account)
