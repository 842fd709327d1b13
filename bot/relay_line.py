"""``siyu relay``: a process of its own, beside ``siyu run``."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer

from bot.settings import Settings
from bot.texts import Texts

POLL_S: Final = 0.2
"""On SQLite nobody wakes another process: an event waits so long at most before it is told."""
HEARD_WITHIN_S: Final = 3.0
"""A cancel that no end followed for so long was lost: the brokers' clients lose some."""

Read = Callable[[], tuple[Settings, Mapping[str, str]]]


def add(cli: typer.Typer, read: Read, texts: Texts) -> None:
    """Add it to the command line. ``read``: the settings, and the variables they are of."""

    @cli.command()
    def relay(
        after: Annotated[
            int | None, typer.Option(help="begin behind this position; 0: tell the whole log", min=0)
        ] = None,
    ) -> int:
        """Hand the log to a message broker, event by event, until SIGTERM or Ctrl-C (docs/relay.md)."""
        settings, variables = read()

        import uvloop  # noqa: PLC0415  # only where it runs

        from bot.relay.opening import open_relay  # noqa: PLC0415  # as above

        opened = open_relay(settings, variables)
        try:
            if after is not None:
                opened.begin_after(after)
            said = texts.say("the log is relayed to {broker}, as {subject}")
            told = said.format(broker=opened.settings.address, subject=opened.settings.subject)
            sys.stdout.write(f"{told}\n")
            sys.stdout.flush()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_follow(opened))
        finally:
            opened.close()
        return 0


async def _follow(relay: Any) -> None:  # noqa: ANN401  # bot.relay.relay.Relay, which is imported only where it runs
    from bot.driving import Driver, cancelled  # noqa: PLC0415  # only where it runs

    loop, until = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    driver = Driver("relay", relay.step, breath_s=0.0, poll_s=POLL_S)
    unsubscribe = relay.log.subscribe(lambda: loop.call_soon_threadsafe(driver.wake.set))
    running = asyncio.create_task(driver.run())
    await until.wait()
    unsubscribe()
    await cancelled(running, HEARD_WITHIN_S)
    await relay.hang_up()
