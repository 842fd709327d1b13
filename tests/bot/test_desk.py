"""The operators' desk, over the real house."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bot.desk import Desk
from bot.operations.team import add_operator
from domain.customers.events import CustomerTagged, NoteAdded
from domain.deliveries.events import DeliveryPlanned
from domain.errors import StoreUnavailable
from domain.identity import OperatorId, RuleId, Slug, Tag
from domain.message import Personal
from domain.operators.events import BindingRefused, CommandGiven, CommandOutcome, OperatorBound, Role
from domain.ports.event_log import Append, EventLog, Outcome
from domain.rules.commands import AddRule
from domain.rules.events import Match, RuleAdded
from domain.rules.rulebook import MAX_RULES
from tests.bot.premises import Premises, settled

WELCOME = "This account is yours now. /help lists what you can do."
WRONG_CODE = "This code is wrong, used or expired."
BUG = "Something went wrong here; nothing was done."


def given(premises: Premises, after: int = 0) -> list[tuple[str, CommandOutcome]]:
    """What the audit says: each line and what became of it."""
    return [(entry.line.value, entry.outcome) for entry in premises.events(CommandGiven, after)]


def choices(premises: Premises) -> list[list[str]]:
    """The buttons below the last answer, a row each."""
    planned = premises.events(DeliveryPlanned)[-1]
    return planned.choices.value if planned.choices is not None else []


@pytest.fixture
async def desk(premises: Premises) -> Desk:
    """A desk at which Li is an owner; Wang is customer number 2."""
    desk = await premises.desk()
    await premises.binds(desk, "li")
    premises.says("wang", "hi")
    return desk


async def test_a_command_its_entry_and_its_answer_are_one_fact_caused_by_the_message(
    premises: Premises, desk: Desk
) -> None:
    head = premises.house.log.head()
    premises.says("li", "/tag #2 vip")
    await settled(desk)
    message, tagged, entry, answer = premises.everything(head)
    li = next(event.operator for event in premises.events(OperatorBound))
    assert (tagged.event, entry.event) == (
        CustomerTagged(customer=premises.customer("wang"), tag=Tag("vip")),
        CommandGiven(
            operator=li,
            command=Slug("tag"),
            line=Personal("/tag #2 vip"),
            outcome=CommandOutcome.DONE,
            about=(premises.customer("wang"),),
            order=message.event.order,  # type: ignore[attr-defined]  # MessageReceived
        ),
    )
    assert isinstance(answer.event, DeliveryPlanned)
    assert {(r.cause, r.actor) for r in (tagged, entry, answer)} == {(message.id, f"operator-{li}")}
    assert premises.answers("li", head) == ["#2 Wang (telegram @wang_x) has the tag vip now."]


async def test_what_a_desk_did_the_next_one_does_not_do_again(premises: Premises, desk: Desk) -> None:
    premises.says("li", "/note #2 likes tea")
    await settled(desk)
    head = premises.house.log.head()
    again = await premises.desk()
    await settled(again)
    assert premises.new(head) == []


async def test_two_desks_at_the_same_position_carry_a_line_out_once(premises: Premises, desk: Desk) -> None:
    other = await premises.desk()
    premises.says("li", "/note #2 likes tea")
    premises.says("li", "/note #2 likes cake")
    await desk.step()
    await other.step()
    await settled(other)
    await settled(desk)
    assert [note.note.value for note in premises.events(NoteAdded)] == ["likes tea", "likes cake"]
    assert given(premises)[-2:] == [
        ("/note #2 likes tea", CommandOutcome.DONE),
        ("/note #2 likes cake", CommandOutcome.DONE),
    ]
    assert len(premises.answers("li")) == 3


class Failing:
    """A log whose next append fails: before anything is stored, or after all of it is."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.fails: str | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the log has
        return getattr(self._log, name)

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        fails, self.fails = self.fails, None
        if fails == "before":
            raise StoreUnavailable("away")
        outcomes = self._log.append(units)
        if fails == "after":
            raise StoreUnavailable("away")
        return outcomes


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("who", ["the same desk", "another desk"])
async def test_a_store_that_goes_away_around_the_commit_costs_no_command_and_doubles_none(
    moment: str, who: str, tmp_path: Path
) -> None:
    failing: list[Failing] = []

    def through(log: EventLog) -> EventLog:
        failing.append(Failing(log))
        return cast(EventLog, failing[0])

    premises = Premises(tmp_path, through)
    desk = await premises.desk()
    await premises.binds(desk, "li")
    premises.says("wang", "hi")
    premises.says("li", "/note #2 likes tea")
    premises.says("li", "/note #2 likes cake")
    failing[0].fails = moment
    with pytest.raises(StoreUnavailable):
        await desk.step()
    await settled(desk if who == "the same desk" else await premises.desk())
    assert [note.note.value for note in premises.events(NoteAdded)] == ["likes tea", "likes cake"]
    assert len(given(premises)) == 3
    assert len(premises.answers("li")) == 3
    premises.close()


async def test_strangers_may_only_try_a_code(premises: Premises, desk: Desk) -> None:
    head = premises.house.log.head()
    for line in ("/help", "/tag #2 vip", "/start", "帮助", "绑定 手机"):
        premises.says("wang", line)
    await settled(desk)
    assert (given(premises, head), premises.answers("wang")) == ([], [])
    premises.says("wang", "/bind nonsense")
    await settled(desk)
    assert premises.events(BindingRefused) == [BindingRefused(contact=premises.contact("wang"))]
    assert premises.answers("wang") == [WRONG_CODE]
    assert given(premises, head) == [("/bind nonsense", CommandOutcome.REFUSED)]
    assert premises.events(CommandGiven)[-1].operator == OperatorId("nobody")


async def test_a_code_binds_whoever_sends_it_first_and_nobody_after(premises: Premises, desk: Desk) -> None:
    await premises.binds(desk, "chen", Role.AGENT)
    code = given(premises)[-1][0]
    premises.says("wang", code)
    await settled(desk)
    assert (premises.answers("chen"), premises.answers("wang")) == ([WELCOME], [WRONG_CODE])
    assert [bound.contact for bound in premises.events(OperatorBound)] == [
        premises.contact("li"),
        premises.contact("chen"),
    ]


async def test_what_is_forwarded_edited_or_said_in_a_group_is_no_order(
    premises: Premises, desk: Desk
) -> None:
    head = premises.house.log.head()
    premises.says("li", "/tag #2 vip", forwarded=True)
    premises.says("li", "/tag #2 vip", group="tea")
    premises.edits("li", "/tag #2 vip")
    premises.says("li", "how are you?")
    await settled(desk)
    assert (given(premises, head), premises.answers("li", head)) == ([], [])


async def test_a_button_is_an_order_and_the_same_button_pressed_again_is_the_same_one(
    premises: Premises, desk: Desk
) -> None:
    head = premises.house.log.head()
    premises.presses("li", "/note #2 likes tea")
    premises.presses("li", "/note #2 likes tea")
    await settled(desk)
    premises.presses("li", "/note #2 likes tea")
    await settled(desk)
    assert len(premises.events(NoteAdded)) == 1
    assert given(premises, head) == [("/note #2 likes tea", CommandOutcome.DONE)]
    premises.presses("li", "/note #2 likes tea", on="b2")  # below another answer it is another order
    await settled(desk)
    assert len(premises.events(NoteAdded)) == 2


async def test_a_button_of_which_nobody_knows_the_message_is_an_order_each_time(
    premises: Premises, desk: Desk
) -> None:
    premises.presses("li", "/note #2 likes tea", on=None)
    premises.presses("li", "/note #2 likes tea", on=None)
    await settled(desk)
    assert len(premises.events(NoteAdded)) == 2


@pytest.mark.parametrize("data", ["/bind {code}", "绑定 {code}", "帮助", "note #2 x", "consent:stop"])
async def test_a_button_binds_nobody_and_says_only_what_we_wrote_on_it(
    data: str, premises: Premises, desk: Desk
) -> None:
    *_, line = add_operator(premises.house, "chen", Role.AGENT)
    head = premises.house.log.head()
    for who in ("li", "wang"):
        premises.presses(who, data.format(code=str(line).removeprefix("/bind ")))
    await settled(desk)
    assert (given(premises, head), premises.events(OperatorBound, head)) == ([], [])


async def test_a_button_that_failed_may_be_pressed_again(premises: Premises, desk: Desk) -> None:
    premises.presses("li", "/note #3 likes tea")
    await settled(desk)
    premises.says("zhao", "hi")
    premises.presses("li", "/note #3 likes tea")
    await settled(desk)
    assert [outcome for _, outcome in given(premises)[1:]] == [CommandOutcome.FAILED, CommandOutcome.DONE]
    assert len(premises.answers("li")) == 3


async def test_strangers_press_in_vain(premises: Premises, desk: Desk) -> None:
    head = premises.house.log.head()
    premises.presses("wang", "/note #2 likes tea")
    await settled(desk)
    assert (given(premises, head), premises.answers("wang")) == ([], [])


async def test_a_role_that_does_not_reach_is_told_so_and_recorded(premises: Premises, desk: Desk) -> None:
    await premises.binds(desk, "vera", Role.VIEWER)
    head = premises.house.log.head()
    premises.says("vera", "/tag #2 vip")
    await settled(desk)
    assert premises.answers("vera", head) == ["This needs the role agent; yours is viewer."]
    assert given(premises, head) == [("/tag #2 vip", CommandOutcome.REFUSED)]
    assert premises.events(CustomerTagged) == []


async def test_what_the_domain_refuses_is_answered_with_its_reason_and_changes_nothing(
    premises: Premises, desk: Desk
) -> None:
    rules = [
        AddRule(rule=RuleId(f"r{n}"), match=Match.EXACT, pattern=Personal(str(n)), tag=Tag("x"))
        for n in range(MAX_RULES)
    ]
    premises.house.do("system", *rules)
    head = premises.house.log.head()
    premises.says("li", "/rule add contains tea => tag:tea")
    premises.says("li", "/note #2 likes tea")
    await settled(desk)
    assert given(premises, head) == [
        ("/rule add contains tea => tag:tea", CommandOutcome.REFUSED),
        ("/note #2 likes tea", CommandOutcome.DONE),
    ]
    assert premises.answers("li", head) == [
        f"there are {MAX_RULES} rules already: remove one first",
        "Noted for #2 Wang (telegram @wang_x).",
    ]
    assert premises.events(RuleAdded, head) == []


async def test_a_bug_in_a_command_is_told_and_costs_nobody_else_their_turn(
    premises: Premises, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_text: str) -> str | None:
        raise ZeroDivisionError("a bug about Wang")

    premises.house.office = replace(premises.house.office, render_check=broken)
    head = premises.house.log.head()
    premises.says("li", "/send #2 hello")
    premises.says("li", "/note #2 likes tea")
    await settled(desk)
    assert premises.answers("li", head) == [BUG, "Noted for #2 Wang (telegram @wang_x)."]
    assert given(premises, head) == [
        ("/send #2 hello", CommandOutcome.FAILED),
        ("/note #2 likes tea", CommandOutcome.DONE),
    ]
    assert "a bug about Wang" in capsys.readouterr().out  # whoever runs Siyu can find it


async def test_candidates_become_buttons_and_one_that_no_button_can_say_is_only_listed(
    premises: Premises, desk: Desk
) -> None:
    premises.says("wang2", "hi")
    for who in ("wang", "wang2"):
        premises.says("li", f"/name {'#2' if who == 'wang' else '#3'} Mrs Wang")
    premises.says("li", "/note Mrs likes tea")
    await settled(desk)
    assert choices(premises) == [
        ["#2 Mrs Wang (telegram @wang_x)", "/note #2 likes tea"],
        ["#3 Mrs Wang (telegram @wang2_x)", "/note #3 likes tea"],
    ]
    premises.says("li", f"/note Mrs likes {'tea ' * 20}")
    await settled(desk)
    assert choices(premises) == []
    assert premises.answers("li")[-1].splitlines()[1:] == [
        "#2 Mrs Wang (telegram @wang_x)",
        "#3 Mrs Wang (telegram @wang2_x)",
    ]


async def test_a_menu_s_button_orders_what_its_words_would(premises: Premises) -> None:
    desk = await premises.desk()
    await premises.binds(desk, "li")
    after = premises.house.log.head()
    premises.presses("li", "say:/help", on=None)
    await settled(desk)
    (said,) = premises.answers("li", after)
    assert "/stats" in said
