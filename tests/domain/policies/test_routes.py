"""The first way that still has room."""

from domain.identity import Slug
from domain.policies.routes import Offer, choose

SERVICE = Offer(Slug("service"), windowed=True)
ASKED_FOR = Offer(Slug("subscribe"), of=Slug("subscription-shipped"), allowed=2)
MASS = Offer(Slug("mass"), of=Slug("mass-2026-06"), allowed=4)
TEMPLATE = Offer(Slug("template"))
ALL = (SERVICE, ASKED_FOR, MASS, TEMPLATE)


def chosen(
    *spent: tuple[str, int], window_open: bool = False, offers: tuple[Offer, ...] = ALL
) -> Offer | None:
    counts = dict(spent)
    return choose(offers, window_open=window_open, spent=lambda of: counts.get(of, 0))


def test_inside_the_window_the_service_message_goes_first() -> None:
    assert chosen(window_open=True) is SERVICE
    assert chosen() is ASKED_FOR


def test_an_allowance_that_is_used_up_is_passed_over() -> None:
    assert chosen(("subscription-shipped", 1)) is ASKED_FOR
    assert chosen(("subscription-shipped", 2)) is MASS
    assert chosen(("subscription-shipped", 2), ("mass-2026-06", 4)) is TEMPLATE


def test_the_order_is_the_callers() -> None:
    assert chosen(window_open=True, offers=(MASS, SERVICE)) is MASS


def test_where_none_is_open_there_is_none() -> None:
    assert chosen(("mass-2026-06", 9), offers=(SERVICE, MASS)) is None
    assert chosen(offers=()) is None
