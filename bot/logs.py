"""Logging: one line an event to stderr, and the one point where secrets are cut out, whoever logs them."""

import contextlib
import json
import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import structlog

HIDDEN = "[hidden]"
_SHAPE = r"(?<!\d)\d{5,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}"
"""A Telegram token, as it stands in the URL of every call: right behind the word "bot"."""


class Redaction:
    """Cuts out known secrets, also as JSON writes them, and whatever looks like a token."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Cut out these too."""
        known = self._known | {secret for secret in secrets if secret}
        known |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in known}
        longest_first = sorted(known, key=len, reverse=True)
        self._secret = re.compile("|".join([_SHAPE, *map(re.escape, longest_first)]))
        self._known = known

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        return self._secret.sub(HIDDEN, text)

    def __call__(self, _logger: object, _method: str, event: str) -> str:
        """Be the last processor: whatever was rendered goes through here."""
        return self.clean(event)


_LEARNED = Redaction(())
"""Secrets that came after the start."""


def hide(secrets: Iterable[str]) -> None:
    """Cut these out of every line from now on."""
    _LEARNED.learn(secrets)


class _Handler(logging.StreamHandler[TextIO]):
    """Says which line it could not write, never what it held: logging's own report shows the arguments, secrets included."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"a line of {record.name} could not be written\n")


def configure(secrets: Iterable[str], *, pretty: bool) -> None:
    """Send our own and the libraries' log lines to stderr. ``pretty``: for a terminal, otherwise JSON."""
    redaction = Redaction(secrets)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = [
        structlog.dev.ConsoleRenderer(colors=False)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False),
        redaction,
        _LEARNED,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _flatten, *renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _flatten(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.processors.format_exc_info(None, "", event)  # it looks at the dictionary only
