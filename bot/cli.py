"""The command line. Errors are one line; exit 2 for bad usage or settings, 1 for failure."""

import asyncio
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from bot import logs
from bot.campaign_line import add as add_campaign
from bot.codes_line import add as add_codes
from bot.control import ASKED, ask, running
from bot.errands_line import add as add_errands
from bot.hooks_line import add as add_hooks
from bot.jobs_line import add as add_jobs
from bot.relay_line import add as add_relay
from bot.run_line import add as add_run
from bot.settings import MAIN, Settings, environment, load
from bot.texts import Texts, terminal_locale
from domain.errors import BadSettings, Rejected, SiyuError, StoreUnavailable

LOCALE = terminal_locale(os.environ)
TEXTS = Texts(LOCALE)

cli = typer.Typer(
    name="siyu",
    help="Siyu: an engagement bot that remembers every fact.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
operator = typer.Typer(help="The team.", no_args_is_help=True)
cli.add_typer(operator, name="operator")

SECRET_KEYS = ("TOKEN", "SECRET", "KEY", "PASSWORD", "DATABASE", "PROXY", "RELAY__URL")
"""Settings whose values never reach a log (a database URL holds a password, and so does a broker's)."""

Json = Annotated[bool, typer.Option("--json", help="JSON Lines instead of text")]


def run_cli(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = translated(typer.main.get_command(cli)).main(list(arguments), standalone_mode=False)
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        said = error.format_message().rstrip(".")
        return (
            _complain(f"{said} (siyu --help lists what there is)", 2) if said else 2
        )  # else the help was shown already
    except (BadSettings, Rejected) as error:
        return _complain(error, 2)
    except SiyuError as error:
        return _complain(error, 1)
    except OSError as error:
        return _complain(error, 1)
    return code if isinstance(code, int) else 0


def translated(command: Any) -> Any:  # noqa: ANN401  # typer's commands, whose base it keeps to itself
    """Return a command with the help of it, of its options and of what is below it in the terminal's language."""
    command.help = TEXTS.say(inspect.cleandoc(command.help or "")) if command.help else command.help
    for option in command.params:
        help_ = getattr(option, "help", None)
        if help_:
            option.help = TEXTS.say(help_)
    for below in getattr(command, "commands", {}).values():
        translated(below)
    return command


def _complain(error: Exception | str, code: int) -> int:
    said = TEXTS.told(error) if isinstance(error, SiyuError) else error
    sys.stderr.write(f"siyu: {said}\n")
    return code


def _settings() -> tuple[Settings, dict[str, str]]:
    variables = environment()
    settings = load(variables)
    hidden = [value for key, value in variables.items() if any(word in key for word in SECRET_KEYS)]
    passwords = [found for value in hidden if (found := _password(value))]
    logs.configure([*hidden, *passwords], pretty=sys.stderr.isatty())
    return settings, variables


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _say(messages: Iterator[Mapping[str, Any]]) -> int:
    try:
        return _said(messages)
    except BrokenPipeError:  # its reader has seen enough; caught here, for typer would make it exit 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _said(messages: Iterator[Mapping[str, Any]]) -> int:
    for message in messages:
        if "line" in message:
            sys.stdout.write(f"{message['line']}\n")
            if sys.stdout.isatty():
                sys.stdout.flush()
        if "error" in message:
            sys.stdout.flush()
            sys.stderr.write(f"siyu: {message['error']}\n")
        if "exit" in message:
            sys.stdout.flush()
            return int(message["exit"])
    return 1


def _perform(operation: str, *, needs_server: bool = False, **arguments: Any) -> int:  # noqa: ANN401  # JSON values
    """Have an operation carried out by the Siyu that runs on this data folder, or here where none runs."""
    settings, variables = _settings()
    connection = running(settings.data)
    if connection is not None:
        return _say(ask(connection, operation, arguments, LOCALE))
    if needs_server:
        raise StoreUnavailable("no Siyu runs on {data}: start it with siyu run", data=settings.data)
    from bot.bootstrap import configured, open_account, open_house
    from bot.control_server import perform
    from bot.errands import Errands, alone

    house = open_house(settings, variables)
    errands = Errands(alone(partial(open_account, house), partial(configured, house)))
    try:
        return _say(perform(house, operation, arguments, LOCALE, errands.operations()))
    finally:
        house.close()


add_run(cli, _settings, LOCALE)


@cli.command()
def migrate() -> int:
    """Create or upgrade the stores; once, before several workers start."""
    settings, variables = _settings()
    from bot.bootstrap import open_house

    house = open_house(settings, variables)
    try:
        house.catch_up()
    finally:
        house.close()
    sys.stdout.write(TEXTS.say("the stores are up to date") + "\n")
    return 0


@cli.command()
def rebuild(views: Annotated[list[str] | None, typer.Argument(help="all where none is named")] = None) -> int:
    """Rebuild views from the log."""
    return _perform("rebuild", views=views or [])


@cli.command()
def verify() -> int:
    """Check the log, and compare each live view with a rebuilt one; exit 1 on a difference."""
    return _perform("verify")


@cli.command()
def replay(
    position: Annotated[int | None, typer.Argument(help="all parked events where none is given")] = None,
) -> int:
    """Retry parked events."""
    return _perform("replay", position=position)


@cli.command()
def events(
    after: Annotated[int, typer.Option(help="only above this position", min=0)] = 0,
    stream: Annotated[str, typer.Option(help="only this stream")] = "",
    customer: Annotated[str, typer.Option(help="only what concerns this customer")] = "",
    *,
    json: Json = False,
) -> int:
    """Print the log."""
    return _perform("events", after=after, name=stream, customer=customer, json=json)


@cli.command("import-events")
def import_events(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]) -> int:
    """Build an installation from an export; nothing is sent until ``siyu resume-sending``."""
    return _perform("import-events", file=str(file.resolve()))


@cli.command("import")
def import_file(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]) -> int:
    """Take in orders or customers from a CSV file (docs/orders.md), and tell what matched; again it changes nothing."""
    return _perform("import", file=str(file.resolve()))


@cli.command()
def timeline(
    customer: str,
    kind: Annotated[list[str] | None, typer.Option(help="only these kinds")] = None,
    search: Annotated[str, typer.Option(help="only what holds these words")] = "",
    *,
    json: Json = False,
) -> int:
    """Print a customer's timeline."""
    return _perform("timeline", customer=customer, kinds=kind or [], search=search, json=json)


@cli.command()
def customers(
    tag: Annotated[str, typer.Option(help="only with this tag")] = "", *, json: Json = False
) -> int:
    """List customers."""
    return _perform("customers", tag=tag, json=json)


@cli.command()
def forget(customer: str, *, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> int:
    """Destroy everything personal about a customer, for good. Without --yes: shows who it is, and asks."""
    if not yes:
        shown = _perform("forget", customer=customer)
        if shown != ASKED:
            return shown
        if not sys.stdin.isatty() or not typer.confirm(TEXTS.say("Forget them for good?")):
            return _complain(TEXTS.say("nothing was done: say --yes"), 2)
    return _perform("forget", customer=customer, yes=True)


@cli.command()
def do(
    line: Annotated[str, typer.Argument(help='an operator command, such as "/tag #1 vip"')],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="confirm at once")] = False,
) -> int:
    """Carry out an operator command; exit 0 means done."""
    return _perform("do", needs_server=True, line=line, yes=yes, locale=LOCALE)


@operator.command("add")
def operator_add(
    name: str, role: Annotated[str, typer.Option(help="viewer, agent, marketer, manager or owner")] = "agent"
) -> int:
    """Add an operator: prints a one-time bind code."""
    return _perform("operator-add", name=name, role=role)


@operator.command("token")
def operator_token(name: str) -> int:
    """Print a token with which programs may do what an operator may; it is shown once."""
    return _perform("operator-token", name=name)


@operator.command("revoke-token")
def operator_revoke_token(name: str) -> int:
    """Let none of an operator's tokens count any more."""
    return _perform("operator-revoke-token", name=name)


@cli.command("resume-sending")
def resume_sending() -> int:
    """Let messages leave again after an import or a restore."""
    return _perform("resume-sending")


@cli.command()
def export(
    customer: str,
    folder: Annotated[
        Path | None,
        typer.Option("--csv", metavar="DIR", help="write tables, JSON and files into this new folder"),
    ] = None,
    *,
    json: Json = False,  # noqa: ARG001  # what it is anyway, where no folder is named
) -> int:
    """Give out everything about a customer, as JSON Lines or into a folder; the log notes it."""
    return _perform("export", customer=customer, folder="" if folder is None else str(folder.absolute()))


@cli.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new folder, or an empty one")],
) -> int:
    """Copy log, vault and media into a folder, while Siyu runs or not; the master key is not in it."""
    return _perform("backup", folder=str(folder.absolute()))


@cli.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of a backup")],
) -> int:
    """Restore a backup into an empty data folder or database; nothing is sent until ``siyu resume-sending``."""
    settings, _ = _settings()
    connection = running(settings.data)
    if connection is not None:
        connection.close()
        raise StoreUnavailable("a Siyu runs on {data}: stop it first", data=settings.data)
    from bot.backup.restoring import restore as restored
    from bot.house import utc_now

    for line in restored(settings, folder.absolute(), utc_now):
        sys.stdout.write(f"{TEXTS.shown(line, LOCALE)}\n")
        sys.stdout.flush()
    return 0


@cli.command()
def doctor() -> int:
    """Check settings, channels, stores and lag."""
    return _perform("doctor")


@cli.command()
def connect(
    channel: Annotated[str, typer.Argument(help="telegram or wechat")] = "",
    account: Annotated[str, typer.Option(help="what the account is called in the settings")] = MAIN,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting that is no secret")
    ] = None,
    wait: Annotated[float | None, typer.Option(help="seconds to go on ticking off steps", min=0)] = None,
    *,
    from_env: Annotated[bool, typer.Option("--from-env", help="keep what the environment says")] = False,
    from_stdin: Annotated[bool, typer.Option("--from-stdin", help="read lines KEY=VALUE")] = False,
    renew: Annotated[bool, typer.Option("--renew", help="make new what Siyu makes for the provider")] = False,
    link: Annotated[bool, typer.Option("--link", help="print a link to the page, which works once")] = False,
) -> int:
    """Guide the connection of a channel, and tick off each step."""
    if link:
        return _perform("connect-link", needs_server=True)
    settings, variables = _settings()
    from bot.connect.command import Wanted, guide

    wanted = Wanted(channel, account, set_ or [], wait, from_env=from_env, from_stdin=from_stdin, renew=renew)
    return guide(wanted, settings, variables, TEXTS)


@cli.command()
def chat(
    name: Annotated[str, typer.Option("--as", help="who you are; remembered in the data folder")] = "guest",
) -> int:
    """Chat as a customer from the terminal."""
    settings, _ = _settings()
    connection = running(settings.data)
    if connection is None:
        raise StoreUnavailable("no Siyu runs on {data}: start it with siyu run", data=settings.data)
    address = next((str(m["line"]) for m in ask(connection, "address", {}) if "line" in m), "")
    from bot.terminal_chat import talk

    return asyncio.run(talk(address, settings.data / f"chat-{name}.token"))


for add in (add_campaign, add_errands, add_codes, add_hooks, add_jobs):
    add(cli, _perform)
add_relay(cli, _settings, TEXTS)
