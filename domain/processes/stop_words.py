"""Stop words: whoever says stop is not written to any more, in the very append of the message that says so."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.contacts.contact import contacts
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.conversations.said import said
from domain.customers.commands import GrantConsent, WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.decider import Process, Streams
from domain.identity import Slug
from domain.message import Command, Personal, Recorded
from domain.policies.stop_words import StopWords, Wish
from domain.processes.answer import Say, answer

STOP_BUTTON = "consent:stop"
"""What pressing "unsubscribe" sends back; it can only ever withdraw the presser's own consent."""


def stop_words(words: StopWords, say: Say, text_version: Slug | None = None) -> Process:
    """Withdraw and confirm; ask with a button where a message merely contains a stop word; grant again on a start word.

    A word with a topic's name behind it is about this topic only. ``text_version``: which wording stands for what they agree to.
    """
    return Process(
        "stop-words",
        (MessageReceived, ButtonPressed),
        _Wishes(words, say, text_version).react,
        immediate=True,
    )


@dataclass(frozen=True, slots=True)
class _Wishes:
    """See stop_words."""

    words: StopWords
    say: Say
    text_version: Slug | None

    def react(self, recorded: Recorded, streams: Streams) -> Iterable[Command]:
        event = recorded.event
        if isinstance(event, ButtonPressed) and event.data.value == STOP_BUTTON:
            yield from self._stop(recorded, event, streams, ConsentSource.BUTTON)
        elif isinstance(event, ButtonPressed) or (
            isinstance(event, MessageReceived) and event.to_bot and not event.forwarded
        ):
            yield from self._hear(recorded, event, streams)

    def _hear(
        self, recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams
    ) -> Iterable[Command]:
        match self.words.wish(said(event) or ""):
            case Wish.STOP:
                yield from self._stop(recorded, event, streams, ConsentSource.STOP_WORD)
            case Wish.START:
                yield from self._start(recorded, event, streams)
            case Wish.MENTIONS_STOP if event.group is None and not _ours(event, streams):
                yield self._ask(recorded, event, streams)
            case _:
                return

    def _stop(
        self,
        recorded: Recorded,
        event: MessageReceived | ButtonPressed,
        streams: Streams,
        source: ConsentSource,
    ) -> Iterable[Command]:
        topic = self.words.topic(said(event) or "")
        yield WithdrawConsent(contact=event.contact, topic=topic or MARKETING, source=source)
        everything = "You are unsubscribed: we send you no more offers. Write START to subscribe again."
        alone = "You get no more messages about {topic}. Write STOP to get no offers at all."
        if topic is None:
            yield self._say(recorded, event, streams, "stop-confirmed", everything)
        else:
            yield self._say(recorded, event, streams, "stop-confirmed", alone, topic=topic)

    def _start(
        self, recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams
    ) -> Iterable[Command]:
        topic = self.words.topic(said(event) or "")
        yield GrantConsent(
            contact=event.contact,
            topic=topic or MARKETING,
            source=ConsentSource.START_WORD,
            text_version=self.text_version,
        )
        if topic is None:
            yield self._say(recorded, event, streams, "start-confirmed", "You are subscribed again.")
        else:
            again = "You get messages about {topic} again."
            yield self._say(recorded, event, streams, "start-confirmed", again, topic=topic)

    def _say(
        self,
        recorded: Recorded,
        event: MessageReceived | ButtonPressed,
        streams: Streams,
        occasion: str,
        text: str,
        *,
        topic: Slug | None = None,
    ) -> Command:
        translated = self.say(text, streams.state(contacts, event.contact).language)
        if topic is not None:
            translated = translated.format(topic=self.words.names[topic])
        return answer(recorded, event, streams, occasion=Slug(occasion), text=Personal(translated))

    def _ask(self, recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams) -> Command:
        language = streams.state(contacts, event.contact).language
        return answer(
            recorded,
            event,
            streams,
            occasion=Slug("stop-asked"),
            text=Personal(self.say("Do you want us to stop sending you offers?", language)),
            choices=Personal([[self.say("Unsubscribe", language), STOP_BUTTON]]),
        )


def _ours(event: MessageReceived | ButtonPressed, streams: Streams) -> bool:
    return streams.state(contacts, event.contact).operator is not None
