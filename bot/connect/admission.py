"""Who may connect channels on the page: whoever opens a link that works once, and then their browser for two hours.

Nothing of it outlives the process. What browsers hold is 256 bits of chance; what is kept here is a hash of it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

KEY_LIVES_S = 15 * 60.0
SESSION_LIVES_S = 2 * 3600.0
KEYS_MAX = 20
SESSIONS_MAX = 20
"""More link or sessions push the oldest out: each comes from somebody at the server's own terminal."""


@dataclass(slots=True)
class Admission:
    """``clock``: seconds that only go on."""

    clock: Callable[[], float] = time.monotonic
    _keys: dict[bytes, float] = field(default_factory=dict)
    _sessions: dict[bytes, float] = field(default_factory=dict)

    def new_key(self) -> str:
        """Return a key that opens one session, once, within KEY_LIVES_S."""
        return self._new(self._keys, KEY_LIVES_S, KEYS_MAX)

    def enter(self, key: str) -> str | None:
        """Return a session for a key, None for one that is unknown, old or was used."""
        ends = self._keys.pop(_hash(key), 0.0)
        return self._new(self._sessions, SESSION_LIVES_S, SESSIONS_MAX) if self.clock() < ends else None

    def knows(self, session: str | None) -> bool:
        """Return whether a session is open."""
        return session is not None and self.clock() < self._sessions.get(_hash(session), 0.0)

    def _new(self, among: dict[bytes, float], lives_s: float, most: int) -> str:
        now = self.clock()
        for old in [kept for kept, ends in among.items() if ends <= now]:
            del among[old]
        while len(among) >= most:
            del among[next(iter(among))]
        made = secrets.token_urlsafe(32)
        among[_hash(made)] = now + lives_s
        return made


def form_token(session: str) -> str:
    """Return what a page of this session sends along with what it changes; another site cannot know it."""
    return hashlib.sha256(b"siyu-connect-form:" + session.encode()).hexdigest()


def is_form_token(session: str, given: str) -> bool:
    """Return whether a request that changes something came from a page of this session."""
    return hmac.compare_digest(form_token(session).encode(), given.encode())


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf8", "surrogatepass")).digest()
