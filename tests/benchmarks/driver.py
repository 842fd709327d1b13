"""The handle of the load process (tests.benchmarks.load)."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.machine import ROOT, STOP_WITHIN_S


class LoadFailed(Exception):
    """An order could not be carried out: a webhook refused, or did not answer in time."""


class Driver:
    """People who write to bots, and the Bot API that the bots answer through, in a process of their own as long as the block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.base = str(self._answer()["base"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate(timeout=STOP_WITHIN_S)

    def ask(self, do: str, **order: object) -> dict[str, Any]:
        """Have an order carried out. Raises LoadFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadFailed("the load process is gone")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LoadFailed(answer["error"])
        return answer
