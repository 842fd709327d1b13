"""``siyu run``: serves until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from bot.roles import ProcessRole, check_role
from bot.settings import Settings
from domain.identity import Locale

Read = Callable[[], tuple[Settings, Mapping[str, str]]]


def add(cli: typer.Typer, read: Read, locale: Locale) -> None:
    """Add it to the command line. ``read``: the settings, and the variables they are of. ``locale``: of whoever starts it."""

    @cli.command()
    def run(
        host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
        port: Annotated[int, typer.Option(help="port to listen on", min=0, max=65535)] = 8000,
        role: Annotated[
            ProcessRole, typer.Option(help="on PostgreSQL: web receives, worker works, all does both")
        ] = ProcessRole.ALL,
    ) -> int:
        """Serve: channels, schedules and the web chat, until SIGTERM or Ctrl-C."""
        settings, variables = read()
        check_role(role, settings)

        import uvloop  # noqa: PLC0415  # only where it runs

        from bot.app import Binding  # noqa: PLC0415  # as above
        from bot.bootstrap import open_app, open_house, prepare  # noqa: PLC0415  # as above

        house = open_house(settings, variables)
        try:
            prepare(house)
            app = open_app(house, Binding(host, port), role=role)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(app, locale))
        finally:
            house.close()
        return 0


async def serve(app: Any, locale: Locale | None = None) -> None:  # noqa: ANN401  # bot.app.App, which is imported only where it runs
    """Run an app until SIGTERM or Ctrl-C, and greet whoever started it."""
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    serving = asyncio.create_task(app.run(until))
    ready = asyncio.create_task(app.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        lines = await asyncio.to_thread(app.greeting, locale)
        sys.stdout.write("".join(f"{line}\n" for line in lines))  # at once: whoever reads it has all of it
        sys.stdout.flush()
    ready.cancel()
    await serving
