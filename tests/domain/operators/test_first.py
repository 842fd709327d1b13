"""What a program asks for under a key of its own happens once, however often and however close together it asks."""

from dataclasses import replace

import pytest

from domain.customers.commands import AddNote
from domain.customers.events import NoteAdded
from domain.dispatch import Done
from domain.identity import Digest
from domain.message import Personal
from domain.operators.events import CommandGiven
from tests.domain.controls import commands
from tests.domain.controls.ids import LI
from tests.domain.shop import Shop, said


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"))


def noted(shop: Shop) -> AddNote:
    return AddNote(customer=shop.customer(), operator=LI, note=Personal("likes 龙井"))


def happened(shop: Shop) -> list[str]:
    wanted = NoteAdded | CommandGiven
    return [type(r.event).__name__ for r in shop.recorded() if isinstance(r.event, wanted)]


def test_the_first_is_carried_out_and_those_after_it_are_duplicates(shop: Shop) -> None:
    assert not shop.when(commands.RECORD_FIRST, noted(shop)).duplicate
    assert shop.when(commands.RECORD_FIRST, noted(shop)).duplicate
    assert happened(shop) == ["CommandGiven", "NoteAdded"]


def test_of_two_in_one_batch_one_is_carried_out(shop: Shop) -> None:
    request = shop.request(commands.RECORD_FIRST, noted(shop))
    first, second = shop.dispatcher.step([request, request])
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert happened(shop) == ["CommandGiven", "NoteAdded"]


def test_another_key_is_another_request(shop: Shop) -> None:
    shop.when(commands.RECORD_FIRST, noted(shop))
    shop.when(replace(commands.RECORD_FIRST, request=Digest("r4")), noted(shop))
    assert happened(shop) == ["CommandGiven", "NoteAdded"] * 2
