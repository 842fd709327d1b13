"""Repeat simulations: ``python -m tests.simulation SEED`` shows one, line by line; ``SEED COUNT`` runs so many and says what they broke."""

import sys
import time

from tests.simulation.running import run


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main(seed: int, count: int = 1) -> int:
    """Run, and return 1 where a promise did not hold."""
    begun, failed = time.monotonic(), []
    for number in range(seed, seed + count):
        outcome = run(number, say if count == 1 else None)
        if outcome.blamed or count == 1:
            say(
                f"seed {number}: {outcome.events} events, {outcome.shown} shown, {outcome.kills} kills, {outcome.digest[:16]}"
            )
            for what in outcome.blamed[:5]:
                say(f"    {what}")
        failed += [number] * bool(outcome.blamed)
    if count > 1:
        say(f"{count} seeds in {time.monotonic() - begun:.1f} s; not as promised: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
