"""``siyu connect``: beside a running Siyu, which does what is asked and opens the account at once, or alone."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from bot.connect.alone import Alone
from bot.connect.connecting import Connecting
from bot.connect.terminal import (
    WAITED_FOR_S,
    Answers,
    Perform,
    TerminalGuide,
    answered,
    given_as,
    given_by,
    given_in,
)
from bot.control import ask, running
from bot.settings import Settings
from bot.texts import Texts

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was written on the command line. ``pairs``: KEY=VALUE each. ``wait_s``: None for what fits a terminal, or a script."""

    channel: str
    account: str
    pairs: Sequence[str]
    wait_s: float | None
    from_env: bool
    from_stdin: bool
    renew: bool


def guide(wanted: Wanted, settings: Settings, variables: Mapping[str, str], texts: Texts) -> int:
    """Guide through one account and return the exit code. Raises SiyuError."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False)
    given = given_by(os.environ, wanted.channel, wanted.account) if wanted.from_env else {}
    piped = given_in(sys.stdin) if wanted.from_stdin else {}
    wait_s = wanted.wait_s if wanted.wait_s is not None else WAITED_FOR_S if terminal else 0.0
    guided = TerminalGuide(
        channel=wanted.channel,
        name=wanted.account,
        perform=_performing(settings, variables, texts),
        texts=texts,
        console=console,
        answers=Answers(console, terminal=terminal),
        given={**given, **piped, **given_as(wanted.pairs)},
        wait_s=wait_s,
        renew=wanted.renew,
    )
    try:
        return guided.run()
    except (KeyboardInterrupt, EOFError):
        kept = texts.say("What was saved is kept. Go on with: siyu connect {channel}")
        sys.stdout.write(f"\n{kept.format(channel=wanted.channel)}\n")
        return INTERRUPTED


def _performing(settings: Settings, variables: Mapping[str, str], texts: Texts) -> Perform:
    """Return what carries out the guide's operations: the Siyu that runs by then, else this process, which needs no store for it."""
    alone = Connecting(Alone(settings, variables, texts)).operations()

    def perform(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        connection = running(settings.data)
        if connection is not None:
            return answered(list(ask(connection, operation, arguments, texts.locale)))
        told: dict[str, Any] = json.loads(next(alone[operation](None, **arguments)))
        return told

    return perform
