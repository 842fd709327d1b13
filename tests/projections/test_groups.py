"""Groups: known, found, left, and who is there."""

from datetime import timedelta

from domain.conversations.commands import GroupChange, Join, Leave, Message, Sender
from domain.identity import Slug
from projections.engine import Projector
from projections.groups import Group, Member, find, group, groups_by_id, groups_of, listed, members_of
from tests.projections.house import BOT, TELEGRAM, House
from tests.projections.reading import catch_up


def test_a_group_is_as_the_provider_shows_it(projector: Projector, house: House) -> None:
    house.says("wang", "hello", group="tea")
    began = house.now
    house.says("li", "hello", group="tea")
    catch_up(projector)
    expected = Group(
        id=house.group("tea"),
        channel=TELEGRAM,
        account=BOT,
        external_id="tea",
        title="Tea",
        kind=Slug("group"),
        gone=None,
        first_seen=began,
        last_activity=house.now,
        members=2,
    )
    with projector.views.read() as connection:
        assert group(connection, house.group("tea")) == expected
        assert groups_by_id(connection, [house.group("tea"), house.group("nothing")]) == [expected]
        assert groups_of(connection, house.contact("li")) == [expected]
        assert group(connection, house.group("nothing")) is None


def test_groups_are_listed_by_liveliness_and_those_left_only_if_asked_for(
    projector: Projector, house: House
) -> None:
    for name in ("tea", "coffee", "milk"):
        house.says("wang", "hello", group=name)
    house.says("wang", "again", group="tea")
    house.receive("wang", GroupChange(change=Slug("bot-left")), group="coffee")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.title for known in listed(connection)] == ["Tea", "Milk"]
        assert [(known.title, known.gone) for known in listed(connection, gone=True)] == [
            ("Coffee", Slug("bot-left")),
            ("Tea", None),
            ("Milk", None),
        ]


def test_who_was_seen_in_a_group_is_a_member_until_they_leave(projector: Projector, house: House) -> None:
    house.receive("wang", Join(members=(Sender(external_id="wang"), Sender(external_id="li"))), group="tea")
    joined = house.now
    house.receive("li", Leave(member=Sender(external_id="li")), group="tea")
    left = house.now
    house.receive("zhao", Message(text="hello"), group="tea")
    house.receive("qian", Leave(member=Sender(external_id="qian")), group="tea")
    catch_up(projector)
    with projector.views.read() as connection:
        assert members_of(connection, house.group("tea")) == [
            Member(house.contact("zhao"), left + timedelta(seconds=1), None),
            Member(house.contact("wang"), joined, None),
            Member(house.contact("qian"), house.now, house.now),
            Member(house.contact("li"), joined, left),
        ]
        assert groups_of(connection, house.contact("li")) == []


def test_a_group_is_found_by_id_address_and_title_also_after_it_moved(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello", group="tea lovers")
    house.receive("wang", GroupChange(change=Slug("migrated"), new_external_id="-100"), group="tea lovers")
    catch_up(projector)
    with projector.views.read() as connection:
        (known,) = find(connection, "tea")
        assert (known.external_id, known.kind) == ("-100", Slug("supergroup"))
        for text in (house.group("tea lovers"), "-100", "telegram:-100", "Tea Lovers", "lovers"):
            assert find(connection, text) == [known]
        assert [find(connection, text) for text in ("", "webchat:-100", "coffee")] == [[], [], []]
