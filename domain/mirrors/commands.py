"""What may be asked of a mirror."""

from dataclasses import dataclass

from domain.identity import ContactId, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorTag:
    """Note whether the provider has this tag for this contact."""

    contact: ContactId
    tag: Tag
    there: bool
