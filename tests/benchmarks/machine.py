"""Processes under measurement: started, waited for, left to come to rest."""

import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN_S = 90.0
STOP_WITHIN_S = 60.0
REST_WITHIN_S = 300.0
LOOKS_EVERY_S = 0.4
AT_REST = 0.1
"""Of one core."""


def description() -> str:
    """Return what it runs on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process as long as the block. What it says on its error output is ours."""
    running = subprocess.Popen([*map(str, command)], env=env, cwd=cwd, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(STOP_WITHIN_S)


@contextlib.contextmanager
def python(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run our own interpreter as long as the block."""
    with process(sys.executable, *arguments, env=env) as running:
        yield running


def listening(port: int, running: subprocess.Popen[bytes], within_s: float = START_WITHIN_S) -> None:
    """Return when somebody listens. Raises RuntimeError where the process ended, TimeoutError."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if running.poll() is not None:
            raise RuntimeError(f"{running.args!r} ended with {running.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


def ready(port: int, running: subprocess.Popen[bytes]) -> None:
    """Return when Siyu serves: its port is taken before that."""
    listening(port, running)
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(urllib.error.URLError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=START_WITHIN_S),
        ):
            return
        time.sleep(0.02)
    raise TimeoutError(f"Siyu on {port} does not become ready")


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stolen:
    """How much of the processor time that was wanted on this machine its host gave to somebody else, by Linux's count (proc_stat(5)).

    A virtual machine that waits for its processors answers late, whoever runs on it: what is measured then says little.
    """

    def __init__(self, count: Path = Path("/proc/stat")) -> None:
        self._count = count
        self._before = self._ticks()

    def share(self) -> float:
        """Return it since this was made: 0 where nobody had to wait, 1 where nobody got anything."""
        wanted, stolen = (now - before for now, before in zip(self._ticks(), self._before, strict=True))
        return stolen / wanted if wanted else 0.0

    def _ticks(self) -> tuple[int, int]:
        """Return what was wanted of all processors, and what was stolen of it."""
        user, nice, system, _idle, _waiting, irq, softirq, steal = map(
            int, self._count.read_text("ascii").split(maxsplit=9)[1:9]
        )
        return user + nice + system + irq + softirq + steal, steal


def rss_mb(pid: int) -> float:
    """Return how much memory a process has, in MB of 1,000,000 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1_000_000


def at_rest(pid: int) -> None:
    """Return when a process is idle, so that what follows a round is not charged to the next one."""
    deadline = time.monotonic() + REST_WITHIN_S
    while time.monotonic() < deadline:
        before = cpu_s(pid)
        time.sleep(LOOKS_EVERY_S)
        if cpu_s(pid) - before < AT_REST * LOOKS_EVERY_S:
            return
    raise TimeoutError(f"process {pid} is still busy")
