"""Files on cards, and files as answers."""

from dataclasses import replace

import pytest

from domain.conversations.commands import Message
from domain.conversations.events import ContentKind, MessageReceived
from domain.deliveries.events import DeliveryPlanned
from domain.identity import (
    Slug,
)
from domain.media.commands import RefuseMedia
from domain.processes.handover import OPERATOR_REPLY
from tests.bot.cards.phones import LI, WANG, Phones, card_of, replies, sends_photo, text_of
from tests.bot.premises import settled


async def test_a_photo_that_is_kept_in_time_is_on_the_card_and_a_later_one_follows_it(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    phones.premises.house.do("system", keep := sends_photo(phones, WANG, "this one?"))
    (card,) = await phones.cards_after(head)
    assert (text_of(card), card.media) == ("#2 Wang · Telegram\n[photo] this one?", keep.media)
    late = sends_photo(phones, WANG, "or this?")
    (_, card) = await phones.cards_after(head)
    assert (text_of(card), card.media) == ("#2 Wang · Telegram\n[photo] or this?", None)
    phones.premises.house.do("system", late)
    (*_, follows) = await phones.cards_after(head)
    assert (text_of(follows), follows.media) == ("#2 Wang · Telegram\n[photo]", late.media)


async def test_a_photo_in_a_group_is_on_nobodys_card(phones: Phones) -> None:
    head = phones.premises.house.log.head()
    phones.premises.receive(WANG, Message(kind=ContentKind.PHOTO, details={"file_id": "f"}), group="tea")
    came = [r for r in phones.premises.everything(head) if isinstance(r.event, MessageReceived)][-1]
    keep = replace(sends_photo(phones, "li"), contact=phones.premises.contact(WANG), message=came.id)
    phones.premises.house.do("system", keep)
    assert await phones.cards_after(head) == []


@pytest.mark.parametrize("caption", ["", "this is it"])
async def test_a_photo_that_answers_a_card_goes_to_its_customer_when_it_is_kept(
    phones: Phones, caption: str
) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    keep = sends_photo(phones, LI, caption, quoting="77")
    await settled(phones.desk)
    assert replies(phones, head) == []
    phones.premises.house.do("system", keep)
    await settled(phones.desk)
    (reply,) = [p for p in phones.premises.events(DeliveryPlanned, head) if p.occasion == OPERATOR_REPLY]
    assert (text_of(reply), reply.media) == (caption, keep.media)
    assert phones.premises.answers(LI, head) == ["✓ #2"]


async def test_an_operator_is_told_when_their_photo_cannot_be_sent(phones: Phones) -> None:
    await card_of(phones)
    head = phones.premises.house.log.head()
    keep = sends_photo(phones, LI, "this is it", quoting="77")
    refuse = RefuseMedia(
        media=keep.media, contact=keep.contact, message=keep.message, reason=Slug("too-large")
    )
    phones.premises.house.do("system", refuse)
    await settled(phones.desk)
    assert replies(phones, head) == []
    assert phones.premises.answers(LI, head) == ["This file was not sent: too-large."]
