"""Which texts the code marks for translation, read from its syntax trees."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bot.cli import cli
from bot.commands.registry import COMMANDS
from channels.webchat import texts as page_texts
from channels.wechat.render import NOTES

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("bot", "domain", "projections", "scheduler")
ERRORS = {
    "Rejected",
    "UnknownRecipient",
    "NotAllowed",
    "Usage",
    "BadInput",
    "BadSettings",
    "StoreUnavailable",
    "StoreInUse",
    "Overloaded",
}
"""What people see of an error is its text, and its class is told by nobody else."""


def marked_texts() -> set[str]:
    """Every text that is given to ``say`` as it stands, what errors say, and what the commands say they do."""
    found = {*page_texts.PAGE.values(), *page_texts.ERRORS.values(), *NOTES.values()}
    found |= {command.help for command in COMMANDS} | set(_of_the_command_line(typer.main.get_command(cli)))
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    for file in (*files, *sorted((ROOT / "channels").glob("*/connecting.py"))):
        found.update(_in_module(ast.parse(file.read_text("utf8"))))
    return found


def _of_the_command_line(command: Any) -> Iterator[str]:  # noqa: ANN401  # typer keeps their base to itself
    yield from (inspect.cleandoc(said) for said in [command.help] if said)
    for option in command.params:
        said = getattr(option, "help", None)
        if said and option.name != "help":
            yield said
    for below in getattr(command, "commands", {}).values():
        yield from _of_the_command_line(below)


def _in_module(tree: ast.Module) -> Iterator[str]:
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if (
            name in ERRORS
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
            and first.value
        ):
            yield first.value
        if name not in {"say", "_say", "told"}:
            continue
        text = (
            node.args[-1] if name == "_say" else node.args[0]
        )  # _say: what a function with more to know calls say with
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.value
        elif isinstance(text, ast.Name) and text.id in constants:
            yield constants[text.id]
