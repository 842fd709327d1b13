"""``python -m tests.benchmarks.growth [NAME ...]``: measure how cost grows, and write docs/growth.md. Exit 1 where something failed.

Data is kept in .bench/. ``--up-to N``: only sizes up to this one; nothing is written then.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from tests.benchmarks.__main__ import FOLDER
from tests.benchmarks.figure import Bench
from tests.benchmarks.growth.curve import Curve
from tests.benchmarks.growth.registry import CURVES
from tests.benchmarks.growth.report import Measured, write
from tests.benchmarks.machine import ROOT, description
from tests.benchmarks.report import number


def chosen(names: Sequence[str]) -> list[Curve]:
    """Return the curves of these names, all where none is named. Raises KeyError."""
    by_name = {curve.name: curve for curve in CURVES}
    return [by_name[name] for name in names] or list(CURVES)


def measure(curve: Curve, bench: Bench, up_to: int | None = None) -> Measured:
    """Measure one curve, whatever comes of it. ``up_to``: the largest size; None: all of them."""
    at, machine = datetime.now(UTC).date().isoformat(), description()
    costs: dict[int, list[float]] = {}
    try:
        for size in (size for size in curve.sizes if up_to is None or size <= up_to):
            begin = time.monotonic()
            costs[size] = list(curve.measure(bench, size))
            told = f"{number(median(costs[size]))} {curve.unit}"
            print(
                f"{curve.title}, {size:,} {curve.of}: {told} ({time.monotonic() - begin:.0f} s)", flush=True
            )
    except Exception as error:  # noqa: BLE001  # one curve's failure must not hide the others
        traceback.print_exc()
        return Measured(
            name=curve.name, at=at, machine=machine, costs=costs, failed=f"{type(error).__name__}: {error}"
        )
    return Measured(name=curve.name, at=at, machine=machine, costs=costs)


def main(arguments: Sequence[str]) -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(curve.name for curve in CURVES))
    parser.add_argument("--up-to", type=int, help="the largest size; nothing is written then")
    given = parser.parse_args(arguments)
    try:
        curves = chosen(given.names)
    except KeyError as unknown:
        parser.error(f"there is no curve {unknown}")
    FOLDER.mkdir(exist_ok=True)
    measured = []
    for curve in curves:
        measured.append(measure(curve, Bench(FOLDER), given.up_to))
        if given.up_to is None:
            write(ROOT / "docs", CURVES, measured)  # at once: a run that is broken off keeps what it has
    for each in measured:
        if each.fit is not None:
            print(
                f"{each.name}: exponent {each.fit.exponent:.2f}, ten times as many cost {number(each.fit.tenfold)} times as much"
            )
    return int(any(each.failed for each in measured))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
