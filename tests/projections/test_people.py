"""Contacts, customers, and who is meant."""

from datetime import timedelta

from domain.contacts.commands import CompleteContact
from domain.conversations.commands import Message, Reachability
from domain.customers.commands import AddNote, NameCustomer, TagCustomer, WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.identity import Channel, Digest, Locale, OperatorId, Slug, SubjectId, Tag
from domain.message import Personal
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode
from domain.operators.events import Role
from projections.engine import Projector
from projections.people.contacts import (
    Contact,
    contact,
    contact_at,
    contacts_by_id,
    contacts_of,
    last_heard,
    sources,
)
from projections.people.customers import (
    Consent,
    count,
    customer,
    customers_by_id,
    listed,
    subjects_of,
)
from projections.people.find import find
from projections.tags import holders
from tests.projections.house import BOT, NOON, TELEGRAM, House
from tests.projections.reading import catch_up


def seconds(after: int) -> timedelta:
    return timedelta(seconds=after)


def make_staff(house: House, who: str) -> None:
    house.do(
        AddOperator(
            operator=OperatorId("ann"), name=Personal("Ann"), name_digest=Digest("ann"), role=Role.AGENT
        ),
        IssueBindCode(
            operator=OperatorId("ann"), code=Digest("code"), expires_at=house.now + timedelta(days=1)
        ),
        BindOperator(code=Digest("code"), contact=house.contact(who)),
    )


def test_a_contact_is_as_the_provider_shows_it(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    house.says("wang", "hello again")
    house.receive("wang", Reachability(reachable=False))
    catch_up(projector)
    expected = Contact(
        id=house.contact("wang"),
        customer=house.customer("wang"),
        channel=TELEGRAM,
        account=BOT,
        external_id="wang",
        name="Wang",
        username="wang_x",
        own_name="",
        language=None,
        private=True,
        blocked=Slug("blocked"),
        operator=None,
        source=None,
        first_seen=NOON + seconds(1),
        last_seen=NOON + seconds(2),
        last_in=NOON + seconds(2),
    )
    with projector.views.read() as connection:
        assert contact(connection, house.contact("wang")) == expected
        assert contact_at(connection, TELEGRAM, BOT, "wang") == expected
        assert contacts_of(connection, house.customer("wang")) == [expected]
        assert contacts_by_id(connection, [house.contact("wang"), house.contact("nobody")]) == {
            expected.id: expected
        }
        assert last_heard(connection, expected.id) == NOON + seconds(2)
        assert contact(connection, house.contact("nobody")) is None


def test_a_customer_has_a_number_a_name_and_where_they_stand_on_marketing(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.says("li", "hello")
    li = house.customer("li")
    house.do(
        NameCustomer(customer=li, remark=Personal("老李")),
        AddNote(customer=li, operator=None, note=Personal("likes tea")),
        WithdrawConsent(contact=house.contact("li"), topic=MARKETING, source=ConsentSource.OPERATOR),
    )
    catch_up(projector)
    with projector.views.read() as connection:
        wang, known = listed(connection)
        assert (wang.number, wang.name, wang.notes, wang.created_at) == (1, "Wang", 0, NOON + seconds(1))
        assert (known.id, known.number, known.name, known.notes) == (li, 2, "老李", 1)
        assert known.last_in == NOON + seconds(2)
        withdrawn = Consent(MARKETING, False, house.contact("li"), Slug("operator"), house.now)
        assert known.consents == (withdrawn,)
        assert customer(connection, li) == known
        assert customers_by_id(connection, [li, house.customer("wang")]) == [wang, known]
        assert subjects_of(connection, li) == [
            SubjectId(f"customer-{li}"),
            SubjectId(f"contact-{house.contact('li')}"),
        ]


def test_a_customer_without_any_name_is_shown_by_number(projector: Projector, house: House) -> None:
    house.receive("", Message(text="hello"))
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.name for known in listed(connection)] == ["#1"]


def test_a_customer_is_called_by_our_remark_else_as_the_channel_shows_else_as_they_say(
    projector: Projector, house: House
) -> None:
    def named(who: str) -> tuple[str, str]:
        catch_up(projector)
        with projector.views.read() as connection:
            known = customer(connection, house.customer(who))
        assert known is not None
        return known.known_as, known.name

    house.receive("", Message(text="hello"))
    assert named("") == ("", "#1")
    house.receive("", Message(text="我叫王芳"))
    assert named("") == ("王芳", "王芳")
    house.receive("", Message(text="I'm Ann"))
    assert named("") == ("Ann", "Ann")
    house.says("li", "我叫李雷")
    assert named("li") == ("Li", "Li")
    house.do(NameCustomer(customer=house.customer(""), remark=Personal("王阿姨")))
    assert named("") == ("王阿姨", "王阿姨")


def test_a_customer_is_found_by_the_name_they_say(projector: Projector, house: House) -> None:
    house.says("li", "我叫李雷")
    house.says("wang", "my name is Ann Lee")
    catch_up(projector)
    with projector.views.read() as connection:
        found = {
            said: [known.number for known in find(connection, said)] for said in ("李雷", "雷", "ann lee")
        }
    assert found == {"李雷": [1], "雷": [1], "ann lee": [2]}


def test_customers_are_listed_page_by_page_and_by_tag_and_without_operators(
    projector: Projector, house: House
) -> None:
    for who in ("wang", "li", "zhao"):
        house.says(who, "hello")
    house.do(TagCustomer(customer=house.customer("zhao"), tag=Tag("vip")))
    make_staff(house, "li")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.name for known in listed(connection)] == ["Wang", "Zhao"]
        assert [known.name for known in listed(connection, limit=1)] == ["Wang"]
        assert [known.name for known in listed(connection, after=1)] == ["Zhao"]
        assert [known.name for known in listed(connection, staff=True)] == ["Wang", "Li", "Zhao"]
        assert [known.name for known in listed(connection, among=holders(Tag("vip")))] == ["Zhao"]
        assert [known.name for known in listed(connection, among=[house.customer("wang")])] == ["Wang"]
        assert (count(connection), count(connection, among=holders(Tag("vip")))) == (2, 1)


LI = (
    "#2",
    "＃2",
    "＃２",
    "telegram:li",
    "Telegram：li",
    "@li_x",
    "@LI_X",
    "li",
    "Ｌｉ",
    "老李",
    "李",
    "  老李  ",
)


def test_a_customer_is_found_as_people_write_it(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    house.says("li", "hello")
    house.do(NameCustomer(customer=house.customer("li"), remark=Personal("老李")))
    catch_up(projector)
    with projector.views.read() as connection:
        found = {text: [known.id for known in find(connection, text)] for text in LI}
    assert found == {text: [house.customer("li")] for text in LI}


def test_a_customer_is_found_by_id_and_by_the_beginning_of_one(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    wang = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.id for known in find(connection, wang)] == [wang]
        assert [known.id for known in find(connection, wang[:6])] == [wang]
        assert find(connection, wang[:5]) == []


def test_who_may_be_meant_by_a_part_of_a_name_are_all_listed(projector: Projector, house: House) -> None:
    for who in ("wanghong", "wanglei", "li"):
        house.says(who, "hello")
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.name for known in find(connection, "wang")] == ["Wanghong", "Wanglei"]
        assert [known.name for known in find(connection, "wanglei")] == ["Wanglei"]
        assert [find(connection, text) for text in ("", "#99", "@", "%", "telegram:", "nobody")] == [[]] * 6


def test_an_address_of_another_channel_is_another_contact(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    house.receive("wang", Message(text="hello"), channel=Channel("webchat"))
    catch_up(projector)
    with projector.views.read() as connection:
        assert [known.number for known in find(connection, "webchat:wang")] == [2]
        assert [known.number for known in find(connection, "telegram:wang")] == [1]
        assert [known.number for known in find(connection, "wang")] == [1, 2]


def test_what_a_provider_tells_of_somebody_fills_what_was_not_known(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.receive("li", Message(text="hello", source=Slug("poster")))
    for who in ("wang", "li"):
        told = CompleteContact(contact=house.contact(who), language=Locale("zh_CN"), source=Slug("door-2"))
        house.do(told)
    catch_up(projector)
    with projector.views.read() as connection:
        known = [contact(connection, house.contact(who)) for who in ("wang", "li")]
        assert [(one.language, one.source) for one in known if one] == [
            ("zh_CN", "door-2"),
            ("zh_CN", "poster"),
        ]
        assert sources(connection, 10) == [("door-2", 1), ("poster", 1)]
        assert sources(connection, 1) == [("door-2", 1)]
