"""/forget: asks, with whom it means, and records the promise."""

import pytest

from bot.commands.command import CLI
from domain.contacts.suppression import address_digest
from domain.customers.events import CustomerForgotten
from domain.forgetting import ForgetCustomer
from domain.operators.events import CommandOutcome
from tests.bot.commands.shop import Shop
from tests.projections.house import BOT, TELEGRAM


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.says("wang", "hello")
    shop.says("li", "hello")
    return shop


@pytest.mark.parametrize("line", ["/forget wang", "/forget #1", "遗忘 #1", "/forget @wang_x"])
def test_it_asks_first_and_the_button_names_the_customer_by_number(busy: Shop, line: str) -> None:
    reply = busy.asks(line)
    assert reply.outcome is CommandOutcome.ASKED
    assert reply.commands == ()
    assert reply.text.startswith("Forget #1 Wang (telegram @wang_x)? ")
    assert reply.choices == ((("Forget for good", "/forget #1 --yes"),),)
    assert reply.customers == (busy.customer("wang"),)


@pytest.mark.parametrize("line", ["/forget #1 --yes", "/forget wang —yes", "遗忘 #1 --yes"])
def test_with_yes_it_promises_and_its_answer_names_nobody(busy: Shop, line: str) -> None:
    before = busy.orders("/note wang likes tea")
    assert before.customers == (busy.customer("wang"),)
    request = busy.request()
    reply = busy.asks(line, request=request)
    (command,) = reply.commands
    address = address_digest(busy.digest, TELEGRAM, BOT, "wang")
    assert isinstance(command, ForgetCustomer)
    assert (command.customer, command.operator) == (busy.customer("wang"), CLI)
    assert command.addresses == ((busy.contact("wang"), address),)
    assert command.orders[-1] == request
    assert (reply.outcome, reply.customers) == (CommandOutcome.DONE, ())
    assert reply.text == ("#1 is forgotten: within a minute nothing personal about them is stored any more.")


def test_afterwards_nobody_finds_them(busy: Shop) -> None:
    busy.orders("/forget #1", confirmed=True)
    assert [event.customer for event in busy.events_of(CustomerForgotten)] == [busy.customer("wang")]
    for line in ("/note #1 tea", "/find wang", "/forget #1", "/reply @wang_x hello"):
        assert "Wang" not in busy.asks(line).text
    assert busy.asks("/customers").text.startswith("Customers: 1")
