"""Whom a broadcast or a campaign means, page by page."""

from datetime import timedelta

import pytest

from domain.campaigns.commands import ListForCampaign
from domain.contacts.commands import BlockContact
from domain.customers.commands import MergeCustomers, NameCustomer, TagCustomer, UnmergeCustomer
from domain.forgetting import ForgetCustomer
from domain.identity import ContactId, Digest, OperatorId, Slug, Tag
from domain.message import Personal
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode
from domain.operators.events import Role
from projections.campaign_lists import LISTED, listed_for
from projections.engine import Projector
from projections.people.customers import Among, customers_by_id
from projections.people.meant import answering_for, faces, meant, size
from projections.tags import holders
from tests.domain.controls import commands
from tests.domain.controls.ids import SUMMER
from tests.projections.house import House, must
from tests.projections.reading import catch_up

VIP, LEFT = Tag("vip"), Tag("left")


@pytest.fixture
def people(house: House) -> House:
    """wang (#1), li (#2), who blocked us, zhao (#3), who is one of us, qian (#4), and sun (#5), heard in a group only."""
    for who in ("wang", "li", "zhao", "qian"):
        house.says(who, "hello")
    house.says("sun", "hello", group="tea")
    house.do(BlockContact(contact=house.contact("li"), reason=Slug("blocked")))
    house.do(
        AddOperator(
            operator=OperatorId("ann"), name=Personal("Ann"), name_digest=Digest("ann"), role=Role.AGENT
        ),
        IssueBindCode(
            operator=OperatorId("ann"), code=Digest("code"), expires_at=house.now + timedelta(days=1)
        ),
        BindOperator(code=Digest("code"), contact=house.contact("zhao")),
    )
    return house


def numbers(
    projector: Projector, *, among: tuple[Among, ...] = (), without: tuple[Among, ...] = ()
) -> list[int]:
    """Return whom a selection means, read in pages of one; their number is what ``size`` says."""
    catch_up(projector)
    found: list[int] = []
    with projector.views.read() as connection:
        while page := meant(
            connection, among=among, without=without, after=found[-1] if found else 0, limit=1
        ):
            found += [one.number for one in page]
        assert size(connection, among=among, without=without) == len(found)
    return found


def test_everybody_is_meant_but_operators_whether_or_not_they_can_be_reached(
    projector: Projector, people: House
) -> None:
    assert numbers(projector) == [1, 2, 4, 5]


def test_all_of_the_tags_and_none_of_the_others(projector: Projector, people: House) -> None:
    for who, tag in (("wang", VIP), ("li", VIP), ("li", LEFT), ("zhao", VIP), ("qian", LEFT)):
        people.do(TagCustomer(customer=people.customer(who), tag=tag))
    assert numbers(projector, among=(holders(VIP),)) == [1, 2]
    assert numbers(projector, among=(holders(VIP), holders(LEFT))) == [2]
    assert numbers(projector, among=(holders(VIP),), without=(holders(LEFT),)) == [1]
    assert numbers(projector, without=(holders(VIP), holders(LEFT))) == [5]


def test_of_a_list_each_is_meant_once_also_who_was_merged_into_another(
    projector: Projector, people: House
) -> None:
    listed = tuple(people.customer(who) for who in ("qian", "li", "qian"))
    must(people.do(commands.DRAFT_CAMPAIGN))
    must(people.do(ListForCampaign(campaign=SUMMER, customers=listed)))
    must(people.do(ListForCampaign(campaign=SUMMER, customers=listed[:1])))
    those = answering_for(listed_for(SUMMER))
    assert numbers(projector, among=(those,)) == [2, 4]
    must(people.do(MergeCustomers(customer=people.customer("wang"), other=people.customer("qian"))))
    assert numbers(projector, among=(those,)) == [1, 2]
    must(people.do(MergeCustomers(customer=people.customer("wang"), other=people.customer("li"))))
    assert numbers(projector, among=(those,)) == [1]
    must(people.do(UnmergeCustomer(customer=listed[0])))
    assert numbers(projector, among=(those,)) == [1, 4]


def test_a_campaign_that_is_written_anew_begins_its_list_anew(projector: Projector, people: House) -> None:
    must(people.do(commands.DRAFT_CAMPAIGN))
    must(people.do(ListForCampaign(campaign=SUMMER, customers=(people.customer("wang"),))))
    must(people.do(commands.DRAFT_CAMPAIGN))
    must(people.do(ListForCampaign(campaign=SUMMER, customers=(people.customer("qian"),))))
    assert numbers(projector, among=(answering_for(listed_for(SUMMER)),)) == [4]


def test_the_forgotten_are_on_no_list(projector: Projector, people: House) -> None:
    must(people.do(commands.DRAFT_CAMPAIGN))
    must(people.do(ListForCampaign(campaign=SUMMER, customers=(people.customer("wang"),))))
    wang, contact = people.customer("wang"), people.contact("wang")
    must(people.do(ForgetCustomer(customer=wang, addresses=((contact, Digest("a")),))))
    catch_up(projector)
    with projector.views.read() as connection:
        assert connection.execute(LISTED.select()).all() == []


def test_a_person_is_reached_where_they_can_be_and_were_heard_last(
    projector: Projector, people: House
) -> None:
    must(people.do(MergeCustomers(customer=people.customer("wang"), other=people.customer("qian"))))

    def chosen() -> ContactId:
        catch_up(projector)
        with projector.views.read() as connection:
            return meant(connection)[0].contact

    assert chosen() == people.contact("qian")
    people.says("wang", "here I am")
    assert chosen() == people.contact("wang")
    people.do(BlockContact(contact=people.contact("wang"), reason=Slug("blocked")))
    assert chosen() == people.contact("qian")
    people.do(BlockContact(contact=people.contact("qian"), reason=Slug("blocked")))
    assert chosen() == people.contact("wang")


def test_a_face_shows_what_the_whole_customer_would(projector: Projector, people: House) -> None:
    """Wang and Li are one now, and Li was given a name; Qian was given one too."""
    for who in ("li", "qian"):
        people.do(NameCustomer(customer=people.customer(who), remark=Personal(f"our {who}")))
    people.do(MergeCustomers(customer=people.customer("wang"), other=people.customer("li")))
    catch_up(projector)
    with projector.views.read() as connection:
        page = meant(connection)
        found = faces(connection, {one.customer: one.contact for one in page})
        whole = {one.id: one for one in customers_by_id(connection, [one.customer for one in page])}
        assert (
            faces(connection, {page[0].customer: page[1].contact, people.customer("li"): page[0].contact})
            == {}
        )
    assert [found[one.customer].name for one in page] == ["our li", "our qian", "Sun"]
    for one in page:
        customer, face = whole[one.customer], found[one.customer]
        contact = next(known for known in customer.contacts if known.id == one.contact)
        assert (face.number, face.known_as, face.name) == (customer.number, customer.known_as, customer.name)
        for field in ("account", "username", "private", "blocked", "last_in"):
            assert getattr(face, field) == getattr(contact, field), field
