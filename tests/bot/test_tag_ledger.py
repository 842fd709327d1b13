"""What the views say of tags on one account, page by page; and whole accounts of several pages, on the real log."""

import sqlite3
from typing import cast

import pytest

from bot.reading import SqlTagLedger
from domain.conversations.commands import Join, Reachability, Sender
from domain.customers.commands import MergeCustomers, TagCustomer, UnmergeCustomer, UntagCustomer
from domain.identity import Account, Tag
from domain.mirrors.commands import MirrorTag
from domain.ports.tag_ledger import Page
from domain.ports.tag_mirror import MemoryTagMirror
from projections.tags import tags_of
from scheduler.tag_sync import LOOK_OVER_THERE_EVERY_S, TagSync
from tests.bot.premises import BOT, TELEGRAM, Premises

VIP, TEA, NEW = Tag("vip"), Tag("tea"), Tag("new")
PEOPLE = 25
AT_ONCE = 4


@pytest.fixture
def premises(anywhere: Premises) -> Premises:
    return anywhere


@pytest.fixture
def ledger(premises: Premises) -> SqlTagLedger:
    return SqlTagLedger(premises.house.views, premises.house.catch_up)


def everybody(ledger: SqlTagLedger, limit: int) -> list[Page]:
    pages, after = [], ""
    while (page := ledger.page(TELEGRAM, BOT, after, limit)).people:
        pages.append(page)
        after = [*page.people][-1]
    return pages


def test_people_come_page_by_page_in_the_order_of_their_external_ids_each_once(
    premises: Premises, ledger: SqlTagLedger
) -> None:
    for who in ("zhao", "wang", "chen", "li", "sun"):
        premises.says(who, "hi")
    premises.receive(
        "qian", Join(members=(Sender(external_id="qian"),)), group="tea"
    )  # never wrote in private
    premises.receive("chen", Reachability(reachable=False))
    wang, sun = premises.contact("wang"), premises.contact("sun")
    premises.house.do("system", TagCustomer(customer=premises.customer("wang"), tag=VIP))
    premises.house.do("system", MirrorTag(contact=sun, tag=TEA, there=True))
    pages = everybody(ledger, 3)
    assert [[*page.people] for page in pages] == [["li", "sun", "wang"], ["zhao"]]
    assert [(page.ours, page.mirrored) for page in pages] == [
        (frozenset({(wang, VIP)}), frozenset({(sun, TEA)})),
        (frozenset(), frozenset()),
    ]
    assert ledger.page(TELEGRAM, Account("other"), "", 3) == Page()


def test_some_are_found_by_their_contact_or_by_the_customer_they_belong_to(
    premises: Premises, ledger: SqlTagLedger
) -> None:
    for who in ("wang", "li", "zhao"):
        premises.says(who, "hi")
    wang, li = premises.customer("wang"), premises.customer("li")
    premises.house.do("system", TagCustomer(customer=wang, tag=VIP))
    found = ledger.of(TELEGRAM, BOT, {wang}, {premises.contact("li"), premises.contact("wang")})
    both = {"li": (premises.contact("li"), li), "wang": (premises.contact("wang"), wang)}
    assert found == Page(frozenset({(premises.contact("wang"), VIP)}), frozenset(), both)
    assert ledger.of(TELEGRAM, Account("other"), {wang}, set()) == Page()
    assert ledger.of(TELEGRAM, BOT, set(), set()) == Page()


@pytest.mark.parametrize("anywhere", ["sqlite"], indirect=True)
def test_a_page_costs_the_same_however_many_there_are(premises: Premises, ledger: SqlTagLedger) -> None:
    asked: list[str] = []
    with premises.house.views.read() as connection:
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        driver.set_trace_callback(asked.append)
    premises.says("wang", "hi")
    premises.house.catch_up()
    asked.clear()
    ledger.page(TELEGRAM, BOT, "a", 10)
    ledger.of(TELEGRAM, BOT, {premises.customer("wang")}, {premises.contact("wang")})
    driver.set_trace_callback(None)
    selects = [one for one in asked if "external_id" in one or "FROM tags" in one or "mirrored_tags" in one]
    plans = [row[-1] for one in selects for row in driver.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()]
    ours = [plan for plan in plans if "json_each" not in plan and "LIST SUBQUERY" not in plan]
    assert ours == [
        "SEARCH contacts USING INDEX contacts_by_address (channel=? AND external_id>?)",
        "SEARCH tags USING INDEX sqlite_autoindex_tags_1 (subject=?)",
        "SEARCH mirrored_tags USING COVERING INDEX sqlite_autoindex_mirrored_tags_1 (contact=?)",
        "SEARCH contacts USING INDEX sqlite_autoindex_contacts_1 (contact=?)",
        "SEARCH contacts USING INDEX ix_contacts_customer (customer=?)",
        "SEARCH tags USING INDEX sqlite_autoindex_tags_1 (subject=?)",
        "SEARCH mirrored_tags USING COVERING INDEX sqlite_autoindex_mirrored_tags_1 (contact=?)",
    ]


class Synchronised:
    """The premises' people, who all wrote, and a provider; a few are compared at once. ``at``: its clock."""

    def __init__(self, premises: Premises, ledger: SqlTagLedger) -> None:
        self.premises, self.ledger, self.at = premises, ledger, 0.0
        self.names = [f"person-{number:02}" for number in range(PEOPLE)]
        for name in self.names:
            premises.says(name, "hi")
        self.provider = MemoryTagMirror()
        self.begin()

    def begin(self) -> None:
        """Let another process do it from now on."""
        mirrors = {(TELEGRAM, BOT): self.provider}
        follower = self.premises.follower("tag-sync")
        self._sync = TagSync(lambda: mirrors, self.ledger, follower, lambda: self.at, AT_ONCE)

    def tag(self, tag: Tag, *names: str) -> None:
        for name in names:
            self.premises.house.do("system", TagCustomer(customer=self.premises.customer(name), tag=tag))

    def untag(self, tag: Tag, *names: str) -> None:
        for name in names:
            self.premises.house.do("system", UntagCustomer(customer=self.premises.customer(name), tag=tag))

    async def settle(self, later_s: float = 0.0) -> None:
        self.at += later_s
        while await self._sync.step() == 0.0:
            pass

    def ours(self) -> dict[Tag, set[str]]:
        """Who has which tag here."""
        self.premises.house.catch_up()
        found: dict[Tag, set[str]] = {}
        with self.premises.house.views.read() as connection:
            for name in self.names:
                for held in tags_of(connection, self.premises.customer(name)):
                    found.setdefault(held.tag, set()).add(name)
        return found


@pytest.fixture
def synchronised(premises: Premises, ledger: SqlTagLedger) -> Synchronised:
    return Synchronised(premises, ledger)


async def test_more_people_than_a_page_are_equal_on_both_sides_whoever_tagged_them(
    synchronised: Synchronised,
) -> None:
    names = synchronised.names
    synchronised.tag(VIP, *names[::2])
    synchronised.provider.tags = {TEA: set(names[::3]), VIP: {names[0], names[1]}, NEW: {"a stranger"}}
    await synchronised.settle()
    assert synchronised.ours() == {TEA: {*names[::3]}, VIP: {*names[::2], names[1]}}
    assert synchronised.provider.tags == {**synchronised.ours(), NEW: {"a stranger"}}


async def test_what_many_lose_on_one_side_they_lose_on_the_other(synchronised: Synchronised) -> None:
    names = synchronised.names
    synchronised.tag(VIP, *names)
    synchronised.tag(TEA, *names)
    await synchronised.settle()
    synchronised.untag(VIP, *names[5:])
    del synchronised.provider.tags[TEA]
    await synchronised.settle(LOOK_OVER_THERE_EVERY_S)
    assert synchronised.ours() == {VIP: {*names[:5]}}
    assert synchronised.provider.tags == {VIP: {*names[:5]}}


async def test_a_process_that_takes_over_finds_what_changed_before(synchronised: Synchronised) -> None:
    names = synchronised.names
    synchronised.tag(VIP, *names)
    await synchronised.settle()
    synchronised.untag(VIP, *names[:3])
    synchronised.tag(TEA, names[-1])
    synchronised.begin()
    await synchronised.settle()
    assert synchronised.provider.tags == synchronised.ours() == {VIP: {*names[3:]}, TEA: {names[-1]}}


async def test_who_is_merged_and_unmerged_has_the_right_tags_without_a_look(
    premises: Premises, synchronised: Synchronised
) -> None:
    first, second = synchronised.names[0], synchronised.names[-1]
    synchronised.tag(VIP, first)
    synchronised.tag(TEA, second)
    await synchronised.settle()
    one, other = premises.customer(first), premises.customer(second)
    premises.house.do("system", MergeCustomers(customer=one, other=other))
    await synchronised.settle()
    assert synchronised.provider.tags == {VIP: {first, second}, TEA: {first, second}}
    premises.house.do("system", UnmergeCustomer(customer=other))
    await synchronised.settle()
    assert synchronised.provider.tags == synchronised.ours()
