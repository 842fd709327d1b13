"""Codes after a restore: which were given out since the backup nobody knows, so none is given before an operator has settled it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.command import CLI
from bot.control_server import perform
from bot.operations.moving import resume_sending
from domain.campaigns.commands import LaunchCampaign
from domain.campaigns.plan import CODE_MARK, Arm, Cadence, Timing
from domain.codes.events import CodeAssigned, PoolDoubted, PoolSettled
from domain.deliveries.events import DeliveryClass, DeliverySuppressed
from domain.gate import ClaimDelivery
from domain.identity import RunId, Slug, ZoneName
from domain.installation.events import InstallationRestored
from domain.message import Personal
from tests.bot.backup.moving import backed_up, is_fine, key_of, opened, restored, shown
from tests.bot.premises import Premises
from tests.domain.controls import commands
from tests.domain.controls.ids import SUMMER

PEOPLE = ("wang", "li", "chen", "zhao")
CODES = [f"TEA-{number}" for number in range(1, 7)]
TEA = Slug("tea")


def adds(premises: Premises, folder: Path, *codes: str) -> list[str]:
    file = folder / "codes.csv"
    file.write_text("".join(f"{code}\n" for code in codes))
    return does(premises, "codes-add", pool="tea", file=str(file))


def does(premises: Premises, operation: str, **arguments: object) -> list[str]:
    """What an operation tells, or why not."""
    told = perform(premises.house, operation, arguments)
    return [str(line.get("line") or line.get("error")) for line in told if line.keys() - {"exit"}]


def settles(premises: Premises, **how: object) -> list[str]:
    return does(premises, "codes-settle", pool="tea", **how)


def gives(premises: Premises, who: str, run: str = "june") -> str | None:
    """Plan a message of the campaign, and let the gate start it; returns the code that this person has got now."""
    plan = replace(
        premises.plan(who, kind=DeliveryClass.MARKETING), text=None, campaign=SUMMER, run=RunId(run)
    )
    claim = ClaimDelivery(
        delivery=plan.delivery,
        worker=Slug("worker-1"),
        until=premises.now.replace(hour=23),
        rendered=Personal(f"your code: {CODE_MARK}"),
        coded=True,
        controls=commands.CONTROLS,
    )
    premises.house.do("system", plan)
    premises.house.do("scheduler", claim)
    return has(premises).get(who)


def has(premises: Premises) -> dict[str, str]:
    """Who has which code, as far as this log knows."""
    names = {premises.customer(who): who for who in PEOPLE}
    return {names[event.customer]: event.code.value for event in premises.events(CodeAssigned)}


@pytest.fixture
def shop(premises: Premises, tmp_path: Path) -> Premises:
    """A pool of six codes, of which Wang has the first; the campaign recurs, so it outlives the restore."""
    for who in PEOPLE:
        premises.says(who, "hello")
    assert adds(premises, tmp_path, *CODES) == ["6 codes added to the pool tea: 6 are left."]
    daily = Timing(zone=ZoneName("Asia/Shanghai"), cadence=Cadence.RECURRING, recurrence=Slug("daily@13:00"))
    draft = replace(commands.DRAFT_CAMPAIGN, codes=TEA, arms=(Arm(variant=Slug("a")),), timing=daily)
    premises.house.do("system", draft, LaunchCampaign(campaign=SUMMER, meant=4, alone=True))
    assert gives(premises, "wang") == "TEA-1"
    return premises


@contextmanager
def back_to_monday(shop: Premises, folder: Path) -> Iterator[Premises]:
    """Wang and Li have TEA-1 and TEA-2, and the backup knows of Wang's only; it is restored and sends again."""
    backed_up(shop, folder / "monday")
    assert gives(shop, "li") == "TEA-2"
    told = restored(folder / "monday", folder / "new", shop.now, key_of(shop))
    assert "unknown which codes were given out since: 1 pools give none before siyu codes settle POOL" in told
    with opened(folder / "new", shop.now) as there:
        assert shown(resume_sending(there.house)) == ["messages leave again"]
        yield there
        assert is_fine(there)


def test_no_code_of_the_backup_is_given_before_somebody_says_which_were_given_since(
    shop: Premises, tmp_path: Path
) -> None:
    with back_to_monday(shop, tmp_path) as there:
        assert [gives(there, who) for who in ("chen", "zhao")] == [None, None]
        reasons = {(event.reason, event.rule) for event in there.events(DeliverySuppressed)}
        assert reasons == {("codes-in-doubt", "codes")}
        assert gives(there, "wang", "july") == "TEA-1"  # theirs already when the backup was taken
        assert has(there) == {"wang": "TEA-1"}
        assert does(there, "codes-list") == [
            "tea: 0 left of 6, 1 given out, 0 redeemed",
            "tea: nobody knows which of its codes were given out since the backup, so none is: siyu codes settle tea",
        ]


def test_what_comes_in_meanwhile_waits_too_for_it_may_have_been_in_the_pool_before(
    shop: Premises, tmp_path: Path
) -> None:
    with back_to_monday(shop, tmp_path) as there:
        assert adds(there, tmp_path, "TEA-7") == [
            "1 codes added to the pool tea: 6 are left.",
            "tea: nobody knows which of its codes were given out since the backup, so none is: siyu codes settle tea",
        ]
        assert gives(there, "chen") is None


def test_of_codes_that_were_given_since_the_last_one_is_enough_and_the_next_one_goes_out(
    shop: Premises, tmp_path: Path
) -> None:
    given = tmp_path / "given.csv"
    given.write_text("code\ntea-3\n")
    with back_to_monday(shop, tmp_path) as there:
        assert settles(there, given=str(given)) == [
            "The pool tea gives out codes again: 3 are left, 2 are given to nobody."
        ]
        assert there.events(PoolSettled) == [PoolSettled(pool=TEA, through=3, operator=CLI)]
        assert [gives(there, who) for who in ("chen", "zhao")] == ["TEA-4", "TEA-5"]
        assert does(there, "codes-list") == [
            "tea: 1 left of 6, 3 given out, 0 redeemed",
            "tea: 2 are given to nobody since a restore",
        ]


def test_where_none_was_given_since_all_that_are_left_go_out(shop: Premises, tmp_path: Path) -> None:
    with back_to_monday(shop, tmp_path) as there:
        assert settles(there, none_given=True) == [
            "The pool tea gives out codes again: 5 are left, 0 are given to nobody."
        ]
        assert gives(there, "chen") == "TEA-2"


def test_where_nobody_knows_the_old_ones_are_withdrawn_and_new_ones_go_out(
    shop: Premises, tmp_path: Path
) -> None:
    with back_to_monday(shop, tmp_path) as there:
        assert settles(there, withdraw=True) == [
            "The pool tea gives out codes again: 0 are left, 5 are given to nobody."
        ]
        assert gives(there, "chen") is None
        assert adds(there, tmp_path, "NEW-1") == ["1 codes added to the pool tea: 1 are left."]
        assert gives(there, "zhao") == "NEW-1"


def test_codes_that_the_pool_does_not_have_are_told_and_nothing_is_settled(
    shop: Premises, tmp_path: Path
) -> None:
    given = tmp_path / "given.csv"
    given.write_text("TEA-2\nTEA-9\nwith blank\n")
    with back_to_monday(shop, tmp_path) as there:
        assert settles(there, given=str(given)) == [
            "line 2: this code is not in the pool tea",
            "line 3: a code has 1 to 64 letters, digits and signs, and no blank",
            "Nothing was settled: correct the file and try again.",
        ]
        assert there.events(PoolSettled) == []


@pytest.mark.parametrize(
    "pool, how, complaint",
    [
        ("tea", {}, "say one of --none-given, --given FILE and --withdraw"),
        (
            "tea",
            {"withdraw": True, "none_given": True},
            "say one of --none-given, --given FILE and --withdraw",
        ),
        ("nowhere", {"withdraw": True}, "there is no pool nowhere"),
        ("tea", {"withdraw": True}, "the pool tea is not in doubt: its codes are given out"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    shop: Premises, pool: str, how: dict[str, object], complaint: str
) -> None:
    assert does(shop, "codes-settle", pool=pool, **how) == [complaint]
    assert shop.events(PoolSettled) == []


def test_a_second_restore_doubts_again_what_was_settled(shop: Premises, tmp_path: Path) -> None:
    with back_to_monday(shop, tmp_path) as there:
        settles(there, none_given=True)
        backed_up(there, tmp_path / "tuesday")
        restored(tmp_path / "tuesday", tmp_path / "newer", there.now, key_of(there))
    with opened(tmp_path / "newer", shop.now) as newer:
        assert len(newer.events(PoolDoubted)) == len(newer.events(InstallationRestored)) == 2
        assert shown(resume_sending(newer.house)) == ["messages leave again"]
        assert gives(newer, "chen") is None


def test_an_imported_installation_gives_none_either_before_it_is_settled(
    shop: Premises, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{line}\n" for line in does(shop, "events", json=True)), "utf8")
    copy = Premises(tmp_path / "copy")
    try:
        told = does(copy, "import-events", file=str(log))
        assert (
            told[-1]
            == "unknown which codes were given out since: 1 pools give none before siyu codes settle POOL"
        )
        copy.now = shop.now
        assert does(copy, "resume-sending") == ["messages leave again"]
        assert gives(copy, "chen") is None
        assert settles(copy, none_given=True) == [
            "The pool tea gives out codes again: 5 are left, 0 are given to nobody."
        ]
        assert gives(copy, "li", "july") == "TEA-2"
    finally:
        copy.close()
