"""Tags by hand and by keyword rules."""

from domain.conversations.commands import Message, Press
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.identity import RuleId, Slug, Tag
from domain.message import Personal
from domain.rules.commands import AddRule, RemoveRule
from domain.rules.events import Match
from projections.engine import Projector
from projections.tags import TagCount, Tagging, all_tags, tagged_with, tags_of
from tests.projections.house import House
from tests.projections.reading import catch_up
from tests.projections.test_people import make_staff

VIP, REFUND = Tag("vip"), Tag("refund")


def add_rule(house: House, pattern: str = "退款", *, in_group: bool = False) -> None:
    rule = AddRule(
        rule=RuleId("r1"), match=Match.CONTAINS, pattern=Personal(pattern), tag=REFUND, in_group=in_group
    )
    house.do(rule)


def tags_shown(projector: Projector, house: House, who: str) -> list[str]:
    catch_up(projector)
    with projector.views.read() as connection:
        return [f"{tagging.tag} by {tagging.source}" for tagging in tags_of(connection, house.customer(who))]


def test_a_tag_by_hand_holds_until_it_is_taken_away(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    wang = house.customer("wang")
    house.do(TagCustomer(customer=wang, tag=VIP))
    given = house.everything()[-1]
    catch_up(projector)
    with projector.views.read() as connection:
        assert tags_of(connection, wang) == [
            Tagging(
                tag=VIP,
                source=Slug("hand"),
                rule=None,
                cause=given.id,
                effective_from=given.occurred_at,
                effective_to=None,
                known_from=given.position,
                known_to=None,
            )
        ]
    house.do(UntagCustomer(customer=wang, tag=VIP))
    assert tags_shown(projector, house, "wang") == []
    with projector.views.read() as connection:
        then = tags_of(connection, wang, as_of=given.position)
        assert [(tagging.tag, tagging.known_to) for tagging in then] == [(VIP, given.position + 1)]
        assert tagged_with(connection, VIP, as_of=given.position) == [wang]
        assert tagged_with(connection, VIP) == []


def test_a_rule_tags_who_writes_a_matching_message_after_it_was_added(
    projector: Projector, house: House
) -> None:
    house.says("wang", "我要退款")
    add_rule(house)
    house.says("li", "我要退款")
    first = house.log.head()
    house.says("li", "退款！！！")
    house.says("zhao", "hello")
    assert [tags_shown(projector, house, who) for who in ("wang", "li", "zhao")] == [
        [],
        ["refund by rule"],
        [],
    ]
    with projector.views.read() as connection:
        (tagging,) = tags_of(connection, house.customer("li"))
        assert (tagging.rule, tagging.known_from <= first) == (RuleId("r1"), True)
        assert tagged_with(connection, REFUND) == [house.customer("li")]


def test_a_removed_rule_tags_nobody_more_but_takes_no_tag_away(projector: Projector, house: House) -> None:
    add_rule(house)
    house.says("wang", "我要退款")
    house.do(RemoveRule(rule=RuleId("r1")))
    house.says("li", "我要退款")
    assert [tags_shown(projector, house, who) for who in ("wang", "li")] == [["refund by rule"], []]


def test_rules_look_at_what_is_said_to_the_bot_by_customers_in_their_own_words(
    projector: Projector, house: House
) -> None:
    add_rule(house)
    house.says("ann", "hello")
    make_staff(house, "ann")
    house.says("ann", "我要退款")
    house.receive("li", Message(text="我要退款", forwarded=True))
    house.receive("zhao", Message(text="我要退款", to_bot=False), group="tea")
    house.receive("qian", Message(text="我要退款", to_bot=True), group="tea")
    shown = [tags_shown(projector, house, who) for who in ("ann", "li", "zhao", "qian")]
    assert shown == [[], [], [], ["refund by rule"]]


def test_a_rule_of_the_same_batch_knows_who_is_one_of_us(projector: Projector, house: House) -> None:
    house.says("ann", "hello")
    make_staff(house, "ann")
    catch_up(projector)
    add_rule(house)
    house.says("ann", "退款")
    house.says("wang", "退款")
    assert tags_shown(projector, house, "ann") == []
    assert tags_shown(projector, house, "wang") == ["refund by rule"]


def test_a_rule_for_groups_looks_at_everything_said_there(projector: Projector, house: House) -> None:
    add_rule(house, in_group=True)
    house.receive("zhao", Message(text="我要退款", to_bot=False), group="tea")
    assert tags_shown(projector, house, "zhao") == ["refund by rule"]


def test_a_customer_with_a_tag_by_hand_and_by_rule_counts_once(projector: Projector, house: House) -> None:
    add_rule(house)
    for who in ("wang", "li"):
        house.says(who, "我要退款")
    house.do(
        TagCustomer(customer=house.customer("wang"), tag=REFUND),
        TagCustomer(customer=house.customer("wang"), tag=VIP),
    )
    assert tags_shown(projector, house, "wang") == ["refund by rule", "refund by hand", "vip by hand"]
    with projector.views.read() as connection:
        assert all_tags(connection) == [TagCount(REFUND, 2), TagCount(VIP, 1)]
        assert tagged_with(connection, REFUND) == sorted([house.customer("wang"), house.customer("li")])


def test_a_button_that_says_something_is_tagged_by_rule_too(projector: Projector, house: House) -> None:
    add_rule(house)
    house.receive("wang", Press(data="say:我要退款", query=""))
    house.receive("li", Press(data="我要退款", query=""))
    house.says("zhao", "hello", group="tea")
    house.receive("zhao", Press(data="say:我要退款", query=""), group="tea")
    shown = [tags_shown(projector, house, who) for who in ("wang", "li", "zhao")]
    assert shown == [["refund by rule"], [], []]
