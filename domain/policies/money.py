"""Money: amounts in a currency's smallest unit, as people and other systems write them."""

import re
from decimal import Decimal

from domain.identity import Currency
from domain.policies.text import folded

DECIMALS = 2
OTHER_DECIMALS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Of currencies that do not have two (ISO 4217, list one, as of 2024)."""
MOST = 10**15
"""No amount is as large, in any currency."""
CURRENCY_LETTERS = 3
_SIGNS = "¥￥$€£元圆"
_AMOUNT = re.compile(r"[+-]?(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,15})?", re.ASCII)


def currency_of(said: str) -> Currency | None:
    """Return a currency's code, None for what is none; ``RMB`` and 元 are what they are in China."""
    code = said.strip().upper()
    if code in {"RMB", "元", "人民币"}:
        return Currency("CNY")
    fits = len(code) == CURRENCY_LETTERS and code.isascii() and code.isalpha()
    return Currency(code) if fits else None


def smallest_units(said: str, currency: Currency) -> int | None:
    """Return an amount such as ``1,299.50`` or ``￥99`` in the currency's smallest unit; None for what is none, or is finer than that."""
    plain = folded(said).strip(_SIGNS + " ").replace(" ", "")
    if not _AMOUNT.fullmatch(plain):  # a comma elsewhere may stand for the point: nobody can tell
        return None
    amount = Decimal(plain.replace(",", "")).scaleb(decimals(currency))
    whole = abs(amount) < MOST and amount == amount.to_integral_value()
    return int(amount) if whole else None


def shown(amount: int, currency: Currency) -> str:
    """Return an amount as people read it: ``99.50 CNY``."""
    places = decimals(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f} {currency}"


def decimals(currency: Currency) -> int:
    """Return how many decimals the currency has."""
    return OTHER_DECIMALS.get(currency, DECIMALS)
