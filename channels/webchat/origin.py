"""Whether a socket was opened by our own page: browsers let any page open a socket to anywhere, with our cookies."""

from collections.abc import Sequence
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_ours(origins: Sequence[str], host: str | None, public_url: str | None) -> bool:
    """Return whether the Origin header names the host that was asked, or our public address.

    No Origin: no browser, so nobody's cookies are being misused. The scheme is not compared with Host, which has none:
    behind a proxy that ends TLS we would not know it.
    """
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = _place(origins[0])
    if origin is None:
        return False
    scheme, _, _ = origin
    asked = _place(f"{scheme}://{host}") if host else None
    return origin in {asked, _place(public_url) if public_url else None}


def _place(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for ``null`` and for what is no http address."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
            return None
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return None
