"""Sources: the codes by which people come, as they may lie in clear in the log for ever."""

import re
from typing import Final

from domain.identity import Slug

LONGEST_SOURCE: Final = 64
"""Characters: what WeChat takes as a scene, and Telegram as the payload of a link."""
_CODE: Final = re.compile(rf"[a-z0-9_-]{{1,{LONGEST_SOURCE}}}")
_LONG_NUMBER: Final = re.compile(r"[0-9][0-9_-]{5,}[0-9]")
"""Could be a phone number."""


def coded(text: str) -> Slug | None:
    """Return a text as a source, in small letters; None for what is no code, or could tell of a person."""
    code = text.lower()
    return Slug(code) if _CODE.fullmatch(code) and not _LONG_NUMBER.search(code) else None
