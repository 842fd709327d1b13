import pytest

from channels.webchat.client import OpenSockets, WebChatMessenger
from domain.errors import PermanentFailure
from domain.identity import Account, Address, Channel, ContactId, Party, ProviderMessageId
from domain.ports.messenger import Outbound
from tests.channels.webchat.house import START, House, outbound

KNOWN = "a" * 64


def messenger() -> WebChatMessenger:
    def contact_of(channel: Channel, account: Account, external_id: str) -> ContactId | None:
        return ContactId("one") if (channel, account, external_id) == ("webchat", "main", KNOWN) else None

    return WebChatMessenger(OpenSockets(1), contact_of, lambda: START, lambda media: f"/media/{media}")


async def test_a_message_to_a_visitor_who_is_away_is_sent_as_the_history_will_show_it() -> None:
    assert await messenger().send(outbound(KNOWN, "5f1c")) == ProviderMessageId("5f1c")


async def test_a_visitor_who_was_never_here_cannot_be_reached() -> None:
    with pytest.raises(PermanentFailure) as caught:
        await messenger().send(outbound("b" * 64))
    assert (caught.value.reason, caught.value.unreachable) == ("unknown-visitor", True)


async def test_there_are_no_groups_here() -> None:
    group = Address(Party.GROUP, Channel("webchat"), Account("main"), KNOWN)
    with pytest.raises(PermanentFailure) as caught:
        await messenger().send(Outbound(key="5f1c", to=group, text="hi"))
    assert (caught.value.reason, caught.value.unreachable) == ("no-groups", False)


async def test_another_account_does_not_know_this_visitor() -> None:
    house = House()
    house.knows(KNOWN, "vip")
    sender = WebChatMessenger(OpenSockets(1), house.desk().contact_of, lambda: START, house.desk().link)
    with pytest.raises(PermanentFailure):
        await sender.send(outbound(KNOWN))
