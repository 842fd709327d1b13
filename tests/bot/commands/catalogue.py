"""Which texts the code marks for translation, read from its syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

from bot.commands.registry import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("bot", "domain", "scheduler")


def marked_texts() -> set[str]:
    """Every text that is given to ``say`` as it stands, and what the commands say they do."""
    found = {command.help for command in COMMANDS}
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            found.update(_in_module(ast.parse(file.read_text("utf8"))))
    return found


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
        if name not in {"say", "_say"}:
            continue
        text = (
            node.args[0] if name == "say" else node.args[-1]
        )  # _say: what a function with more to know calls say with
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.value
        elif isinstance(text, ast.Name) and text.id in constants:
            yield constants[text.id]
