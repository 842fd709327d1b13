"""What a bound operator's message means that is no command: the answer to a card, to a button's question, or ``#1042 text``."""

import re
from dataclasses import dataclass

from bot.commands.line import is_command
from domain.identity import Channel, ContactId, CustomerId, SubjectId
from domain.operators.desk import Question
from domain.operators.events import Verb
from projections.engine import Views
from projections.people.contacts import contact as contact_by_id
from projections.people.customers import Customer, customer

UNQUOTED = frozenset({Channel("wechat")})
"""Channels where nobody can quote a message: there the number alone, without #, is enough."""
_MARKED = re.compile(r"[#＃]\s?([0-9]{1,9})[\s:：,，]+(\S.*)", re.DOTALL)
_BARE = re.compile(r"([0-9]{1,9})[\s:：,，]+(\S.*)", re.DOTALL)
_REPEATABLE = re.compile(r"/(?:reply|tag|note|mute|card) #[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Meant:
    """The command that a message stands for. ``customer``: whom it is about. ``ends``: it answers a question, which waits no longer."""

    line: str
    customer: CustomerId | None = None
    ends: bool = False


def repeatable(pressed: str) -> bool:
    """Whether a button may be pressed again and do the same again: it asks or shows something."""
    return _REPEATABLE.fullmatch(pressed) is not None


def subject_customer(views: Views, subject: SubjectId | None, reader: ContactId) -> Customer | None:
    """Return whose words a message to ``reader`` holds; None for one that is not about a customer."""
    category, _, contact = (subject or "").partition("-")
    if category != "contact" or contact == reader:
        return None
    with views.read() as connection:
        known = contact_by_id(connection, ContactId(contact))
        return None if known is None else customer(connection, known.customer)


def meant(
    text: str, card: Customer | None, asked: tuple[Question, Customer] | None, channel: Channel
) -> Meant | None:
    """Return what an operator's private message stands for; None for a plain word to nobody.

    ``card``: whose card it quotes. ``asked``: what a button asked for. A command stays what it is, and has the card's customer.
    """
    said = text.strip()
    if is_command(said, bound=True):
        return Meant(said, card.id if card is not None else None)
    if not said:
        return None
    if card is not None:
        return Meant(f"/reply #{card.number} {said}", card.id)
    if asked is not None:
        question, about = asked
        return Meant(f"/{question.verb} #{about.number} {said}", about.id, ends=True)
    found = _MARKED.fullmatch(said) or (_BARE.fullmatch(said) if channel in UNQUOTED else None)
    return None if found is None else Meant(f"/{Verb.REPLY} #{found[1]} {found[2]}")
