"""Who is one of us, and what became of the accounts of those who left."""

from bot.bootstrap import prepare
from bot.staff import left_behind
from domain.contacts.commands import UnbindContact
from domain.contacts.contact import contacts
from domain.contacts.events import ContactUnbound
from domain.dispatch import fold
from domain.identity import ContactId, OperatorId, StreamId, stream
from domain.operators.commands import RemoveOperator
from domain.operators.events import OperatorBound, OperatorRemoved, Role
from domain.operators.roster import ROSTER, roster
from domain.ports.event_log import Append, NewEvent, StreamWrite
from tests.bot.cards.phones import add
from tests.bot.premises import Premises


async def bound(premises: Premises, *accounts: str) -> OperatorId:
    """Ann, with these accounts."""
    desk = await premises.desk()
    for account in accounts:
        premises.says(account, "hello")
    for account in accounts:
        await premises.binds(desk, account, Role.AGENT)
    return premises.events(OperatorBound)[-1].operator


def removed_as_of_old(premises: Premises, operator: OperatorId) -> None:
    """Append the removal as it was written before it named the accounts."""
    name = stream(roster.category, ROSTER)
    version = premises.house.log.read_stream(StreamId(name))[-1].version
    event = NewEvent(OperatorRemoved(operator=operator), premises.house.context("system"))
    premises.house.log.append([Append((StreamWrite(name, version, (event,)),))])


def operator_of(premises: Premises, contact: ContactId) -> OperatorId | None:
    seen = premises.house.log.read_stream(stream(contacts.category, contact))
    return fold(contacts, seen).operator


async def test_a_removal_that_named_no_accounts_is_made_good_when_siyu_starts_and_only_once(
    premises: Premises,
) -> None:
    ann = await bound(premises, "ann")
    removed_as_of_old(premises, ann)
    contact = premises.contact("ann")
    assert operator_of(premises, contact) == ann
    assert left_behind(premises.house.log) == [UnbindContact(contact=contact, operator=ann)]
    prepare(premises.house)
    prepare(premises.house)
    assert operator_of(premises, contact) is None
    assert premises.events(ContactUnbound) == [ContactUnbound(contact=contact, operator=ann)]


async def test_who_came_back_to_the_team_keeps_their_account(premises: Premises) -> None:
    ann = await bound(premises, "ann")
    removed_as_of_old(premises, ann)
    desk = await premises.desk()
    await premises.binds(desk, "ann", Role.OWNER)
    (*_, again) = premises.events(OperatorBound)
    prepare(premises.house)
    assert operator_of(premises, premises.contact("ann")) == again.operator


async def test_a_removal_today_takes_the_mark_from_every_account_of_theirs(premises: Premises) -> None:
    desk = await premises.desk()
    ann = await bound(premises, "ann")
    await premises.binds(desk, "ann", Role.AGENT)
    premises.says("ann-at-home", "hello")
    *_, code = add(premises, "ann")
    premises.says("ann-at-home", code)
    while await desk.step():
        pass
    premises.house.do("system", RemoveOperator(operator=ann))
    unbound = {event.contact for event in premises.events(ContactUnbound)}
    assert unbound == {premises.contact("ann"), premises.contact("ann-at-home")}
    assert left_behind(premises.house.log) == []
