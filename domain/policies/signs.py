"""Signs: a phone number, a unionid or an address by which other systems name somebody, as a keyed hash."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.identity import Channel, ContactId, Digest, Slug

ADDRESS = Slug("contact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something by which a person is known. ``kind``: ``phone``, ``unionid`` or ``contact``; ``digest``: keyed hash of kind and value.

    ``contact``: whom the views show to have it, though no channel vouches for it.
    """

    kind: Slug
    digest: Digest
    contact: ContactId | None = None


def sign_of(digest: Callable[..., Digest], kind: Slug, value: str, contact: ContactId | None = None) -> Sign:
    """Return the sign of a value: the same as contacts are identified by. ``value``: E.164 for a phone."""
    return Sign(kind=kind, digest=digest("identifier", kind, value), contact=contact)


def address_sign(
    digest: Callable[..., Digest], channel: Channel, external_id: str, contact: ContactId | None = None
) -> Sign:
    """Return the sign of an address, as other systems know it: they know nothing of our accounts."""
    return sign_of(digest, ADDRESS, f"{channel}:{external_id}", contact)
