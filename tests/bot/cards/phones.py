"""Operators on their phones, over the real house."""

from datetime import timedelta

from bot.cards import Cards
from bot.cards.gathering import QUIET
from bot.desk import Desk
from bot.house import done
from bot.notices import Notices
from bot.operations.team import add_operator
from domain.conversations.commands import Message, Receive, Sender
from domain.conversations.events import ContentKind, MessageReceived
from domain.deliveries.commands import AcceptDelivery
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import Request
from domain.gate import ClaimDelivery
from domain.identity import (
    Address,
    Channel,
    ContactId,
    MediaId,
    Party,
    ProviderMessageId,
    Slug,
)
from domain.media.commands import KeepMedia
from domain.media.events import FileKind, MediaType
from domain.message import Context, Opening
from domain.operators.events import Role
from domain.processes.handover import OPERATOR_REPLY
from projections.windows import opened
from tests.bot.premises import BOT, Premises

WECHAT = Channel("wechat")
TWO_DAYS = Opening(messages=5, seconds=48 * 3600)
LI, WANG = "li", "wang"


class Phones:
    """The premises with a desk, cards and notices; Li is an agent, Wang is customer number 2."""

    def __init__(self, premises: Premises, desk: Desk) -> None:
        self.premises, self.desk = premises, desk
        self.restart()

    def restart(self) -> None:
        """Let new workers take over: nothing but the log is remembered."""
        self.cards = Cards(self.premises.house, self.premises.follower)
        self.notices = Notices(self.premises.house, self.premises.follower("operator-notices"))

    async def hear(self) -> None:
        """Let time pass until a burst is over, and everything be planned that can be."""
        self.premises.now += QUIET
        while await self.cards.step() == 0:
            pass

    async def cards_after(self, head: int, who: str = LI) -> list[DeliveryPlanned]:
        """The cards that somebody got since."""
        await self.hear()
        return self.planned("card", head, who)

    def planned(self, occasion: str, head: int, who: str = LI) -> list[DeliveryPlanned]:
        return [
            planned
            for planned in self.premises.events(DeliveryPlanned, head)
            if planned.occasion == occasion and planned.contact == self.premises.contact(who)
        ]

    def sent(self, planned: DeliveryPlanned, message: str) -> None:
        """Let a message go out; the provider calls it so."""
        house, premises = self.premises.house, self.premises
        claim = ClaimDelivery(
            delivery=planned.delivery,
            worker=Slug("w"),
            until=premises.now + timedelta(seconds=45),
            controls=house.settings.controls,
        )
        accept = AcceptDelivery(
            delivery=planned.delivery, attempt=1, provider_message=ProviderMessageId(message)
        )
        house.do("scheduler", claim, accept)

    def quotes(self, who: str, text: str, message: str) -> None:
        """Answer one of our messages."""
        self.premises.receive(who, Message(text=text, reply_to=ProviderMessageId(message)))

    def writes_by_wechat(self, who: str, text: str, opens: Opening | None = TWO_DAYS) -> ContactId:
        premises = self.premises
        premises.now += timedelta(seconds=1)
        received = Receive(
            channel=WECHAT,
            account=BOT,
            key=f"{who}{premises.now}",
            occurred_at=premises.now,
            content=Message(text=text),
            sender=Sender(external_id=who),
            opens=opens,
        )
        context = Context(actor=Slug("customer"), occurred_at=premises.now, now=premises.now)
        done(premises.house.submit_blocking(Request(context, (received,))))
        return ContactId(
            premises.house.vault.resolve([address := Address(Party.CONTACT, WECHAT, BOT, who)])[address]
        )


def text_of(planned: DeliveryPlanned) -> str:
    assert planned.text is not None
    return planned.text.value


def add(premises: Premises, who: str) -> list[str]:
    return [str(line) for line in add_operator(premises.house, who, Role.AGENT)]


def spend(phones: Phones, contact: ContactId) -> None:
    """Let what is planned for a contact go out, at the expense of its window."""
    premises = phones.premises
    premises.house.catch_up()
    with premises.house.views.read() as connection:
        windows = opened(connection, [contact]).get(contact, ())
    for planned in premises.events(DeliveryPlanned):
        if planned.contact == contact:
            premises.house.do(
                "scheduler",
                ClaimDelivery(
                    delivery=planned.delivery,
                    worker=Slug("w"),
                    until=premises.now + timedelta(seconds=45),
                    controls=premises.house.settings.controls,
                    opened=windows,
                ),
            )


async def card_of(phones: Phones, text: str = "hello", message: str = "77") -> DeliveryPlanned:
    head = phones.premises.house.log.head()
    phones.premises.says(WANG, text)
    (card,) = await phones.cards_after(head)
    phones.sent(card, message)
    return card


def replies(phones: Phones, head: int) -> list[str]:
    """What customers were told by operators."""
    return [
        text_of(planned)
        for planned in phones.premises.events(DeliveryPlanned, head)
        if planned.occasion == OPERATOR_REPLY and planned.contact == phones.premises.contact(WANG)
    ]


async def settled_notices(phones: Phones) -> None:
    while await phones.notices.step() == 0:
        pass


def sends_photo(phones: Phones, who: str, caption: str = "", quoting: str | None = None) -> KeepMedia:
    """Let somebody send a photo; returns what keeps it."""
    premises = phones.premises
    reply_to = None if quoting is None else ProviderMessageId(quoting)
    photo = Message(kind=ContentKind.PHOTO, text=caption, details={"file_id": "f"}, reply_to=reply_to)
    premises.receive(who, photo)
    came = [r for r in premises.everything() if isinstance(r.event, MessageReceived)][-1]
    return KeepMedia(
        media=MediaId(f"file{came.position}"),
        contact=premises.contact(who),
        message=came.id,
        kind=FileKind.PHOTO,
        content_type=MediaType.JPEG,
        size=1_000,
    )
