"""Auto reply: the first rule that matches a message answers it."""

from collections.abc import Callable, Iterable

from domain.contacts.contact import contacts
from domain.conversations.conversation import conversations
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.conversations.said import said
from domain.decider import Process, Streams
from domain.identity import Slug
from domain.message import Command, Recorded
from domain.policies.stop_words import StopWords, Wish
from domain.policies.text import without_mentions
from domain.processes.answer import answer
from domain.rules.events import Match
from domain.rules.rulebook import BOOK, Rule, rulebook

Matcher = Callable[[Match, str, str], bool]
"""Whether a pattern of this kind matches a text; never raises, takes bounded time."""
Addressed = Callable[[str], bool]
"""Whether a text is an operator's command rather than something said (``/bind 1234``)."""


def auto_reply(matches: Matcher, words: StopWords, is_command: Addressed) -> Process:
    """Answer customers by rule: in private, and in groups where the bot is spoken to or the rule says so; also what a button says.

    Silent towards operators, while a person is talking, and where the message is a stop or start word, which has its own answer.
    """

    def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
        event = recorded.event
        if not isinstance(event, MessageReceived | ButtonPressed) or _forwarded(event):
            return
        words_said = said(event)
        if words_said is None:
            return
        answering = [
            r for r in streams.state(rulebook, BOOK).rules if r.answer is not None and _applies(r, event)
        ]
        if not answering or not _may_answer(recorded, event, streams):
            return
        text = words_said if event.group is None else without_mentions(words_said)
        if words.wish(text) in {Wish.STOP, Wish.START} or is_command(text):
            return
        for rule in answering:
            if rule.answer is not None and matches(rule.match, rule.pattern.value, text):
                yield answer(recorded, event, streams, occasion=Slug("auto-reply"), text=rule.answer)
                return

    return Process("auto-reply", (MessageReceived, ButtonPressed), react)


def _forwarded(event: MessageReceived | ButtonPressed) -> bool:
    return isinstance(event, MessageReceived) and event.forwarded


def _may_answer(recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams) -> bool:
    if streams.state(contacts, event.contact).operator is not None:
        return False
    return not streams.state(conversations, event.contact).human_talking(recorded.recorded_at)


def _applies(rule: Rule, event: MessageReceived | ButtonPressed) -> bool:
    return event.group is None or rule.in_group or (isinstance(event, MessageReceived) and event.to_bot)
