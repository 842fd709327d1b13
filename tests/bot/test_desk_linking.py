"""Customers link their accounts over the desk, without being operators."""

from bot.desk import Desk
from domain.contacts.contact import contacts
from domain.customers.events import CustomerMerged
from domain.dispatch import fold
from domain.identity import CustomerId, stream
from tests.bot.premises import Premises, settled


def owner(premises: Premises, who: str) -> CustomerId | None:
    """Whom somebody's account belongs to now."""
    log = premises.house.log
    return fold(contacts, log.read_stream(stream(contacts.category, premises.contact(who)))).customer


async def test_a_customer_asks_for_a_code_in_one_chat_and_sends_it_from_another(premises: Premises) -> None:
    desk: Desk = await premises.desk()
    premises.says("wang", "hi")
    premises.says("wang-too", "hi")
    head = premises.house.log.head()
    premises.says("wang", "关联")
    await settled(desk)
    (asked,) = premises.answers("wang", head)
    code = asked.split()[-1]
    premises.says("wang-too", f"关联 {code}")
    await settled(desk)
    assert len(premises.answers("wang-too", head)) == 1
    assert owner(premises, "wang-too") == owner(premises, "wang")
    assert [event.basis for event in premises.events(CustomerMerged)] == ["code"]


async def test_whoever_talks_of_linking_is_only_talking(premises: Premises) -> None:
    desk: Desk = await premises.desk()
    premises.says("wang", "hi")
    head = premises.house.log.head()
    for said in ("关联 手机 怎么弄", "关联手机", "link ABCD2345"):
        premises.says("wang", said)
    await settled(desk)
    assert premises.answers("wang", head) == []
