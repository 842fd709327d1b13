"""The team, its rules, and the record of what was done."""

from domain.customers.commands import WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.identity import Digest, OperatorId, RuleId, Slug, Tag
from domain.installation.commands import PauseMarketing
from domain.message import Personal
from domain.operators.commands import AddOperator, ChangeRole, RecordCommand, RemoveOperator
from domain.operators.events import CommandOutcome, Role
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import Match
from projections.audit import AuditEntry, entries
from projections.engine import Projector
from projections.operators import Operator, named, operator_of, team
from projections.rules import RuleLine, listed, welcome
from tests.projections.house import House
from tests.projections.reading import catch_up
from tests.projections.test_people import make_staff

ANN, BOB = OperatorId("ann"), OperatorId("bob")


def test_the_team_has_readable_names_roles_and_accounts(projector: Projector, house: House) -> None:
    house.says("ann-phone", "hello")
    make_staff(house, "ann-phone")
    added_at = house.now
    house.do(
        AddOperator(operator=BOB, name=Personal("Bob"), name_digest=Digest("bob"), role=Role.VIEWER),
        ChangeRole(operator=ANN, role=Role.MANAGER),
        RemoveOperator(operator=BOB),
    )
    catch_up(projector)
    ann = Operator(ANN, "Ann", Role.MANAGER, added_at, None, (house.contact("ann-phone"),))
    bob = Operator(BOB, "Bob", Role.VIEWER, added_at, house.now, ())
    with projector.views.read() as connection:
        assert team(connection) == [ann]
        assert team(connection, removed=True) == [ann, bob]
        assert [named(connection, name) for name in ("ANN", "ann", "bob", "eve")] == [ann, ann, None, None]
        assert operator_of(connection, house.contact("ann-phone")) == ann
        assert operator_of(connection, house.contact("wang")) is None


def test_rules_are_listed_in_the_order_they_are_tried(projector: Projector, house: House) -> None:
    answers = AddRule(
        rule=RuleId("r1"), match=Match.EXACT, pattern=Personal("价格"), answer=Personal("9.9元")
    )
    tags = AddRule(
        rule=RuleId("r2"), match=Match.CONTAINS, pattern=Personal("vip"), tag=Tag("vip"), in_group=True
    )
    house.do(answers, tags, SetWelcome(in_group=False, text=Personal("欢迎")))
    house.do(RemoveRule(rule=RuleId("r1")))
    catch_up(projector)
    by, at = Slug("operator-ann"), house.now
    first = RuleLine(RuleId("r1"), Match.EXACT, "价格", False, "9.9元", None, by, at, at)
    second = RuleLine(RuleId("r2"), Match.CONTAINS, "vip", True, None, Tag("vip"), by, at, None)
    with projector.views.read() as connection:
        assert listed(connection) == [second]
        assert listed(connection, removed=True) == [first, second]
        assert (welcome(connection), welcome(connection, in_group=True)) == ("欢迎", None)


def test_the_record_says_who_did_what_and_what_came_of_it(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    line, request = Personal("/pause all"), Digest("q1")
    house.do(
        PauseMarketing(operator=ANN),
        RecordCommand(
            request=request, operator=ANN, command=Slug("pause"), line=line, outcome=CommandOutcome.DONE
        ),
    )
    given = house.everything()[-1]
    wang = house.contact("wang")
    house.do(WithdrawConsent(contact=wang, topic=MARKETING, source=ConsentSource.OPERATOR))
    catch_up(projector)
    with projector.views.read() as connection:
        everything = entries(connection)
        assert [entry.what for entry in everything] == [
            "consent-withdrawn",
            "command-given",
            "marketing-paused",
            "consent-granted",
        ]
        assert everything[1] == AuditEntry(
            position=given.position,
            at=given.recorded_at,
            what=Slug("command-given"),
            actor=Slug("operator-ann"),
            event=given.id,
            cause=None,
            operator=ANN,
            command=Slug("pause"),
            outcome=Slug("done"),
            customer=None,
            contact=None,
            detail="/pause all",
        )
        assert entries(connection, operator=ANN) == everything[1:3]
        assert entries(connection, customer=house.customer("wang")) == [everything[0], everything[3]]
        assert entries(connection, what=Slug("marketing-paused")) == [everything[2]]
        assert entries(connection, before=everything[1].position, limit=1) == [everything[2]]
