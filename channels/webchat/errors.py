"""What may be wrong with a frame or a socket, as a slug that a page can act on.

Nothing here is a vendor's error: the provider is Siyu itself. A message to a visitor fails only where the visitor was
never here (see client.py); everything else that goes wrong is told to the visitor's page in an ``error`` frame.
"""

from typing import Final

from domain.errors import BadInput, Overloaded, SiyuError, StoreUnavailable

UNAVAILABLE: Final = "unavailable"
"""The log is away: the page keeps the message and sends it again under the same id."""
TOO_FAST: Final = "too-fast"
"""The page keeps the message and sends it again a little later."""
TOO_MANY_SOCKETS: Final = "too-many-sockets"
"""The socket is closed; the page waits long before it tries again."""
NO_FILE: Final = "no-file"
"""Nothing that is kept: of a type that is not, or a handle that leads to none."""
UNKNOWN_KIND: Final = "unknown-kind"
"""A frame of a kind that a newer page may know: it is in the log as not understood."""

REASONS: Final = (
    "bad-frame",
    "bad-id",
    "bad-token",
    "empty",
    NO_FILE,
    "other-session",
    "refused",
    TOO_FAST,
    "too-large",
    "too-long",
    TOO_MANY_SOCKETS,
    UNAVAILABLE,
    UNKNOWN_KIND,
)
"""Every reason there is; texts.py has words for each."""


class BadFrame(BadInput):
    """A frame that is refused. ``id``: the id in it, where one could be read."""

    def __init__(self, reason: str, id_: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.id = id_


def reason_of(error: SiyuError) -> str:
    """Return what an ``error`` frame calls this."""
    match error:
        case BadFrame():
            return error.reason
        case Overloaded() | StoreUnavailable():
            return UNAVAILABLE
        case _:
            return "refused"
