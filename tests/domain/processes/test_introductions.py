"""What customers say they are called."""

from dataclasses import replace

import pytest

from domain.contacts.contact import contacts
from domain.contacts.events import ContactSeen, CustomerIntroduced
from domain.conversations.commands import Message, Receive
from domain.conversations.events import ContentKind
from domain.forgetting import ForgetCustomer
from domain.identity import Digest
from domain.message import Personal
from domain.operators.commands import BindOperator
from tests.domain.controls import commands
from tests.domain.controls.ids import CODE
from tests.domain.shop import TEA_FANS, Shop, came, said


def names(shop: Shop) -> list[str]:
    return [event.name.value for event in shop.all_of(CustomerIntroduced)]


def test_who_says_their_name_is_introduced_in_the_same_append_also_by_their_first_word() -> None:
    shop = Shop()
    done = shop.when(said("我叫王芳"))
    kinds = [type(recorded.event) for recorded in done.events]
    assert kinds.index(ContactSeen) < kinds.index(CustomerIntroduced)
    introduced = shop.all_of(CustomerIntroduced)[0]
    assert (introduced.contact, introduced.name) == (shop.contact(), Personal("王芳"))


def test_the_same_name_again_changes_nothing_and_another_one_does() -> None:
    shop = Shop().given(said("我叫王芳"), said("我是王芳"), said("my name is Ann"), said("我是王芳"))
    assert names(shop) == ["王芳", "Ann", "王芳"]


@pytest.mark.parametrize(
    "received",
    [
        said("我叫王芳", chat=TEA_FANS),
        said("我叫王芳", forwarded=True),
        said("我叫王芳，多少钱？"),
        came(Message(kind=ContentKind.PHOTO, text="我叫王芳")),
    ],
    ids=["in a group", "forwarded", "more than that", "below a photo"],
)
def test_other_words_introduce_nobody(received: Receive) -> None:
    assert names(Shop().given(received)) == []


def test_one_of_us_is_not_introduced() -> None:
    shop = Shop().given(said("/bind 1234"), commands.ADD_OPERATOR, commands.ISSUE_BIND_CODE)
    shop.given(BindOperator(code=CODE, contact=shop.contact()), said("我叫王芳"))
    assert names(shop) == []


def test_of_the_forgotten_not_even_the_hash_of_the_name_is_kept_in_the_state() -> None:
    shop = Shop().given(said("我叫王芳"))
    wang = shop.contact()
    assert shop.state(contacts, wang).introduced is not None
    shop.given(ForgetCustomer(customer=shop.customer(), addresses=((wang, Digest("a")),)))
    assert shop.state(contacts, wang).introduced is None
    shop.given(replace(commands.INTRODUCE_CUSTOMER, contact=wang))
    assert names(shop) == ["王芳"]
