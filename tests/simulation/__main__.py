"""Repeat simulations: ``python -m tests.simulation SEED`` shows one, line by line; ``SEED COUNT`` runs so many and says which did not hold."""

import sys
import time

from tests.simulation.world import run


def main(seed: int, count: int = 1) -> int:
    """Run, and return 1 where a promise did not hold."""
    begun, failed = time.monotonic(), []
    for number in range(seed, seed + count):
        outcome = run(number, print if count == 1 else None)
        if outcome.blamed or count == 1:
            print(
                number,
                outcome.events,
                outcome.shown,
                outcome.kills,
                f"{outcome.simulated_s:.0f}",
                outcome.digest[:16],
                *outcome.blamed[:4],
                sep="  ",
            )
        failed += [number] * bool(outcome.blamed)
    print(f"{count} seeds in {time.monotonic() - begun:.1f} s; not as promised: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
