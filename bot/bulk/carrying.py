"""Carrying out: one attempt at a piece of work, line by line, with an end to how much is told and a way to stop it."""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from bot.texts import Told, told
from domain.errors import BadSettings, Overloaded, Rejected, SiyuError, StoreUnavailable

MOST_LINES: Final = 10_000
"""Of one attempt; what comes behind them is counted."""
LAST_LINES: Final = 50
"""Of those that came behind, so many are told after all: a report stands at the end."""
ONCE_MORE: Final = (StoreUnavailable, Overloaded)
"""What passes: the same work may do better later."""

Line = str | Told
Work = Callable[..., Generator[Line, None, int]]
"""Yields what there is to tell, and returns an exit code. It may be begun again after any line, and minds nothing of what it did before."""
Works = Callable[[], Mapping[str, Work]]
"""The works there are, by name. Asked when one begins: they know the house that knows their runner."""

log_ = structlog.get_logger(__name__)


class Stopped(Exception):
    """Somebody wants it to end now."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. ``error``: why it failed. ``code``: as a process exits."""

    code: int = 0
    error: Told | None = None


def carried_out(
    work: Work, arguments: Mapping[str, str], stopped: Callable[[], bool]
) -> Generator[Line, None, Ended]:
    """Carry out a piece of work. ``stopped`` is asked at each line. Raises Stopped, StoreUnavailable, Overloaded."""
    lines = work(**arguments)
    held: deque[Line] = deque(maxlen=LAST_LINES)
    count = code = 0
    try:
        while True:
            if stopped():
                raise Stopped
            try:
                line = next(lines)
            except StopIteration as end:
                code = end.value
                break
            count += 1
            if count <= MOST_LINES:
                yield line
            else:
                held.append(line)
    except (Rejected, BadSettings) as error:
        return Ended(2, Told(error.text, error.values))
    except ONCE_MORE:
        raise
    except SiyuError as error:
        return Ended(1, Told(error.text, error.values))
    except OSError as error:
        return Ended(1, Told("{why}", {"why": str(error)}))
    finally:
        lines.close()
    if count - MOST_LINES > len(held):
        yield told("({many} lines are left out)", many=count - MOST_LINES - len(held))
    yield from held
    return Ended(code)


def failed(error: Exception) -> Ended:
    """Return how an attempt ended that raised what nobody anticipates, and log it."""
    log_.error("bulk.bug", error=type(error).__name__, exc_info=error)
    return Ended(1, told("an internal error: the server's log says more"))
