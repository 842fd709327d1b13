"""Files of customers: what is told of those we know, and nothing of anybody else."""

from datetime import date
from pathlib import Path

import pytest

from domain.contacts.events import ContactIdentified
from domain.customers.events import CustomerDescribed
from domain.identity import Locale, ZoneName
from domain.policies.anniversaries import Birthday
from projections.profiles_known import KnownProfile, known_of
from tests.bot.ingest.samples import has_phone, imported, table, written
from tests.bot.premises import Premises

HEADER = ("手机号", "contact", "生日", "农历生日", "入会时间", "语言", "时区")
WANG = ("138 0013 8000", "", "1990/5/17", "", "2024-05-17", "中文", "Asia/Tokyo")
LI = ("", "telegram:li", "", "4-15", "", "", "")
NOBODY = ("13700137000", "", "1980-01-01", "", "", "", "")


@pytest.fixture
def shop(premises: Premises) -> Premises:
    premises.says("wang", "你好")
    premises.says("li", "hello")
    has_phone(premises)
    return premises


def known(premises: Premises) -> dict[str, KnownProfile]:
    premises.house.catch_up()
    ids = {premises.customer(who): who for who in ("wang", "li")}
    with premises.house.views.read() as connection:
        return {ids[customer]: profile for customer, profile in known_of(connection, list(ids)).items()}


def test_what_is_told_of_customers_is_noted_and_the_report_says_of_whom(
    shop: Premises, tmp_path: Path
) -> None:
    lines, code = imported(shop.house, written(tmp_path, table(HEADER, WANG, LI, NOBODY)))
    assert (lines, code) == (
        [
            "line 4: no customer is known by what it says",
            "3 rows: 2 with news, 0 known just so, 1 of nobody known, 0 not taken",
            "  by phone number: 1",
            "  by address: 1",
        ],
        0,
    )
    assert known(shop) == {
        "wang": KnownProfile(Birthday(5, 17, 1990), date(2024, 5, 17), Locale("zh"), ZoneName("Asia/Tokyo")),
        "li": KnownProfile(Birthday(4, 15, lunar=True)),
    }


def test_the_same_file_again_changes_nothing_and_a_newer_one_changes_what_it_says(
    shop: Premises, tmp_path: Path
) -> None:
    path = written(tmp_path, table(HEADER, WANG, LI))
    imported(shop.house, path)
    before = shop.house.log.head()
    lines, _ = imported(shop.house, path)
    assert lines[0] == "2 rows: 0 with news, 2 known just so, 0 of nobody known, 0 not taken"
    assert shop.house.log.head() == before
    moved = (*WANG[:2], "", "", "", "", "Europe/Paris")
    imported(shop.house, written(tmp_path, table(HEADER, moved)))
    assert known(shop)["wang"] == KnownProfile(
        Birthday(5, 17, 1990), date(2024, 5, 17), Locale("zh"), ZoneName("Europe/Paris")
    )


def test_of_a_stranger_nothing_is_stored_not_even_the_phone_number(shop: Premises, tmp_path: Path) -> None:
    before = shop.house.log.head()
    imported(shop.house, written(tmp_path, table(HEADER, NOBODY)))
    assert shop.house.log.head() == before
    assert len(shop.events(ContactIdentified)) == 1


def test_bad_rows_are_told_and_the_others_taken(shop: Premises, tmp_path: Path) -> None:
    rows = (
        ("", "", "1990-05-17", "", "", "", ""),
        (*WANG[:2], "", "", "", "", ""),
        (*WANG[:2], "02-30", "", "", "", ""),
        (*WANG[:2], "", "", "2031-01-01", "", ""),
        (*WANG[:2], "", "", "", "", "Mars/Base"),
        LI,
    )
    lines, code = imported(shop.house, written(tmp_path, table(HEADER, *rows)))
    assert (lines[:5], code) == (
        [
            "line 2: it names nobody: no customer, contact, unionid or phone",
            "line 3: it tells nothing: no birthday, member_since, language or time_zone",
            "line 4: '02-30' is no birthday: write it as 1990-05-17, 05-17 or lunar:04-15",
            "line 5: 2031-01-01 is in the future",
            "line 6: 'Mars/Base' is no time zone: write it as Asia/Shanghai",
        ],
        1,
    )
    assert known(shop) == {"li": KnownProfile(Birthday(4, 15, lunar=True))}


def test_a_birthday_lies_sealed_in_the_log(shop: Premises, tmp_path: Path) -> None:
    imported(shop.house, written(tmp_path, table(HEADER, WANG)))
    (described,) = shop.events(CustomerDescribed)
    assert "1990" not in repr(described)
    data = shop.house.settings.data / "log.db"
    wal = data.with_name("log.db-wal")
    assert b"1990-05-17" not in data.read_bytes() + (wal.read_bytes() if wal.exists() else b"")
