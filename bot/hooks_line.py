"""``siyu hook``."""

from typing import Annotated, Any, Protocol

import typer


class Perform(Protocol):
    """Has an operation carried out by the Siyu that runs, or here."""

    def __call__(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
        """Return the exit code."""
        ...


def add(cli: typer.Typer, perform: Perform) -> None:
    """Add them to the command line."""
    hook = typer.Typer(help="Other systems that are told what happens.", no_args_is_help=True)
    cli.add_typer(hook, name="hook")

    @hook.command("list")
    def list_(
        *, json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of text")] = False
    ) -> int:
        """List the hooks, how far each was told, and which of them take nothing."""
        return perform("hook-list", json=json)

    @hook.command()
    def replay(
        name: Annotated[str, typer.Argument(help="what the hook is called in the settings")],
        after: Annotated[int, typer.Option(help="only above this position", min=0)],
        until: Annotated[int | None, typer.Option(help="only up to this position", min=1)] = None,
    ) -> int:
        """Tell a hook once more what it was told before; a hook that was stopped begins again."""
        return perform("hook-replay", name=name, after=after, until=until)
