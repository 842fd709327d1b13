"""Merged and un-merged customers in the views."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.contacts.commands import BlockContact, IssueLinkCode, RedeemLinkCode
from domain.contacts.events import ContactSeen
from domain.conversations.commands import Message, Reachability
from domain.conversations.events import ContentKind
from domain.customers.commands import (
    AddNote,
    MergeCustomers,
    NameCustomer,
    TagCustomer,
    UnmergeCustomer,
    UntagCustomer,
    WithdrawConsent,
)
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.events import DeliveryClass
from domain.identity import Channel, ContactId, Slug, SubjectId, Tag
from domain.message import Personal
from domain.processes.identifying import PHONE, identified_by
from projections.engine import Projector, verify
from projections.link_codes import LinkCode, open_code, refusals
from projections.people.customers import (
    count,
    customer,
    customers_by_id,
    listed,
    newest,
    record,
    subjects_of,
)
from projections.people.find import find
from projections.people.identifiers import Identifier, identifiers_of
from projections.people.meant import meant
from projections.people.records import MergedAway
from projections.reservations import reserved
from projections.suggestions import Suggestion, suggested
from projections.tags import all_tags, holders, tagged_with, tags_of
from projections.timeline import Kind, of_customer
from tests.projections.house import House
from tests.projections.reading import catch_up

VIP, TEA = Tag("vip"), Tag("tea")
WEBCHAT = Channel("webchat")
NUMBER = "+8613800138000"


@pytest.fixture
def people(house: House) -> House:
    """#1 Wang, #2 Li, #3 Zhao."""
    for who in ("wang", "li", "zhao"):
        house.says(who, f"I am {who}")
    return house


def merge(house: House, one: str = "wang", other: str = "li") -> None:
    house.do(MergeCustomers(customer=house.customer(one), other=house.customer(other)))


def unmerge(house: House, who: str = "li") -> None:
    house.do(UnmergeCustomer(customer=house.customer(who)))


def tag(house: House, who: str, *tags: Tag) -> None:
    house.do(*(TagCustomer(customer=house.customer(who), tag=tag) for tag in tags))


def note_phone(house: House, *people: str, verified: bool = False) -> None:
    house.do(
        *(
            identified_by(house.contact(who), PHONE, NUMBER, verified=verified, digest=house.digest)
            for who in people
        )
    )


def test_a_merged_customer_is_one_and_keeps_the_number_of_the_one_that_stays(
    projector: Projector, people: House
) -> None:
    merge(people)
    people.says("sun", "hello")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.number for known in listed(connection)] == [1, 3, 4]
        assert (count(connection), len(newest(connection))) == (3, 3)
        wang = listed(connection)[0]
        assert {contact.id for contact in wang.contacts} == {people.contact("wang"), people.contact("li")}
        assert wang.merged == (MergedAway(people.customer("li"), 2, ""),)
        assert record(connection, 2) == wang.merged[0]
        assert record(connection, 1) is None


def test_the_name_that_somebody_says_goes_with_their_account_when_two_become_one_and_back(
    projector: Projector, house: House
) -> None:
    house.receive("", Message(text="hello"))
    house.receive("", Message(text="我叫王芳"), channel=WEBCHAT)
    one = house.customer("")
    other = next(e.customer for e in house.events_of(ContactSeen) if e.channel == WEBCHAT)

    def names() -> list[str]:
        catch_up(projector)
        with projector.views.read() as connection:
            return [known.known_as for known in listed(connection)]

    assert names() == ["", "王芳"]
    house.do(MergeCustomers(customer=one, other=other))
    assert names() == ["王芳"]
    house.do(UnmergeCustomer(customer=other))
    assert names() == ["", "王芳"]
    assert verify(projector) == []


@pytest.mark.parametrize("said", ["#2", "telegram:li", "@li_x", "Li", "老李", "老"])
def test_whatever_led_to_the_one_merged_away_leads_to_the_other(
    projector: Projector, people: House, said: str
) -> None:
    people.do(NameCustomer(customer=people.customer("li"), remark=Personal("老李")))
    merge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.number for known in find(connection, said)] == [1]
        by_id = customer(connection, people.customer("li"))
        assert by_id is not None
        assert by_id.number == 1
        assert customers_by_id(connection, [people.customer("wang"), people.customer("li")]) == [by_id]


def test_remark_and_notes_of_both_are_shown_and_each_has_its_own_again_afterwards(
    projector: Projector, people: House
) -> None:
    li, wang = people.customer("li"), people.customer("wang")
    people.do(
        NameCustomer(customer=li, remark=Personal("老李")),
        AddNote(customer=li, operator=None, note=Personal("likes tea")),
        AddNote(customer=wang, operator=None, note=Personal("likes milk")),
    )
    merge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        known = listed(connection)[0]
        assert (known.remark, known.notes) == ("老李", 2)
        notes = [e.text for e in of_customer(connection, wang) if e.kind is Kind.NOTE]
        assert notes == ["likes tea", "likes milk"]
        assert set(subjects_of(connection, wang)) == {
            SubjectId(f"{kind}-{key}")
            for kind, key in [
                ("customer", wang),
                ("customer", li),
                ("contact", people.contact("wang")),
                ("contact", people.contact("li")),
            ]
        }
    unmerge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert [(known.remark, known.notes) for known in listed(connection)] == [
            ("", 1),
            ("老李", 1),
            ("", 0),
        ]
        assert [known.merged for known in listed(connection)] == [(), (), ()]


def test_the_timeline_is_that_of_all_contacts_and_of_each_again_after_the_un_merge(
    projector: Projector, people: House
) -> None:
    merge(people, "li", "zhao")
    merge(people)
    people.says("zhao", "together")
    catch_up(projector)

    def said(who: str) -> list[str | None]:
        with projector.views.read() as connection:
            return [e.text for e in of_customer(connection, people.customer(who)) if e.kind is Kind.MESSAGE]

    assert said("wang") == ["I am wang", "I am li", "I am zhao", "together"]
    unmerge(people, "li")
    people.says("zhao", "apart")
    catch_up(projector)
    assert said("wang") == ["I am wang"]
    assert said("li") == ["I am li", "I am zhao", "together", "apart"]
    with projector.views.read() as connection:
        kinds = [entry.kind for entry in of_customer(connection, people.customer("li"))]
    assert [kind for kind in kinds if kind in {Kind.MERGED, Kind.UNMERGED}] == [
        Kind.MERGED,
        Kind.MERGED,
        Kind.UNMERGED,
    ]


def test_tags_by_hand_and_by_rule_are_those_of_both(projector: Projector, people: House) -> None:
    tag(people, "wang", VIP)
    tag(people, "li", VIP, TEA)
    before = people.log.head()
    merge(people)
    people.do(UntagCustomer(customer=people.customer("li"), tag=VIP))
    tag(people, "li", Tag("new"))
    catch_up(projector)
    with projector.views.read() as connection:
        wang, li = people.customer("wang"), people.customer("li")
        assert [held.tag for held in tags_of(connection, wang)] == [TEA, "new"]
        assert {(held.tag, held.customers) for held in all_tags(connection)} == {(TEA, 1), ("new", 1)}
        assert tagged_with(connection, TEA) == [wang]
        assert [known.number for known in listed(connection, among=holders(TEA))] == [1]
        assert tagged_with(connection, TEA, as_of=before) == [li]
        assert sorted(held.tag for held in tags_of(connection, wang, as_of=before)) == [TEA, VIP, VIP]
    unmerge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert [held.tag for held in tags_of(connection, wang)] == ["new"]
        assert [held.tag for held in tags_of(connection, li)] == [TEA]


def test_a_recipient_is_a_person_reached_where_they_were_last_heard(
    projector: Projector, people: House
) -> None:
    merge(people)
    catch_up(projector)

    def reached() -> Sequence[tuple[int, ContactId]]:
        with projector.views.read() as connection:
            return [(one.number, one.contact) for one in meant(connection)]

    zhao = (3, people.contact("zhao"))
    assert reached() == [(1, people.contact("li")), zhao]
    people.says("wang", "here I am")
    catch_up(projector)
    assert reached() == [(1, people.contact("wang")), zhao]
    people.do(BlockContact(contact=people.contact("wang"), reason=Slug("blocked")))
    catch_up(projector)
    assert reached() == [(1, people.contact("li")), zhao]
    people.receive("li", Reachability(reachable=False))
    catch_up(projector)
    assert reached() == [(1, people.contact("wang")), zhao]  # nobody is left out: the gate says why


def test_consent_is_shown_as_the_strictest_of_both_with_its_evidence(
    projector: Projector, people: House
) -> None:
    stop = WithdrawConsent(contact=people.contact("li"), topic=MARKETING, source=ConsentSource.STOP_WORD)
    people.do(stop)
    merge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        (consent,) = listed(connection)[0].consents
        assert (consent.granted, consent.contact, consent.source) == (
            False,
            people.contact("li"),
            "stop-word",
        )
    unmerge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert [[c.granted for c in known.consents] for known in listed(connection)] == [
            [True],
            [False],
            [True],
        ]


def test_reservations_of_both_count_and_those_made_while_linked_for_each(
    projector: Projector, people: House
) -> None:
    marketing = {"kind": DeliveryClass.MARKETING}
    first, second = (people.plans(who, **marketing) for who in ("wang", "li"))
    people.claims(first)
    people.claims(second)
    merge(people)
    people.claims(people.plans("li", **marketing))
    catch_up(projector)
    both = [people.customer("wang"), people.customer("li")]

    def spent() -> dict[str, int]:
        with projector.views.read() as connection:
            found = reserved(connection, both, people.now - timedelta(days=1))
        return {who: len(moments) for who, moments in found.items()}

    assert spent()[both[0]] == 3
    unmerge(people)
    catch_up(projector)
    assert spent() == dict.fromkeys(both, 2)


# --- phones and suggestions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [NUMBER, "13800138000", "138 0013 8000", "138-0013-8000", "8000", "phone:13800138000", "phone:8000"],
)
def test_a_customer_is_found_by_phone_and_by_its_last_four_digits(
    projector: Projector, people: House, said: str
) -> None:
    note_phone(people, "li")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.number for known in find(connection, said)] == [2]
        assert find(connection, said)[0].phones == (NUMBER,)
        assert [find(connection, other) for other in ("8001", "000", "13900138000", "00138000")] == [[]] * 4


def test_an_identifier_is_known_with_whether_the_channel_vouches_for_it(
    projector: Projector, people: House
) -> None:
    note_phone(people, "li")
    people.receive("li", Message(kind=ContentKind.CONTACT, details={"own": True, "phone": NUMBER}))
    catch_up(projector)
    digest = people.digest("identifier", "phone", NUMBER)
    with projector.views.read() as connection:
        assert identifiers_of(connection, [people.contact("li")]) == [
            Identifier(people.contact("li"), PHONE, digest, NUMBER, verified=True)
        ]


def test_the_same_number_that_nobody_vouches_for_is_suggested_until_somebody_tells_them_apart(
    projector: Projector, people: House
) -> None:
    note_phone(people, "wang", "li")
    catch_up(projector)
    expected = Suggestion(
        PHONE,
        *(tuple(zip(*sorted((people.customer(w), people.contact(w)) for w in ("wang", "li")), strict=True))),
    )
    with projector.views.read() as connection:
        assert suggested(connection) == [expected]
    merge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert suggested(connection) == []
    unmerge(people)
    catch_up(projector)
    with projector.views.read() as connection:
        assert suggested(connection) == []


def test_one_user_name_on_two_channels_is_suggested_and_a_name_alone_is_not(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.receive("wang", Message(text="hello"), channel=WEBCHAT)  # the same name, and the same user name
    catch_up(projector)
    with projector.views.read() as connection:
        assert [found.kind for found in suggested(connection)] == ["username"]


def test_a_link_code_is_open_until_it_is_used_or_too_old(projector: Projector, people: House) -> None:
    code = people.digest("link-code", "A")
    issue = IssueLinkCode(
        code=code,
        customer=people.customer("wang"),
        contact=people.contact("wang"),
        expires_at=people.now + timedelta(minutes=15),
    )
    people.do(issue)
    catch_up(projector)
    with projector.views.read() as connection:
        assert open_code(connection, code, people.now) == LinkCode(issue.customer, issue.contact)
        assert open_code(connection, code, issue.expires_at) is None
    people.do(RedeemLinkCode(code=code, contact=people.contact("li")))
    people.do(RedeemLinkCode(code=code, contact=people.contact("zhao")))
    catch_up(projector)
    with projector.views.read() as connection:
        assert open_code(connection, code, people.now) is None
        assert refusals(connection, people.contact("zhao"), people.now - timedelta(hours=1)) == 1
        assert refusals(connection, people.contact("li"), people.now - timedelta(hours=1)) == 0
    assert verify(projector) == []
