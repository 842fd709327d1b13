"""Stop words: whoever says stop is not written to any more, in the very append of the message that says so."""

from collections.abc import Iterable

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


def stop_words(words: StopWords, say: Say) -> Process:
    """Withdraw and confirm; ask with a button where a message merely contains a stop word; grant again on a start word."""

    def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
        event = recorded.event
        if isinstance(event, ButtonPressed) and event.data.value == STOP_BUTTON:
            yield from _stop(recorded, event, streams, ConsentSource.BUTTON)
        elif isinstance(event, ButtonPressed) or (
            isinstance(event, MessageReceived) and event.to_bot and not event.forwarded
        ):
            yield from _hear(recorded, event, streams)

    def _hear(
        recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams
    ) -> Iterable[Command]:
        match words.wish(said(event) or ""):
            case Wish.STOP:
                yield from _stop(recorded, event, streams, ConsentSource.STOP_WORD)
            case Wish.START:
                source = ConsentSource.START_WORD
                yield GrantConsent(contact=event.contact, topic=MARKETING, source=source)
                yield _say(recorded, event, streams, "start-confirmed", "You are subscribed again.")
            case Wish.MENTIONS_STOP if event.group is None and not _ours(event, streams):
                yield _ask(recorded, event, streams)
            case _:
                return

    def _stop(
        recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams, source: ConsentSource
    ) -> Iterable[Command]:
        yield WithdrawConsent(contact=event.contact, topic=MARKETING, source=source)
        told = "You are unsubscribed: we send you no more offers. Write START to subscribe again."
        yield _say(recorded, event, streams, "stop-confirmed", told)

    def _say(
        recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams, occasion: str, text: str
    ) -> Command:
        translated = say(text, streams.state(contacts, event.contact).language)
        return answer(recorded, event, streams, occasion=Slug(occasion), text=Personal(translated))

    def _ask(recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams) -> Command:
        language = streams.state(contacts, event.contact).language
        return answer(
            recorded,
            event,
            streams,
            occasion=Slug("stop-asked"),
            text=Personal(say("Do you want us to stop sending you offers?", language)),
            choices=Personal([[say("Unsubscribe", language), STOP_BUTTON]]),
        )

    def _ours(event: MessageReceived | ButtonPressed, streams: Streams) -> bool:
        return streams.state(contacts, event.contact).operator is not None

    return Process("stop-words", (MessageReceived, ButtonPressed), react, immediate=True)
