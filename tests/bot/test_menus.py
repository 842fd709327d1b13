"""What channels show as commands, on the real house."""

from collections.abc import Sequence

import pytest

from bot.menus import AGAIN_S, Menus
from bot.operations.said import Exit
from bot.operations.team import add_operator, team
from domain.contacts.commands import SeeContact
from domain.errors import TemporaryFailure
from domain.identity import Account, Address, Channel, ContactId, CustomerId, Locale, Party, Slug
from domain.message import Personal
from domain.operators.commands import BindOperator, RemoveOperator
from domain.operators.events import Role
from tests.bot.premises import Premises

SHOP = Account("shop")
PHONE = Channel("phone")


class Phone:
    """A channel that shows commands."""

    channel, account = PHONE, SHOP

    def __init__(self) -> None:
        self.menus = self
        self.shown: dict[tuple[str | None, str | None], list[tuple[str, str]]] = {}
        self.calls = 0
        self.failures: list[TemporaryFailure] = []

    async def offer(
        self, entries: Sequence[tuple[str, str]], *, language: str | None = None, to: str | None = None
    ) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop()
        self.shown[language, to] = list(entries)


def bound(premises: Premises, role: Role) -> ContactId:
    """Somebody who writes from the phone, and is made an operator."""
    house = premises.house
    contact = ContactId(house.vault.resolve([li := Address(Party.CONTACT, PHONE, SHOP, "li")])[li])
    see = SeeContact(
        contact=contact,
        customer=CustomerId("li"),
        channel=PHONE,
        account=SHOP,
        external_id=Personal("li"),
        name=Personal("Li"),
        username=Personal(""),
        profile=Slug("x"),
        language=Locale("zh"),
    )
    code = [str(line) for line in add_operator(house, "Li", role) if not isinstance(line, Exit)][-1].split()[
        1
    ]
    house.do("system", see, BindOperator(code=house.digest("bind-code", code), contact=contact))
    return contact


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def menus(premises: Premises, phone: Phone) -> Menus:
    return Menus(premises.house, lambda: [phone])  # type: ignore[list-item]  # of an adapter, only this is looked at


async def test_customers_see_a_few_commands_in_their_language(menus: Menus, phone: Phone) -> None:
    assert await menus.step() is None
    names = [name for name, _ in phone.shown[None, None]]
    assert names == ["help", "link", "stop"]
    assert (dict(phone.shown["zh", None])["stop"], dict(phone.shown["en", None])["stop"]) == (
        "不再接收优惠消息",
        "no more offers",
    )


async def test_an_operator_sees_what_the_role_may_do_and_no_more(
    premises: Premises, menus: Menus, phone: Phone
) -> None:
    bound(premises, Role.VIEWER)
    await menus.step()
    mine = dict(phone.shown[None, "li"])
    assert ("find" in mine, "broadcast" in mine, mine["help"]) == (True, False, "查看可用指令")


async def test_who_leaves_the_team_sees_no_commands_any_more_even_after_a_restart(
    premises: Premises, menus: Menus, phone: Phone
) -> None:
    bound(premises, Role.OWNER)
    await menus.step()
    operator = next(iter(team(premises.house).members))
    premises.house.do("system", RemoveOperator(operator=operator))
    await Menus(premises.house, lambda: [phone]).step()  # type: ignore[list-item]
    assert phone.shown[None, "li"] == []


async def test_what_could_not_be_taken_away_is_taken_away_later_and_what_was_is_left_alone(
    premises: Premises, menus: Menus, phone: Phone
) -> None:
    bound(premises, Role.OWNER)
    await menus.step()
    premises.house.do("system", RemoveOperator(operator=next(iter(team(premises.house).members))))
    later = Menus(premises.house, lambda: [phone])  # type: ignore[list-item]
    phone.failures = [TemporaryFailure("unreachable") for _ in range(4)]  # three languages, and the operator
    assert await later.step() == AGAIN_S
    assert phone.shown[None, "li"] != []
    assert await later.step() is None
    assert phone.shown[None, "li"] == []
    calls = phone.calls
    await later.step()
    assert phone.calls == calls


async def test_whose_account_was_closed_meanwhile_and_who_came_back_sees_what_is_right(
    premises: Premises, phone: Phone
) -> None:
    li = bound(premises, Role.OWNER)
    other = Phone()
    other.account = Account("other")
    opened = [phone, other]
    menus = Menus(premises.house, lambda: opened)  # type: ignore[arg-type,return-value]
    await menus.step()
    opened.remove(phone)
    await menus.step()
    operator = next(iter(team(premises.house).members))
    premises.house.do("system", RemoveOperator(operator=operator))
    await menus.step()
    opened.append(phone)
    await menus.step()
    assert phone.shown[None, "li"] == []
    assert bound(premises, Role.OWNER) == li
    await menus.step()
    assert "broadcast" in dict(phone.shown[None, "li"])


async def test_what_is_shown_is_not_offered_again(menus: Menus, phone: Phone) -> None:
    await menus.step()
    calls = phone.calls
    await menus.step()
    assert phone.calls == calls


async def test_a_provider_that_is_away_is_asked_again_later(menus: Menus, phone: Phone) -> None:
    phone.failures = [TemporaryFailure("unreachable")]
    assert await menus.step() == AGAIN_S
    assert await menus.step() is None
    assert set(phone.shown) == {(None, None), ("zh", None), ("en", None)}
