"""``siyu campaign``."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from bot.campaigns.form import schema
from bot.campaigns.yaml_text import read_yaml
from bot.texts import terminal_locale

What = Annotated[str, typer.Argument(metavar="FILE|ID", help="a form, or the id or name of a campaign")]
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="as #1042; left out: the first one meant")]
Form = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="a form")]
To = Annotated[str, typer.Option(help="the operator who gets it")]
Yes = Annotated[bool, typer.Option("--yes", help="confirm at once")]


class Perform(Protocol):
    """Has an operation carried out by the Siyu that runs, or here."""

    def __call__(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
        """Return the exit code."""
        ...


_SIMPLE = {
    "show": "Show a campaign.",
    "plan": "Show whom it would reach, by which way, and who is left out for what.",
    "approve": "Agree to what somebody else wrote.",
    "pause": "Hold whatever has not left.",
    "resume": "Let it go on.",
    "cancel": "Stop for good what has not left.",
}
"""What takes a campaign and nothing else, and its help."""


def add(cli: typer.Typer, perform: Perform) -> None:
    """Add it to the command line."""
    campaign = typer.Typer(
        help="Campaigns: written as a form, tried, agreed to, let go.", no_args_is_help=True
    )
    cli.add_typer(campaign, name="campaign")

    def order(verb: str, what: str = "", rest: str = "", *, yes: bool = False) -> int:
        path = Path(what)
        file = str(path.absolute()) if what and path.is_file() else ""
        locale = terminal_locale(os.environ)
        return perform("campaign", verb=verb, what=what, file=file, rest=rest, yes=yes, locale=locale)

    @campaign.command("schema")
    def schema_() -> int:
        """Print the form's JSON Schema, for editors."""
        sys.stdout.write(json.dumps(schema(), ensure_ascii=False, indent=2) + "\n")
        return 0

    @campaign.command("list")
    def list_() -> int:
        """List the campaigns written last."""
        return order("list")

    @campaign.command()
    def validate(file: Form) -> int:
        """Say everything that is wrong with a form; exit 2 where something is."""
        return order("validate", str(file))

    @campaign.command()
    def draft(file: Form) -> int:
        """Write a form down, or correct the campaign of the same name."""
        return order("draft", str(file))

    @campaign.command()
    def preview(what: What, customer: Customer = "") -> int:
        """Show what a customer would get."""
        return order("preview", what, customer)

    @campaign.command()
    def test(what: What, customer: Customer = "", to: To = "") -> int:
        """Send it to an operator, as a customer would get it."""
        return order("test", what, f"--to {to} {customer}" if to else customer)

    @campaign.command()
    def launch(what: What, *, yes: Yes = False) -> int:
        """Let it go out when its time comes. Without --yes: shows what it comes to, and asks."""
        return order("launch", what, yes=yes)

    for verb, help_ in _SIMPLE.items():
        campaign.command(verb, help=help_)(_taking_one(verb, order))
    _add_results(campaign, perform)


def _add_results(campaign: typer.Typer, perform: Perform) -> None:
    @campaign.command()
    def results(  # what may be asked for
        what: What,
        figure: Annotated[
            str, typer.Option(help="list whom it counts: sent, left-out, clicked, replied ...")
        ] = "",
        by: Annotated[str, typer.Option(help="compare the texts by this figure")] = "",
        run: Annotated[str, typer.Option(help="of this run only")] = "",
        svg: Annotated[Path | None, typer.Option(help="draw it into a new file")] = None,
        table: Annotated[
            Path | None, typer.Option("--csv", help="write the list as a table into a new file")
        ] = None,
        *,
        json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of text")] = False,
    ) -> int:
        """Show what became of it, and whether one text does better than another."""
        return perform(
            "campaign-results",
            what=_name(what),
            figure=figure,
            by=by,
            run=run,
            json=json,
            svg="" if svg is None else str(svg.absolute()),
            table="" if table is None else str(table.absolute()),
            locale=terminal_locale(os.environ),
        )


def _name(what: str) -> str:
    """Return the campaign's name, where its form is named."""
    path = Path(what)
    if not path.is_file():
        return what
    return str(read_yaml(path.read_bytes().decode("utf-8-sig", "replace"))[0].get("name", what))


def _taking_one(verb: str, order: Callable[..., int]) -> Callable[[str], int]:
    def carry_out(what: What) -> int:
        return order(verb, what)

    return carry_out
