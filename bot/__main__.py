"""``siyu`` and ``python -m bot``."""

import gc
import sys

from bot.cli import run_cli

GC_THRESHOLDS = (20_000, 20, 50)
"""Bursts of messages are no leaks: collect less often than Python's 700. A rebuild of the views takes a sixth less time."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(*GC_THRESHOLDS)
    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
