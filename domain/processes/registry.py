"""The processes there are: one literal tuple, joined with what they need from outside."""

from dataclasses import dataclass
from datetime import timedelta

from domain.decider import Process
from domain.identity import Slug
from domain.policies.stop_words import StopWords
from domain.processes.answer import Say
from domain.processes.attribution import attribution
from domain.processes.auto_reply import Addressed, Matcher, auto_reply
from domain.processes.binding import binding
from domain.processes.handover import handover
from domain.processes.identifying import Dialled, identifying
from domain.processes.introductions import introductions
from domain.processes.new_customers import new_customers
from domain.processes.purchasing import purchasing
from domain.processes.recurring import recurring
from domain.processes.settling import settling
from domain.processes.stop_words import stop_words
from domain.processes.welcome import welcome


@dataclass(frozen=True, slots=True)
class Outside:
    """What processes are given by the house: settings and plain functions."""

    say: Say
    matches: Matcher
    is_command: Addressed
    words: StopWords
    silence: timedelta
    implied_consent: bool
    dialled: Dialled
    consent_text: Slug | None = None
    """The version of the wording that people agree to."""


def processes(outside: Outside) -> tuple[Process, ...]:
    """Return them all; immediate ones react in this order."""
    return (
        new_customers(implied_consent=outside.implied_consent, text_version=outside.consent_text),
        binding,
        stop_words(outside.words, outside.say, outside.consent_text),
        settling,
        identifying(outside.dialled),
        introductions,
        purchasing,
        handover(outside.silence),
        recurring,
        welcome,
        auto_reply(outside.matches, outside.words, outside.is_command),
        attribution(outside.words),
    )
