"""Every error Siyu anticipates. Anything else that is raised is a bug.

SiyuError
├── Rejected              a command that the domain refuses; its text is for the person who asked
│   ├── UnknownRecipient  no such customer, group, operator, rule or schedule
│   └── NotAllowed        the role or the state does not permit it
├── BadInput              bytes that are no message of this provider (HTTP 400)
├── BadSignature          a missing or forged secret (HTTP 401)
├── BadSettings           a setting is missing or makes no sense (exit 2)
├── VersionConflict       somebody else wrote the stream first; the command is decided again
├── Overloaded            a bounded queue is full (HTTP 503)
├── StoreUnavailable      disk full, database away (HTTP 503)
│   └── StoreInUse        another process owns this data folder (exit 1)
├── SubjectForgotten      the key of this person was destroyed
├── MediaGone             a file is not in the media store any more, or damaged
├── UnknownEvent          the log holds a type or version this Siyu does not know
└── SendFailed            what a provider may answer, as the state machine of a delivery needs it
├── TemporaryFailure  provably not sent; may be tried again after ``retry_after_s``
├── PermanentFailure  provably not sent, and never will be, for ``reason``
│   └── TagRefused    the provider cannot have this tag, whoever is to get it
└── OutcomeUnknown    it may have been sent: nobody can tell
"""

from collections.abc import Callable


class SiyuError(Exception):
    """The root: its text names what is wrong and what to do.

    ``text`` is English, as the catalogues have it, with places for ``values``: so it can be told in the language of whoever reads it.
    """

    def __init__(self, text: str = "", /, **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self.text, self.values = text, values

    def told(self, say: Callable[[str], str]) -> str:
        """Return what it says, translated by ``say``."""
        text = say(self.text) if self.text else ""
        return text.format(**self.values) if self.values else text


class Rejected(SiyuError):
    """A command the domain refuses."""


class UnknownRecipient(Rejected):
    """No such customer, group, operator, rule or schedule."""


class NotAllowed(Rejected):
    """The role of who asks, or the state of things, does not permit it."""


class BadInput(SiyuError):
    """Bytes that are no message of this provider."""


class BadSignature(SiyuError):
    """A missing or forged secret."""


class BadSettings(SiyuError):
    """A setting is missing or makes no sense."""


class VersionConflict(SiyuError):
    """Somebody else wrote the stream first, more often than we try again."""


class Overloaded(SiyuError):
    """A bounded queue is full; the caller should come again."""


class StoreUnavailable(SiyuError):
    """The log or the vault cannot be written now."""


class StoreInUse(StoreUnavailable):
    """Another process owns this data folder."""


class CannotRender(SiyuError):
    """A variable without a value and without a fallback, or a template that is broken."""

    def __init__(self, reason: str) -> None:
        """``reason``: a slug such as ``missing_variable``."""
        super().__init__(reason)
        self.reason = reason


class SubjectForgotten(SiyuError):
    """The key of this subject was destroyed; nothing personal may be stored for it."""


class MediaGone(SiyuError):
    """A file is not in the media store: never kept, destroyed, or damaged."""


class UnknownEvent(SiyuError):
    """The log holds an event type or version this Siyu does not know."""


class SendFailed(SiyuError):
    """A provider did not plainly accept a message."""

    def __init__(self, reason: str) -> None:
        """``reason`` is a slug, such as ``rate-limited`` or ``blocked``: it goes into the log."""
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(SendFailed):
    """Provably not sent."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0, whole_account: bool = False) -> None:
        """``whole_account``: nothing of this account may be sent before ``retry_after_s`` (Telegram's 429)."""
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.whole_account = whole_account


class PermanentFailure(SendFailed):
    """Provably not sent, and never will be."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        """``unreachable``: the recipient blocked us or is gone, not just this message."""
        super().__init__(reason)
        self.unreachable = unreachable


class TagRefused(PermanentFailure):
    """The provider cannot have this tag, whoever is to get it: its name, or there are too many."""


class OutcomeUnknown(SendFailed):
    """It may have been sent: a time-out or a reset after the request left, a 5xx from a proxy."""

    def __init__(self, reason: str, *, proof_follows: bool = False) -> None:
        """``proof_follows``: nothing went wrong; the channel tells later whether it arrived (a passive reply of WeChat)."""
        super().__init__(reason)
        self.proof_follows = proof_follows
