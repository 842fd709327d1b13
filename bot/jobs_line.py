"""``siyu jobs``."""

from typing import Annotated, Any, Protocol

import typer


class Perform(Protocol):
    """Has an operation carried out by the Siyu that runs, or here."""

    def __call__(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
        """Return the exit code."""
        ...


Number = Annotated[int, typer.Argument(help="as siyu jobs list shows it", min=1)]


def add(cli: typer.Typer, perform: Perform) -> None:
    """Add them to the command line."""
    jobs = typer.Typer(help="Imports and exports that run, or ran.", no_args_is_help=True)
    cli.add_typer(jobs, name="jobs")

    @jobs.command("list")
    def list_() -> int:
        """List the jobs, the newest first."""
        return perform("job-list")

    @jobs.command()
    def follow(number: Number) -> int:
        """Show what a job tells until it is over, from its first line on."""
        return perform("job-follow", number=number)

    @jobs.command()
    def cancel(number: Number) -> int:
        """Have a job stopped; what it did stays done."""
        return perform("job-cancel", number=number)
