"""Logging: one line an event to stderr, and the one point where secrets are cut out, whoever logs them."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

HIDDEN = "[hidden]"
_TOKENS = re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{20,}")
"""A Telegram token, as it stands in the URL of every call."""


class Redaction:
    """Cuts out known secrets and whatever looks like a token."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted((re.escape(secret) for secret in secrets if secret), key=len, reverse=True)
        self._secrets = re.compile("|".join(known)) if known else None

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        return _TOKENS.sub(HIDDEN, text)

    def __call__(self, _logger: object, _method: str, event: str) -> str:
        """Be the last processor: whatever was rendered goes through here."""
        return self.clean(event)


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
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _flatten, *renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _flatten(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.processors.format_exc_info(None, "", event)  # it looks at the dictionary only
