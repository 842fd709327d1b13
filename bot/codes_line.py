"""``siyu codes``."""

from pathlib import Path
from typing import Annotated, Any, Protocol

import typer


class Perform(Protocol):
    """Has an operation carried out by the Siyu that runs, or here."""

    def __call__(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
        """Return the exit code."""
        ...


def add(cli: typer.Typer, perform: Perform) -> None:
    """Add them to the command line."""
    codes = typer.Typer(help="The codes that campaigns hand out.", no_args_is_help=True)
    cli.add_typer(codes, name="codes")

    @codes.command("add")
    def put_in(
        pool: Annotated[str, typer.Argument(help="its name, such as summer-2026")],
        file: Annotated[
            Path,
            typer.Argument(
                exists=True, dir_okay=False, readable=True, help="a CSV file with a code in each row"
            ),
        ],
        expires: Annotated[
            str, typer.Option(metavar="DATE", help="the last day on which its codes count, as 2026-12-31")
        ] = "",
    ) -> int:
        """Put codes into a pool: all of a file, or none where one is wrong or known."""
        return perform("codes-add", pool=pool, file=str(file.resolve()), expires=expires)

    @codes.command("settle")
    def settle(
        pool: Annotated[str, typer.Argument(help="a pool that a restored backup left in doubt")],
        *,
        none_given: Annotated[
            bool, typer.Option("--none-given", help="none was given out since the backup")
        ] = False,
        given: Annotated[
            Path | None,
            typer.Option(
                exists=True,
                dir_okay=False,
                readable=True,
                metavar="FILE",
                help="a CSV file of codes that were given out since, at least the last one",
            ),
        ] = None,
        withdraw: Annotated[
            bool, typer.Option("--withdraw", help="nobody knows: give none of them to anybody")
        ] = False,
    ) -> int:
        """Say which codes were given out since the backup that was restored; the others are given out again."""
        file = "" if given is None else str(given.resolve())
        return perform("codes-settle", pool=pool, none_given=none_given, given=file, withdraw=withdraw)

    @codes.command("list")
    def list_(
        *, json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of text")] = False
    ) -> int:
        """List the pools, and how many codes are left in each."""
        return perform("codes-list", json=json)
