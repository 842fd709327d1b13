"""What a worker holds in memory while the log behind it grows."""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.figure import Bench
from tests.benchmarks.figures.start import API
from tests.benchmarks.growth.curve import FEW_SIZES, Curve
from tests.benchmarks.growth.curves.log import copied
from tests.benchmarks.machine import REST_WITHIN_S, at_rest, free_port, listening, python

BYTES_PER_MB = 1_000_000
KIB = 1_024


def _most_mb(pid: int) -> float:
    """Return the most memory that a process ever had."""
    told = Path(f"/proc/{pid}/status").read_text("ascii").split()
    return int(told[told.index("VmHWM:") + 1]) * KIB / BYTES_PER_MB


def _measure(bench: Bench, events: int) -> Sequence[float]:
    with copied(bench, events, but="views.db*") as folder:
        port = free_port()
        environment = sides.settings(folder, API, port)
        environment = {k: v for k, v in environment.items() if not k.startswith("SIYU_TELEGRAM__")}
        with python("-m", "bot", "run", "--port", str(port), env=environment) as siyu:
            listening(port, siyu, REST_WITHIN_S)  # it computes its views first
            at_rest(siyu.pid)
            return [_most_mb(siyu.pid)]


CURVE = Curve(
    name="memory",
    title="Memory of a worker",
    about=(
        "The most that a process ever held which starts without views, computes all of them from a log of so many events and comes to rest;"
        " one round."
    ),
    unit="MB",
    of="events in the log",
    measure=_measure,
    sizes=FEW_SIZES,
)
