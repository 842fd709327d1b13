"""CUSTOMER, as operators write it (shared/design/interface.md, "Operator commands"): found, asked back, never guessed."""

from collections.abc import Collection
from enum import Enum, auto
from typing import Protocol

from bot.commands.arguments import argument, first_word, words_of
from bot.commands.command import Ambiguous, Call, Usage
from domain.errors import UnknownRecipient
from domain.identity import ContactId, SubjectId
from domain.policies.text import folded
from projections.people.contacts import Contact
from projections.people.customers import Customer, customer
from projections.people.find import SHORTEST_PREFIX, find
from projections.people.identifiers import ends_with


class Follows(Enum):
    """What a command wants behind CUSTOMER: it decides what a line says that leaves CUSTOMER out, as an answer to a card."""

    NOTHING = auto()
    WORD = auto()
    TEXT = auto()


def whom(call: Call, text: str, follows: Follows) -> tuple[Customer, str]:
    """Return the customer at the beginning of ``text`` (a tail of ``call.rest``), and what follows.

    Raises Usage where something is missing, UnknownRecipient where nobody fits, Ambiguous where several do, or where only a part of a
    name fits.
    """
    found, rest = _meant(call, text, follows)
    call.mentioned.append(found.id)
    return found, rest


def _meant(call: Call, text: str, follows: Follows) -> tuple[Customer, str]:
    word, rest = first_word(text)
    candidates = _marked(call, word)
    if candidates is not None:
        if rest or follows is Follows.NOTHING:
            return _one(call, text, [(found, rest) for found in candidates], word)
        raise Usage("")
    if call.replying_to is not None and (
        not word or follows is Follows.TEXT or (follows is Follows.WORD and not rest)
    ):
        return _of_card(call), text
    if not word:
        raise Usage("")
    return _named(call, text, follows)


def _marked(call: Call, word: str) -> list[Customer] | None:
    """Return who is meant by ``#1042``, ``@name`` or ``channel:id``; None for a word that is not marked as a customer."""
    if not (word[:1] in {"#", "@"} or ":" in word):
        return None
    with call.office.views.read() as connection:
        found = find(connection, word)
    if word[:1] == "@" or (word[:1] == "#" and word[1:].isdecimal()):
        return found
    return found or None


def _of_card(call: Call) -> Customer:
    with call.office.views.read() as connection:
        found = customer(connection, call.replying_to) if call.replying_to is not None else None
    if found is None:
        raise UnknownRecipient(call.say("The customer of this card is gone."))
    return found


def _named(call: Call, text: str, follows: Follows) -> tuple[Customer, str]:
    """A name may be of several words, so each number of them is tried; who is called exactly so is meant, others are asked about."""
    tries = words_of(text)
    if follows is Follows.NOTHING:
        tries = [(argument(text.strip()), "")]
    elif len(tries) == 1 and not tries[0][1]:
        raise Usage("")
    exact: dict[str, tuple[Customer, str]] = {}
    similar: dict[str, tuple[Customer, str]] = {}
    with call.office.views.read() as connection:
        for said, rest in tries:
            if not rest and follows is not Follows.NOTHING:
                break
            for found in find(connection, said):
                if found.is_staff:
                    continue
                if _is_called(found, said):
                    exact[found.id] = (found, rest)
                else:
                    similar.setdefault(found.id, (found, rest))
    if len(exact) == 1:
        return next(iter(exact.values()))
    return _one(call, text, list((exact or similar).values()), tries[0][0], certain=bool(exact))


def _is_called(found: Customer, said: str) -> bool:
    theirs = (name for contact in found.contacts for name in (contact.name, contact.own_name))
    names = {folded(name) for name in (found.remark, *theirs)}
    by_id = len(said) >= SHORTEST_PREFIX and found.id.startswith(said.lower())
    return by_id or folded(said) in names or any(ends_with(said, phone) for phone in found.phones)


def _one(
    call: Call, text: str, candidates: list[tuple[Customer, str]], said: str, *, certain: bool = True
) -> tuple[Customer, str]:
    if not candidates:
        told = call.say("I know nobody called {name}. /find NAME searches, also in what was said.")
        raise UnknownRecipient(told.format(name=said))
    if len(candidates) == 1 and certain:
        return candidates[0]
    call.mentioned.extend(found.id for found, _ in candidates)
    before = call.rest[: len(call.rest) - len(text)] if call.rest.endswith(text) else ""
    raise Ambiguous(
        call.say("Whom do you mean by {name}?").format(name=said),
        [
            (label(found), f"/{call.name} {before}#{found.number} {rest}".rstrip())
            for found, rest in candidates
        ],
    )


class Numbered(Protocol):
    """A customer, as far as it takes to name them."""

    @property
    def number(self) -> int:
        """Their number."""
        ...

    @property
    def name(self) -> str:
        """What to show: what they are called, else the number."""
        ...


def called(found: Numbered) -> str:
    """Return a customer's number and name, ``#1042 Zhang San``; only the number of somebody without a name."""
    number = f"#{found.number}"
    return number if found.name == number else f"{number} {found.name}"


def label(found: Customer) -> str:
    """Return a customer in a few words: ``#1042 Zhang San (telegram @zhang)``."""
    places = ", ".join(_place(contact) for contact in found.contacts)
    return f"{called(found)} ({places})" if places else called(found)


def _place(contact: Contact) -> str:
    return f"{contact.channel} @{contact.username}" if contact.username else contact.channel


def sealed_under(contact: ContactId) -> SubjectId:
    """Return under whose key an answer lies that repeats what a customer said or is called: forgetting them reaches it."""
    return SubjectId(f"contact-{contact}")


def reached_by(found: Customer, agreed: Collection[ContactId] = ()) -> Contact | None:
    """Return the contact to write to: the reachable one heard from last, of those that ``agreed`` where one did, or any where none is."""
    reachable = [contact for contact in found.contacts if contact.private and contact.blocked is None]
    willing = [contact for contact in reachable if contact.id in agreed]
    return next(iter(willing or reachable or found.contacts), None)
