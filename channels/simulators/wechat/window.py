"""How many customer-service messages a person may be sent, and until when."""

from dataclasses import dataclass

from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.limits import ACTION_GRANT, MESSAGE_GRANT


@dataclass(slots=True)
class _Grant:
    left: int
    until: float


class Window:
    """One grant for the latest message and one for the latest action; the one that ends first is used first.

    WeChat's documents name the two numbers and not how they add up: here neither takes from the other.
    """

    def __init__(self) -> None:
        self._message: _Grant | None = None
        self._action: _Grant | None = None

    def message_came(self, at: float) -> None:
        count, life_s = MESSAGE_GRANT
        self._message = _Grant(count, at + life_s)

    def action_came(self, at: float) -> None:
        count, life_s = ACTION_GRANT
        self._action = _Grant(count, at + life_s)

    def close(self) -> None:
        self._message = self._action = None

    def left(self, now: float) -> int:
        return sum(grant.left for grant in self._open(now))

    def take(self, now: float) -> None:
        """Use one message up. Raises ApiError 45015 outside every window, 45047 when none is left in it."""
        grants = self._open(now)
        if not grants:
            raise ApiError(45015)
        usable = [grant for grant in grants if grant.left]
        if not usable:
            raise ApiError(45047)
        min(usable, key=lambda grant: grant.until).left -= 1

    def _open(self, now: float) -> list[_Grant]:
        return [grant for grant in (self._message, self._action) if grant is not None and now <= grant.until]
