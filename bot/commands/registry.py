"""The operator commands there are: one literal tuple."""

from collections.abc import Iterable, Mapping

from bot.commands.broadcast import broadcast, confirm
from bot.commands.campaign import campaign
from bot.commands.cards import card, mute
from bot.commands.codes import codes
from bot.commands.command import OperatorCommand
from bot.commands.find import find as find_customers
from bot.commands.find import listed
from bot.commands.forget import forget
from bot.commands.groups import groups
from bot.commands.help import help_over
from bot.commands.link import link
from bot.commands.merge import merge, unmerge
from bot.commands.note import name, note
from bot.commands.pause import pause, resume
from bot.commands.questions import cancel
from bot.commands.recall import recall
from bot.commands.redeem import redeem
from bot.commands.reply import hand_back, reply
from bot.commands.resolve import resolve
from bot.commands.rule import rule
from bot.commands.send import send
from bot.commands.stats import stats
from bot.commands.tag import tag, untag
from bot.commands.team import bind, operators
from bot.commands.timeline import timeline

COMMANDS: tuple[OperatorCommand, ...] = (
    help_over(lambda: COMMANDS),
    bind,
    find_customers,
    listed,
    timeline,
    name,
    tag,
    untag,
    note,
    reply,
    hand_back,
    card,
    mute,
    cancel,
    send,
    broadcast,
    confirm,
    campaign,
    rule,
    groups,
    operators,
    stats,
    pause,
    resume,
    resolve,
    recall,
    link,
    merge,
    unmerge,
    codes,
    redeem,
    forget,
)
STRANGERS = frozenset({bind.name, link.name})
"""What somebody may say who is no operator."""
ALONE = frozenset({link.name})
"""Of these, what means something without another word."""


def find(word: str) -> OperatorCommand | None:
    """Return the command of this name, None where there is none."""
    return next((command for command in COMMANDS if command.name == word), None)


def _words(commands: Iterable[OperatorCommand]) -> Mapping[str, str]:
    """Return what each plain word stands for: the command, and what the word implies."""
    found: dict[str, str] = {}
    for command in commands:
        for entry in command.words:
            word, _, implied = entry.partition(" ")
            found[word] = f"{command.name} {implied}".rstrip()
    return found


WORDS = _words(COMMANDS)
