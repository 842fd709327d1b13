"""Who may be written to about what, by which contact: the view must say what the decider says."""

from domain.contacts.contact import contacts
from domain.customers.commands import GrantConsent, MergeCustomers, UnmergeCustomer, WithdrawConsent
from domain.customers.customer import customers
from domain.customers.events import MARKETING, ConsentSource
from domain.dispatch import fold
from domain.identity import ContactId, Slug, stream
from projections.consents import standing
from projections.engine import Projector, verify
from projections.people.customers import listed
from tests.projections.house import House
from tests.projections.reading import catch_up

NEWS, SALE = Slug("news"), Slug("sale")
STOP, START = ConsentSource.STOP_WORD, ConsentSource.START_WORD


def as_the_decider_says(house: House, topic: Slug) -> dict[ContactId, tuple[bool, bool]]:
    """(agreed, ended) of each contact, folded from the streams."""
    found = {}
    for who in ("wang", "li"):
        contact = house.contact(who)
        owner = fold(contacts, house.log.read_stream(stream("contact", contact))).customer
        state = fold(customers, house.log.read_stream(stream("customer", owner or "")))
        found[contact] = (state.agrees(contact, topic), state.ended(topic))
    return found


def test_a_contact_may_be_written_to_as_the_decider_says_whatever_was_said_and_merged(
    projector: Projector, house: House
) -> None:
    for who in ("wang", "li"):
        house.says(who, "hello")
    wang, li = house.contact("wang"), house.contact("li")
    seen: set[tuple[bool, bool]] = set()
    for command in (
        WithdrawConsent(contact=wang, topic=NEWS, source=STOP),
        GrantConsent(contact=li, topic=SALE, source=START),
        MergeCustomers(customer=house.customer("wang"), other=house.customer("li")),
        WithdrawConsent(contact=li, topic=MARKETING, source=STOP),
        GrantConsent(contact=wang, topic=NEWS, source=START),
        UnmergeCustomer(customer=house.customer("li")),
        GrantConsent(contact=li, topic=MARKETING, source=START),
        MergeCustomers(customer=house.customer("wang"), other=house.customer("li")),
    ):
        house.do(command)
        catch_up(projector)
        for topic in (MARKETING, NEWS, SALE):
            with projector.views.read() as connection:
                shown = standing(connection, [wang, li], topic)
            assert shown == as_the_decider_says(house, topic), (command, topic)
            seen.update(shown.values())
    assert seen == {(True, False), (False, True), (False, False)}
    assert verify(projector) == []


def test_nobody_knows_a_contact_that_never_wrote(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    catch_up(projector)
    with projector.views.read() as connection:
        assert standing(connection, [], MARKETING) == {}


def test_whoever_ends_everything_is_shown_to_have_ended_each_topic_with_the_evidence(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    wang = house.contact("wang")
    house.do(GrantConsent(contact=wang, topic=NEWS, source=START, text_version=Slug("2026-11")))
    catch_up(projector)
    with projector.views.read() as connection:
        (news,) = [c for c in listed(connection)[0].consents if c.topic == NEWS]
    assert (news.granted, news.source, news.text_version) == (True, "start-word", "2026-11")
    house.do(WithdrawConsent(contact=wang, topic=MARKETING, source=STOP))
    catch_up(projector)
    with projector.views.read() as connection:
        shown = {c.topic: (c.granted, c.source) for c in listed(connection)[0].consents}
    assert shown == {MARKETING: (False, "stop-word"), NEWS: (False, "stop-word")}
