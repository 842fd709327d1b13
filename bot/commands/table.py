"""The README's table of operator commands, made from the registry: ``python -m bot.commands.table`` prints it."""

import sys

from bot.commands.registry import COMMANDS

BEGIN, END = "<!-- commands -->", "<!-- /commands -->"


def table() -> str:
    """Return the table in Markdown, between its markers."""
    lines = [BEGIN, "| command | role | what it does |", "|---|---|---|"]
    for command in COMMANDS:
        usage = "<br>".join(f"`{line}`" for line in command.usage).replace("|", "\\|")
        lines.append(f"| {usage} | {command.role} | {command.help} |")
    return "\n".join([*lines, END])


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
