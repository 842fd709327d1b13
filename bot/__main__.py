"""``siyu`` and ``python -m bot``."""

import sys

from bot.cli import run_cli


def main() -> None:
    """Run the command line."""
    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
