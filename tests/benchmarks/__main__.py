"""``python -m tests.benchmarks [NAME ...]``: measure, print one table, write docs/benchmarks.md.

``--large``: with large data sets, which are kept in .bench/. ``--quick``: a fortieth of the work in one round, to see that everything
works; nothing is written then. Exit 1 where a figure could not be measured, or something was lost.
"""

import argparse
import gc
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.__main__ import GC_THRESHOLDS
from tests.benchmarks.figure import Bench, Figure
from tests.benchmarks.machine import ROOT, Stolen, description
from tests.benchmarks.registry import FIGURES
from tests.benchmarks.report import Result, table, write

FOLDER = ROOT / ".bench"
QUICK_SHARE = 1 / 40


def chosen(names: Sequence[str], *, large: bool) -> list[Figure]:
    """Return the figures of these names; where none is named, all that belong to this run. Raises KeyError."""
    by_name = {figure.name: figure for figure in FIGURES}
    if names:
        return [by_name[name] for name in names]
    return [figure for figure in FIGURES if figure.large == large]


def measure(figure: Figure, bench: Bench) -> Result:
    """Measure one figure, whatever comes of it."""
    at = datetime.now(UTC).date().isoformat()
    begin, stolen = time.monotonic(), Stolen()
    print(f"{figure.title} ...", end=" ", flush=True)
    try:
        lines = tuple(figure.measure(bench))
    except Exception as error:  # noqa: BLE001  # one figure's failure must not hide the others
        traceback.print_exc()
        failed = f"{type(error).__name__}: {error}"
        return Result(name=figure.name, at=at, machine=description(), rounds=bench.rounds, failed=failed)
    taken = stolen.share()
    print(f"{time.monotonic() - begin:.0f} s, {taken:.1%} stolen", flush=True)
    return Result(
        name=figure.name, at=at, machine=description(), rounds=bench.rounds, lines=lines, stolen=taken
    )


def main(arguments: Sequence[str]) -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(f.name for f in FIGURES))
    parser.add_argument("--large", action="store_true", help="with the large data sets")
    parser.add_argument("--quick", action="store_true", help="see that it works; nothing is written")
    given = parser.parse_args(arguments)
    try:
        figures = chosen(given.names, large=given.large)
    except KeyError as unknown:
        parser.error(f"there is no figure {unknown}")
    gc.set_threshold(
        *GC_THRESHOLDS
    )  # as each command of Siyu's; for both sides of what is measured in this process
    bench = Bench(FOLDER, large=given.large)
    if given.quick:
        bench = Bench(FOLDER, rounds=1, share=QUICK_SHARE, large=given.large)
    FOLDER.mkdir(exist_ok=True)
    results = []
    for figure in figures:
        results.append(measure(figure, bench))
        if not given.quick:
            write(ROOT / "docs", FIGURES, results)  # at once: a run that is broken off keeps what it has
    print(f"\n{description()}; medians of {bench.rounds} rounds (smallest–largest)\n\n{table(results)}\n")
    for note in dict.fromkeys(line.note for result in results for line in result.lines if line.note):
        print(f"- {note}")
    return int(any(result.fails for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
