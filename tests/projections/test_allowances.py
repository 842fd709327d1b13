"""Consents for single messages: counted as they are given, used, given back and refused."""

from domain.conversations.commands import Act
from domain.identity import Slug
from projections.allowances import given, left, subscription
from projections.engine import Projector
from tests.projections.house import House
from tests.projections.reading import catch_up
from tests.projections.test_windows import opens

SHIPPED, NEWS = subscription("shipped"), subscription("news")


def answers(house: House, action: str = "chose-subscription", **choices: str) -> None:
    """Wang answers what a page asked about templates."""
    data = {"choices": [{"template": template, "choice": choice} for template, choice in choices.items()]}
    opens(house, Act(action=Slug(action), data=data), None)


def seen(house: House, projector: Projector) -> tuple[dict[Slug, int], dict[Slug, int]]:
    """What was given, and what of it is left."""
    catch_up(projector)
    with projector.views.read() as connection:
        contact = house.contact("wang")
        return given(connection, [contact]).get(contact, {}), dict(left(connection, contact))


def test_each_yes_is_one_message_and_a_no_takes_back_what_is_left(house: House, projector: Projector) -> None:
    answers(house, shipped="accept", news="reject")
    answers(house, shipped="accept")
    assert seen(house, projector) == ({SHIPPED: 2}, {SHIPPED: 2})
    answers(house, "changed-subscription", shipped="reject")
    assert seen(house, projector) == ({}, {})


def test_other_actions_and_nonsense_give_nothing(house: House, projector: Projector) -> None:
    answers(house, "scanned", shipped="accept")
    answers(house, shipped="perhaps")
    opens(house, Act(action=Slug("chose-subscription"), data={}), None)
    assert seen(house, projector) == ({}, {})
