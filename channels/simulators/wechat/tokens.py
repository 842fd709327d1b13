"""Access tokens: they expire, and a new one ends the old one's life after an overlap."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.limits import FORCED_REFRESH_PAUSE_S, FORCED_REFRESHES_A_DAY, TOKEN_OVERLAP_S
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.shapes import Json

_DAY_S = 24 * 3_600
_KEPT = 1_000


@dataclass(slots=True)
class _Token:
    value: str
    expires_at: float
    replaced: bool = False


class Tokens:
    """The tokens of /token and of /stable_token live apart: neither ends the other's (official documents)."""

    def __init__(self, account: OfficialAccount, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock
        self._issued: dict[str, _Token] = {}
        self._ordinary: _Token | None = None
        self._stable: _Token | None = None
        self._forced: list[float] = []

    def ordinary(self) -> Json:
        """A new token; the one before is good for 5 minutes more."""
        if self._ordinary is not None:
            self._replace(self._ordinary, TOKEN_OVERLAP_S)
        self._ordinary = self._issue()
        return self._shown(self._ordinary)

    def stable(self, *, forced: bool) -> Json:
        """The token in use. A new one comes in its last 5 minutes, or at once when forced: then the old one ends.

        Raises ApiError 45009 for more than 20 forced ones a day; one within 30 s of another changes nothing.
        """
        now = self._clock()
        current = self._stable
        if current is None or current.expires_at <= now:
            self._stable = current = self._issue()
        elif forced:
            self._forced = [at for at in self._forced if at > now - _DAY_S]
            if len(self._forced) >= FORCED_REFRESHES_A_DAY:
                raise ApiError(45009)
            if not self._forced or self._forced[-1] <= now - FORCED_REFRESH_PAUSE_S:
                self._forced.append(now)
                self._replace(current, 0)
                self._stable = current = self._issue()
        elif current.expires_at - now <= TOKEN_OVERLAP_S:
            self._replace(current, TOKEN_OVERLAP_S)
            self._stable = current = self._issue()
        return self._shown(current)

    def check(self, value: str) -> None:
        """Raises ApiError 41001, 40001 or 42001."""
        if not value:
            raise ApiError(41001)
        if (token := self._issued.get(value)) is None:
            raise ApiError(40001)
        if token.expires_at <= self._clock():
            raise ApiError(40001 if token.replaced else 42001)

    def expire(self) -> None:
        """Let every token expire now."""
        for token in self._issued.values():
            token.expires_at = min(token.expires_at, self._clock())

    def _issue(self) -> _Token:
        token = _Token(secrets.token_urlsafe(96), self._clock() + self._account.tokens_live_s)
        if len(self._issued) >= _KEPT:
            del self._issued[next(iter(self._issued))]
        self._issued[token.value] = token
        return token

    def _replace(self, token: _Token, after_s: float) -> None:
        ends_at = self._clock() + after_s
        if ends_at < token.expires_at:
            token.expires_at, token.replaced = ends_at, True

    def _shown(self, token: _Token) -> Json:
        return {"access_token": token.value, "expires_in": int(token.expires_at - self._clock())}
