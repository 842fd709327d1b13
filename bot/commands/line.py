"""An operator's line, taken apart into the command and the rest. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.commands.registry import ALONE, STRANGERS, WORDS

LEADS = "/／、"
"""What begins a command: the slash, the full-width one, and what a Chinese keyboard has on the slash's key."""
_NAME = re.compile(r"([^\s@#＃＠]+)(?:[@＠](\w+))?(?=[\s#＃＠]|$)")
_CODE = re.compile(r"[0-9A-Za-z-]+")
"""What 绑定 must be followed by: 绑定 手机 is a customer's wish."""


@dataclass(frozen=True, slots=True)
class Line:
    """``name``: the command's, lower case. ``bot``: whom it was addressed to in a chat with several bots (``/find@shop_bot``)."""

    name: str
    rest: str
    bot: str | None = None


def taken_apart(text: str, words: Mapping[str, str] = WORDS) -> Line | None:
    """Return the command in a line, None where it is none.

    ``words``: plain words that mean a command without any slash, and what each stands for (``全部暂停`` is ``pause all``). A word counts
    only as a whole, followed by a blank or nothing: 绑定手机 is somebody's sentence.
    """
    said = text.strip()
    marked = said[:1] in LEADS and said != ""
    found = _NAME.match(said, 1 if marked else 0)
    if found is None:
        return None
    name, rest = found[1].casefold(), said[found.end() :].strip()
    stands_for = words.get(name)
    if stands_for is not None:
        name, _, implied = stands_for.partition(" ")
        rest = f"{implied} {rest}".strip()
    elif not marked:
        return None
    return Line(name, rest, found[2])


def is_command(text: str, *, bound: bool) -> bool:
    """Whether a text is an operator's command rather than something said.

    ``bound``: whether an operator says it. Anybody else may only try a bind code, or link an account: all other slashes are theirs to say.
    """
    found = taken_apart(text)
    if found is None or bound:
        return found is not None
    marked = text.lstrip()[:1] in LEADS
    alone = not found.rest and found.name in ALONE
    return found.name in STRANGERS and (marked or alone or _CODE.fullmatch(found.rest) is not None)
