"""What happened to a provider's copy of our tags."""

from dataclasses import dataclass
from typing import ClassVar

from domain.identity import ContactId, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMirrored:
    """The provider has this tag for this contact now (``there``), or has it no more.

    Without it nobody could tell a tag that was taken away over there from one that was never brought there.
    """

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    tag: Tag
    there: bool


EVENTS = (("tag-mirrored/1", TagMirrored),)
