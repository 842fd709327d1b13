"""Somebody at a terminal: a real process on a pty, what they type, and what they see."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bot.connect.house import DEADLINE_S, environment

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """``siyu`` with these arguments on a terminal of 200 columns."""

    def __init__(self, folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # Whoever runs the tests in the background ignores Ctrl-C, and what they start inherits that.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            cwd=folder,
            env={**environment(folder, settings), "COLUMNS": "200"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def screen(self) -> str:
        """Everything that was shown so far, without colours."""
        try:
            while read := os.read(self._ours, 65536):
                self._seen += read
        except (BlockingIOError, OSError):  # nothing more now, or the process is gone
            pass
        return _CONTROL.sub(b"", self._seen).decode("utf8", "replace")

    async def shows(self, text: str, times: int = 1) -> str:
        """Wait until a text is on the screen so many times."""
        ends = time.monotonic() + DEADLINE_S
        while self.screen.count(text) < times:
            assert time.monotonic() < ends, self.screen
            assert self._process.poll() is None or self.screen.count(text) >= times, self.screen
            await asyncio.sleep(0.05)
        return self.screen

    def types(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{text}\n".encode())

    def interrupts(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def ended(self) -> int:
        """Wait for the end and return the exit code."""
        ends = time.monotonic() + DEADLINE_S
        while self._process.poll() is None:
            assert time.monotonic() < ends, self.screen
            _ = self.screen
            await asyncio.sleep(0.05)
        assert self._process.returncode is not None
        return self._process.returncode
