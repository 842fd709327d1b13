"""Columns: the names and the values that exports have."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.ingest import columns
from domain.errors import BadInput
from domain.identity import Currency

SHANGHAI = ZoneInfo("Asia/Shanghai")
CNY = Currency("CNY")


def test_columns_are_found_by_english_and_chinese_names_however_they_are_written() -> None:
    header = ["Order Number", "金额", "PAID_AT", "手机号", "备注", "currency "]
    assert columns.named(header, columns.ORDERS) == {
        "number": 0,
        "amount": 1,
        "paid_at": 2,
        "phone": 3,
        "currency": 5,
    }
    with pytest.raises(BadInput, match="the columns phone and 手机号 say the same"):
        columns.named(["phone", "手机号"], columns.ORDERS)


def test_no_name_stands_for_two_columns() -> None:
    for wanted in (columns.ORDERS, columns.CUSTOMERS):
        names = [columns.named([name], wanted) for names in wanted.values() for name in names]
        assert all(len(found) == 1 for found in names)
        assert len({name for names in wanted.values() for name in names}) == sum(map(len, wanted.values()))


def test_a_cell_is_a_value_whatever_a_calculator_would_make_of_it() -> None:
    cells = ['="00123"', "'138", "=cmd|' /C calc'!A0", " x\t", "＋1"]
    assert [columns.cell(cells, n) for n in range(6)] == [
        "00123",
        "138",
        "=cmd|' /C calc'!A0",
        "x",
        "＋1",
        "",
    ]
    assert columns.cell(cells, None) == ""


@pytest.mark.parametrize(
    "said, expected",
    [
        ("2026-03-02 12:30", datetime(2026, 3, 2, 4, 30, tzinfo=UTC)),
        ("2026/3/2 12:30:05", datetime(2026, 3, 2, 4, 30, 5, tzinfo=UTC)),
        ("2026年3月2日 12:30", datetime(2026, 3, 2, 4, 30, tzinfo=UTC)),
        ("2026.03.02", datetime(2026, 3, 1, 16, tzinfo=UTC)),
        ("2026-03-02T12:30:00Z", datetime(2026, 3, 2, 12, 30, tzinfo=UTC)),
        ("2026-03-02T12:30:00.123+09:00", datetime(2026, 3, 2, 3, 30, tzinfo=UTC)),
        ("２０２６-03-02 12:30", datetime(2026, 3, 2, 4, 30, tzinfo=UTC)),
    ],
)
def test_times_as_exports_write_them(said: str, expected: datetime) -> None:
    assert columns.moment(said, SHANGHAI) == expected


@pytest.mark.parametrize(
    "said", ["", "yesterday", "2026-02-30", "2026-03-02 25:00", "46082.5", "0001-01-01", "=NOW()"]
)
def test_what_is_no_time(said: str) -> None:
    with pytest.raises(BadInput, match="is no time: write it as 2026-03-02 12:30"):
        columns.moment(said, SHANGHAI)


@pytest.mark.parametrize(
    "said, lunar, expected",
    [
        ("1990-05-17", False, "1990-05-17"),
        ("1990/5/17 00:00:00", False, "1990-05-17"),
        ("5-17", False, "05-17"),
        ("5月17日", False, "05-17"),
        ("1990年5月17日", False, "1990-05-17"),
        ("农历4月15日", False, "lunar:04-15"),
        ("lunar:04-15", False, "lunar:04-15"),
        ("04-15", True, "lunar:04-15"),
    ],
)
def test_birthdays_as_exports_write_them(
    said: str, lunar: bool, expected: str
) -> None:  # a parameter of the test
    assert columns.birthday(said, lunar=lunar) == expected


@pytest.mark.parametrize("said", ["", "17.5.", "02-30", "soon", "农历", "1990-13-01"])
def test_what_is_no_birthday(said: str) -> None:
    with pytest.raises(BadInput, match="is no birthday"):
        columns.birthday(said, lunar=False)


def test_days_languages_zones_amounts_and_currencies() -> None:
    assert columns.day("2024-05-17 10:00", date(2026, 1, 1)) == date(2024, 5, 17)
    with pytest.raises(BadInput, match="is in the future"):
        columns.day("2026-05-17", date(2026, 1, 1))
    assert [columns.language(said) for said in ("zh_CN", "中文", "EN")] == ["zh-cn", "zh", "en"]
    assert columns.time_zone("Asia/Tokyo") == "Asia/Tokyo"
    assert columns.amount("￥1,299.50", CNY) == 129_950
    assert (columns.currency("", CNY), columns.currency("usd", CNY)) == (CNY, Currency("USD"))


def test_values_that_cannot_be_are_named() -> None:
    with pytest.raises(BadInput, match="'中国话' is no language"):
        columns.language("中国话")
    for zone in ("Beijing", "../etc/passwd"):
        with pytest.raises(BadInput, match="is no time zone: write it as Asia/Shanghai"):
            columns.time_zone(zone)
    for amount in ("-1", "1.999"):
        with pytest.raises(BadInput, match="is no amount in CNY"):
            columns.amount(amount, CNY)
    with pytest.raises(BadInput, match="is no currency"):
        columns.currency("", None)
