"""Keys as the codec sees them: one a subject, named in every ciphertext by a short id."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import SubjectForgotten
from domain.identity import SubjectId

K = TypeVar("K")
V = TypeVar("V")

KEY_ID_BYTES = 8
NONCES = 256
"""Made at once: each call of the system lets go of the interpreter, which others are waiting for."""
NONCE_BYTES = 12
"""AES-GCM, NIST SP 800-38D, section 8.2.2: random nonces are safe for 2**32 messages a key; a subject has thousands."""


class Key(NamedTuple):
    """A subject's key. ``cipher`` is None once it was destroyed."""

    id: bytes
    cipher: AESGCM | None


def seal(key: Key, plain: bytes, bound_to: bytes) -> bytes:
    """Return key id, nonce and ciphertext. ``bound_to`` is authenticated: it opens nowhere else. Raises SubjectForgotten."""
    if key.cipher is None:
        raise SubjectForgotten("the key of this subject was destroyed")
    nonce = _nonce()
    return key.id + nonce + key.cipher.encrypt(nonce, plain, bound_to)


_nonces: list[bytes] = []
os.register_at_fork(after_in_child=_nonces.clear)  # no nonce is ever used twice


def _nonce() -> bytes:
    try:
        return _nonces.pop()  # which is atomic: no two threads get the same
    except IndexError:
        fresh = os.urandom(NONCES * NONCE_BYTES)
        _nonces.extend(fresh[at : at + NONCE_BYTES] for at in range(0, len(fresh), NONCE_BYTES))
        return _nonce()


def unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    """Reverse ``seal``. Raises cryptography's InvalidTag for anything that ``seal`` did not make so."""
    body = KEY_ID_BYTES + NONCE_BYTES
    return cipher.decrypt(sealed[KEY_ID_BYTES:body], sealed[body:], bound_to)


def key_id(sealed: bytes) -> bytes:
    """Return which key opens this."""
    return sealed[:KEY_ID_BYTES]


class KeyRing(Protocol):
    """Finds keys. Synchronous and thread-safe."""

    def keys_for(self, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Key]:
        """Return the key of each subject, making those that are missing; they are durable when this returns.

        Raises SubjectForgotten where one was destroyed, StoreUnavailable.
        """
        ...

    def keys_named(self, ids: Iterable[bytes]) -> Mapping[bytes, Key]:
        """Return the keys with these ids, destroyed ones included; what never existed is left out. Raises StoreUnavailable."""
        ...


class MemoryKeyRing:
    """Keys in memory: for tests, and for trying things out."""

    def __init__(self) -> None:
        self._keys: dict[SubjectId, Key] = {}
        self._named: dict[bytes, Key] = {}

    def keys_for(self, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Key]:
        """See KeyRing."""
        found = {}
        for subject in subjects:
            if subject not in self._keys:
                self._put(subject, Key(os.urandom(KEY_ID_BYTES), AESGCM(AESGCM.generate_key(256))))
            found[subject] = key = self._keys[subject]
            if key.cipher is None:
                raise SubjectForgotten(f"the key of {subject} was destroyed")
        return found

    def keys_named(self, ids: Iterable[bytes]) -> Mapping[bytes, Key]:
        """See KeyRing."""
        return {name: self._named[name] for name in ids if name in self._named}

    def destroy(self, subject: SubjectId) -> None:
        """Destroy the key of a subject, for good."""
        (key,) = self.keys_for([subject]).values()
        self._put(subject, Key(key.id, None))

    def _put(self, subject: SubjectId, key: Key) -> None:
        self._keys[subject] = self._named[key.id] = key


class Remembered(Generic[K, V]):
    """The most recently used entries, and none older than ``max_age_s``, so that what other processes change is seen. Thread-safe."""

    def __init__(self, capacity: int, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity, self._max_age_s, self._clock = capacity, max_age_s, clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: K) -> V | None:
        """Return what is known, None where nothing is."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            since, value = entry
            if self._clock() - since > self._max_age_s:
                del self._entries[name]
                return None
            self._entries.move_to_end(name)
            return value

    def put(self, name: K, value: V) -> None:
        """Keep this; what was not used for longest makes room."""
        with self._lock:
            self._entries[name] = (self._clock(), value)
            self._entries.move_to_end(name)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def drop(self, name: K) -> None:
        """Know nothing of it any more."""
        with self._lock:
            self._entries.pop(name, None)

    def clear(self) -> None:
        """Know nothing at all."""
        with self._lock:
            self._entries.clear()
