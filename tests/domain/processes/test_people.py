"""New customers, operators' contacts, and those who turn out to be unreachable."""

from dataclasses import replace

from domain.contacts.contact import contacts
from domain.contacts.events import (
    ContactBlocked,
    ContactBoundToOperator,
    ContactReached,
    ContactSeen,
    ContactUnbound,
)
from domain.conversations.events import MessageReceived
from domain.customers.events import CustomerCreated
from domain.deliveries.commands import RejectDelivery
from domain.deliveries.events import DeliveryRejected
from domain.identity import Slug
from domain.operators.commands import BindOperator
from domain.operators.events import BindingRefused, OperatorBound, OperatorRemoved
from domain.operators.roster import ROSTER, roster
from tests.domain.controls import commands
from tests.domain.controls.ids import BOB, CODE, HELLO, LI
from tests.domain.shop import TEA_FANS, Shop, said


def test_elsewhere_reaching_somebody_in_private_implies_no_consent_either() -> None:
    shop = Shop(implied_consent=False).given(said("大家好", chat=TEA_FANS))
    shop.when(said("你好")).then_kinds(MessageReceived, ContactReached)


def test_a_contact_seen_makes_its_customer_in_the_same_append() -> None:
    Shop(implied_consent=False).when(commands.SEE_CONTACT).then_kinds(ContactSeen, CustomerCreated)


def test_binding_marks_the_contact_as_one_of_us() -> None:
    shop = Shop().given(said("/bind 1234"), commands.ADD_OPERATOR, commands.ISSUE_BIND_CODE)
    wang = shop.contact()
    shop.when(BindOperator(code=CODE, contact=wang)).then(
        OperatorBound(operator=LI, contact=wang), ContactBoundToOperator(contact=wang, operator=LI)
    )
    assert (shop.state(roster, ROSTER).operator_of(wang), shop.state(contacts, wang).operator) == (LI, LI)


def test_who_leaves_the_team_is_one_of_us_no_more_on_none_of_their_accounts() -> None:
    shop = Shop().given(said("/bind 1234"), commands.ADD_OPERATOR, commands.ISSUE_BIND_CODE)
    wang = shop.contact()
    shop.given(BindOperator(code=CODE, contact=wang))
    shop.when(commands.REMOVE_OPERATOR).then(
        OperatorRemoved(operator=LI, contacts=(wang,)), ContactUnbound(contact=wang, operator=LI)
    )
    assert shop.state(contacts, wang).operator is None


def test_a_refused_binding_marks_nobody() -> None:
    shop = Shop().given(said("/bind 1234"))
    shop.when(BindOperator(code=CODE, contact=shop.contact())).then(BindingRefused(contact=shop.contact()))


def test_of_two_who_say_the_same_code_at_once_one_is_bound() -> None:
    shop = Shop().given(commands.ADD_OPERATOR, commands.ISSUE_BIND_CODE)
    bind = commands.BIND_OPERATOR
    shop.batch(bind, replace(bind, contact=BOB))
    assert shop.all_of(OperatorBound) == [OperatorBound(operator=LI, contact=bind.contact)]
    assert shop.all_of(BindingRefused) == [BindingRefused(contact=BOB)]


def test_who_turns_out_to_be_unreachable_is_marked_until_they_write_again() -> None:
    shop = Shop().given(said("你好"))
    plan = replace(commands.PLAN_DELIVERY, contact=shop.contact(), customer=shop.customer())
    shop.given(plan, commands.CLAIM_DELIVERY)
    gone = RejectDelivery(delivery=HELLO, attempt=1, reason=Slug("deactivated"), unreachable=True)
    shop.when(gone).then(
        DeliveryRejected(delivery=HELLO, reason=Slug("deactivated"), unreachable=True),
        ContactBlocked(contact=shop.contact(), reason=Slug("deactivated")),
    )
    assert shop.given(said("我回来了")).state(contacts, shop.contact()).reachable


def test_processes_have_names_of_their_own_since_positions_are_kept_under_them() -> None:
    shop = Shop()
    names = [process.name for process in shop.processes]
    assert sorted(set(names)) == sorted(names)
    assert names == [
        "new-customers",
        "binding",
        "stop-words",
        "settling",
        "identifying",
        "introductions",
        "purchasing",
        "handover",
        "recurring",
        "welcome",
        "auto-reply",
        "attribution",
    ]
