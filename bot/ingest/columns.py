"""Columns: what they are called in exports, in English and Chinese, and how their values are read."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import BadInput
from domain.identity import Currency, Locale, ZoneName
from domain.policies.anniversaries import birthday_of
from domain.policies.money import currency_of, smallest_units
from domain.policies.text import folded, normalised

WHO = {
    "customer": ("customer", "customer id", "客户", "客户编号", "客户id"),
    "contact": ("contact", "联系人", "渠道账号"),
    "unionid": ("unionid", "union id"),
    "phone": (
        "phone",
        "phone number",
        "mobile",
        "手机号",
        "手机",
        "手机号码",
        "电话",
        "联系电话",
        "收货人手机",
        "联系手机",
    ),
}
ORDERS: Mapping[str, Sequence[str]] = {
    **WHO,
    "number": ("order number", "order no", "order id", "order", "订单号", "订单编号", "主订单编号"),
    "amount": ("amount", "total", "order amount", "金额", "订单金额", "总金额", "应付金额"),
    "currency": ("currency", "币种", "货币"),
    "ordered_at": (
        "ordered at",
        "placed at",
        "created at",
        "order time",
        "下单时间",
        "创建时间",
        "订单创建时间",
    ),
    "paid": ("paid amount", "paid", "实付金额", "支付金额", "实付款"),
    "paid_at": ("paid at", "payment time", "支付时间", "付款时间"),
    "refunded": ("refund amount", "refunded", "退款金额"),
    "refunded_at": ("refunded at", "refund time", "退款时间"),
    "items": ("items", "products", "商品", "商品名称", "商品信息", "宝贝标题"),
}
CUSTOMERS: Mapping[str, Sequence[str]] = {
    **WHO,
    "birthday": ("birthday", "birth date", "生日", "出生日期"),
    "lunar_birthday": ("lunar birthday", "农历生日", "阴历生日"),
    "member_since": ("member since", "入会时间", "入会日期", "注册时间", "注册日期"),
    "language": ("language", "语言"),
    "zone": ("time zone", "timezone", "zone", "时区"),
}
FIRST_YEAR = 1990
"""No shop's history is older."""
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_BIRTHDAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_LUNAR = re.compile(r"(?:lunar|农历|阴历)[:： ]*", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,2}", re.ASCII | re.IGNORECASE)
_TEXT_MARK = re.compile(r'="(.*)"')
LANGUAGES = {"中文": "zh", "简体中文": "zh", "英文": "en", "英语": "en", "chinese": "zh", "english": "en"}


def named(header: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return where the wanted columns stand in a header. Raises BadInput where two stand for the same."""
    found: dict[str, int] = {}
    by_name = {_plain(name): column for column, names in wanted.items() for name in (column, *names)}
    for place, cell in enumerate(header):
        column = by_name.get(_plain(cell))
        if column is None:
            continue
        if column in found:
            one, other = header[found[column]], cell
            raise BadInput(
                "the columns {one} and {other} say the same: leave one of them out", one=one, other=other
            )
        found[column] = place
    return found


def _plain(name: str) -> str:
    return folded(name).replace("_", "").replace("-", "").replace(" ", "")


def cell(cells: Sequence[str], place: int | None) -> str:
    """Return a value; empty where the row is too short, or there is no such column. What a calculator wraps to keep a text is unwrapped."""
    if place is None or place >= len(cells):
        return ""
    text = normalised(cells[place]).strip()
    marked = _TEXT_MARK.fullmatch(text)
    return marked[1].strip() if marked else text.removeprefix("'")


def moment(said: str, zone: ZoneInfo) -> datetime:
    """Return a time; without a zone of its own it is one of the installation's. Raises BadInput."""
    found = _TIME.fullmatch(folded(said).upper())
    try:
        if found is None:
            raise ValueError  # one answer for whatever is wrong with it
        parts = [int(part or 0) for part in found.groups()[:6]]
        local = datetime(parts[0], *parts[1:], tzinfo=zone)  # type: ignore[arg-type, misc]  # five more numbers
        if found[7]:
            local = datetime.fromisoformat(f"{local.replace(tzinfo=None).isoformat()}{found[7]}")
    except ValueError:
        raise BadInput("{said!r} is no time: write it as 2026-03-02 12:30", said=said) from None
    if local.year < FIRST_YEAR:
        raise BadInput("{said!r} is no time: write it as 2026-03-02 12:30", said=said)
    return local.astimezone(UTC)


def day(said: str, today: date) -> date:
    """Return a day, not in the future; a time of day is left out. Raises BadInput."""
    found = moment(said.split(maxsplit=1)[0] if said.split() else said, ZoneInfo("UTC")).date()
    if found > today:
        raise BadInput("{said} is in the future", said=said)
    return found


def birthday(said: str, *, lunar: bool) -> str:
    """Return a birthday as the domain has it (domain/policies/anniversaries.py). Raises BadInput."""
    plain = folded(said)
    lunar = lunar or _LUNAR.match(plain) is not None
    found = _BIRTHDAY.fullmatch(_LUNAR.sub("", plain).partition(" ")[0])
    if found is not None:
        year = "" if found[1] is None else f"{found[1]}-"
        told = f"{'lunar:' if lunar else ''}{year}{int(found[2]):02}-{int(found[3]):02}"
        if birthday_of(told) is not None:
            return told
    raise BadInput("{said!r} is no birthday: write it as 1990-05-17, 05-17 or lunar:04-15", said=said)


def amount(said: str, currency: Currency) -> int:
    """Return an amount in the smallest unit, not negative. Raises BadInput."""
    found = smallest_units(said, currency)
    if found is None or found < 0:
        raise BadInput("{said!r} is no amount in {currency}", said=said, currency=currency)
    return found


def currency(said: str, usual: Currency | None) -> Currency:
    """Return a currency; ``usual`` where nothing is said. Raises BadInput."""
    found = currency_of(said) if said else usual
    if found is None:
        raise BadInput("{said!r} is no currency: write its three letters, such as USD", said=said)
    return found


def language(said: str) -> Locale:
    """Return a language. Raises BadInput."""
    code = LANGUAGES.get(folded(said), said)
    if not _LANGUAGE.fullmatch(code):
        raise BadInput("{said!r} is no language: write its code, such as zh or en", said=said)
    return Locale(code.replace("_", "-").lower())


def time_zone(said: str) -> ZoneName:
    """Return a time zone. Raises BadInput."""
    if said not in available_timezones():
        raise BadInput("{said!r} is no time zone: write it as Asia/Shanghai", said=said)
    return ZoneName(said)
