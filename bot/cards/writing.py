"""What cards say: one of a customer, or a digest of many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cards.gathering import Said
from bot.commands.cards import Buttons, body, buttons, channel_said, head, line
from bot.commands.customers import called, sealed_under
from bot.commands.remaining import remaining
from bot.commands.said import UNQUOTED
from bot.commands.times import Clock
from bot.house import House
from bot.staff import Phone
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.identity import ORDER, DeliveryId, MediaId, OperatorId, Slug, SubjectId
from domain.message import Command, Personal
from domain.operators.commands import TellDigest
from projections.deliveries.cards import Answer
from projections.people.contacts import Contact
from projections.people.customers import Customer

CARD = Slug("card")
CARD_LIVES = timedelta(hours=24)
IN_A_DIGEST = 15
"""Customers in one digest; where there are more, another one follows it."""
MOST_NUMBERS = 30
"""Further customers, by number alone, where there can be no other digest."""
WORDS = 14
LONGEST_NAME = 10
"""Characters of a text, and of a name, in a digest: a whole one stays below 2,048 bytes also in Chinese, the least of our channels."""
LONGEST_CAPTION = 1_000
"""A picture's caption is shorter than a message (Telegram: 1,024 units): a longer card goes before its picture."""


@dataclass(frozen=True, slots=True)
class News:
    """A customer who wrote and was not answered, as a card tells it."""

    said: Said
    contact: Contact
    customer: Customer
    by_rule: Answer | None


class Writing:
    """Plans the messages. To be called in a thread: it reads the views."""

    def __init__(self, house: House) -> None:
        self._house = house

    def card(self, to: Phone, news: News, now: datetime) -> Sequence[PlanDelivery]:
        """Return the card, with the first file; each further one follows it, and so does the first where the text is too long for it."""
        clock = self._clock(to, now)
        said = news.said
        lines = [line(kind, text, clock.say) for kind, text in said.lines]
        if said.count > len(lines):
            lines.insert(0, clock.say("… and {count} before").format(count=said.count - len(lines)))
        if news.by_rule is not None:
            lines.append(
                clock.say("↳ answered by rule: {text}").format(
                    text=line("text", news.by_rule.text, clock.say)
                )
            )
        budget = remaining(self._house.views, news.contact.id, clock)
        text = body(news.customer, news.contact.channel, lines, budget, clock)
        if to.contact.channel in UNQUOTED:
            hint = clock.say("Write “{number} your answer” to answer.")
            text = f"{text}\n{hint.format(number=news.customer.number)}"
        files: list[MediaId | None] = [*said.files]
        if not files or len(text) > LONGEST_CAPTION:
            files.insert(0, None)
        place = head(news.customer, news.contact.channel, clock.say)
        plans = []
        for number, media in enumerate(files):
            slot = str(number) if number else ""
            parts = ("delivery", f"card:{said.first}", to.contact.id, news.customer.id, slot)
            subject = sealed_under(news.contact.id)
            choices = buttons(news.customer, clock.say)
            shown = text if number == 0 else place
            plan = self._planned(to, DeliveryId(self._house.digest(*parts)), subject, shown, choices, now)
            plans.append(replace(plan, media=media))
        return plans

    def digest(
        self, operator: OperatorId, to: Phone, page: Sequence[News], now: datetime, *, scarce: bool = False
    ) -> tuple[Command, ...]:
        """Return one message about many: sealed under a key of its own, which is destroyed with any of them.

        ``scarce``: the operator's own reply window allows no more, and it says how to open it.
        """
        clock = self._clock(to, now)
        lines = [clock.say("{count} customers wrote:").format(count=len(page))]
        lines += [_brief(one, clock) for one in page[:IN_A_DIGEST]]
        lines += _further(page[IN_A_DIGEST:], clock)
        if scarce:
            lines.append(
                clock.say("This channel lets us send you no more cards: write anything to get them again.")
            )
        shown = [(f"#{one.customer.number}", f"/card #{one.customer.number}") for one in page[:IN_A_DIGEST]]
        if to.contact.channel in UNQUOTED:  # a button is a link there, longer than the line it belongs to
            shown = []
        rows = tuple(tuple(shown[start : start + 4]) for start in range(0, len(shown), 4))
        key = self._house.digest("delivery", f"cards:{page[0].said.first}", to.contact.id, "", "")
        told = TellDigest(operator=operator, order=key, about=tuple(one.customer.id for one in page))
        subject = SubjectId(f"{ORDER}-{key}")
        return told, self._planned(to, DeliveryId(key), subject, "\n".join(lines), rows, now)

    def _clock(self, to: Phone, now: datetime) -> Clock:
        texts, language = self._house.texts, to.contact.language

        def say(text: str) -> str:
            return texts.say(text, language)

        return Clock(now, self._house.office.controls.zone, say)

    def _planned(
        self, to: Phone, delivery: DeliveryId, subject: SubjectId, text: str, choices: Buttons, now: datetime
    ) -> PlanDelivery:
        """Return the message to the operator."""
        return PlanDelivery(
            delivery=delivery,
            subject=subject,
            kind=DeliveryClass.REPLY,
            occasion=CARD,
            contact=to.contact.id,
            customer=to.contact.customer,
            text=Personal(text),
            choices=Personal([[part for choice in row for part in choice] for row in choices]),
            not_before=now,
            expires_at=now + CARD_LIVES,
            verbatim=True,
            even_at_night=True,
        )


def _brief(news: News, clock: Clock) -> str:
    """Return somebody in a digest: ``#1042 Anna · WeChat (3): first words``."""
    kind, text = news.said.lines[0]
    words = " ".join(line(kind, text, clock.say).split())
    more = f" ({news.said.count})" if news.said.count > 1 else ""
    who = called(news.customer)
    number = len(f"#{news.customer.number} ")
    place = channel_said(news.contact.channel, clock.say)
    return f"{_cut(who, number + LONGEST_NAME)} · {place}{more}: {_cut(words, WORDS)}"


def _further(page: Sequence[News], clock: Clock) -> list[str]:
    lines = [" ".join(f"#{one.customer.number}" for one in page[:MOST_NUMBERS])] if page else []
    if len(page) > MOST_NUMBERS:
        said = clock.say("… and {count} more: /customers lists them")
        lines.append(said.format(count=len(page) - MOST_NUMBERS))
    return lines


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
