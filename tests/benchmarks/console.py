"""Operator commands, given to a running Siyu."""

from pathlib import Path

from bot.control import ask, running


def do(data: Path, line: str) -> list[str]:
    """Carry out a command, confirmed. Returns what it says."""
    return said(data, "do", line=line, yes=True)


def said(data: Path, operation: str, **arguments: object) -> list[str]:
    """Ask for an operation, and return its lines. Raises RuntimeError where it does not end well, or nobody runs there."""
    connection = running(data)
    if connection is None:
        raise RuntimeError(f"no Siyu runs on {data}")
    *lines, end = ask(connection, operation, arguments)
    if end != {"exit": 0}:
        raise RuntimeError(f"{operation} {arguments}: {lines} {end}")
    return [str(message["line"]) for message in lines]
