"""A token: 32 characters that nobody can guess or bend, and links only where they may go out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.links import ShortLinks
from bot.links.tokens import TOKEN_CHARS
from domain.identity import Account, Channel, DeliveryId, Digest

DELIVERY = DeliveryId(Digest("0123456789abcdef" * 2))
TELEGRAM, WECHAT, WEBCHAT = Channel("telegram"), Channel("wechat"), Channel("webchat")
SHOP = Account("wx1234567890")
NEW, OLD = "https://shop.example/new", "https://shop.example/old"
TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=32, max_size=32)
deliveries = st.binary(min_size=16, max_size=16).map(lambda raw: DeliveryId(raw.hex()))

LINKS = ShortLinks(b"secret", "https://siyu.example", {})


def token(delivery: DeliveryId = DELIVERY, index: int = 0) -> str:
    made = LINKS.token(delivery, index)
    assert made is not None
    return made


@given(deliveries, st.integers(0, 255))
def test_what_was_made_is_read_again(delivery: DeliveryId, index: int) -> None:
    made = token(delivery, index)
    assert len(made) == TOKEN_CHARS == 32
    assert LINKS.read(made) == (delivery, index)


@given(deliveries, st.integers(0, 255), st.integers(0, 31), st.integers(1, 63))
def test_a_token_with_one_sign_changed_is_none(delivery: DeliveryId, index: int, place: int, by: int) -> None:
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    made = token(delivery, index)
    other = signs[(signs.index(made[place]) + by) % len(signs)]
    assert LINKS.read(made[:place] + other + made[place + 1 :]) is None


@given(st.one_of(st.text(max_size=40), TOKENS))
def test_what_somebody_makes_up_is_none(made_up: str) -> None:
    assert LINKS.read(made_up) is None


@pytest.mark.parametrize("bent", ["{0}=", "{0}A", " {0}", "{0}\n", "+/" + "{0}", ""])
def test_a_token_that_is_bent_is_none(bent: str) -> None:
    assert LINKS.read(bent.format(token())) is None


def test_another_installation_reads_none_of_ours() -> None:
    assert ShortLinks(b"another", "https://siyu.example", {}).read(token()) is None


def test_each_delivery_and_each_address_has_a_token_of_its_own() -> None:
    others = [DeliveryId("f" * 32), DELIVERY]
    assert len({token(delivery, index) for delivery in others for index in range(256)}) == 512


@pytest.mark.parametrize(
    "delivery, index", [(DeliveryId("hello"), 0), (DeliveryId("ab" * 15), 0), (DELIVERY, 256)]
)
def test_what_does_not_fit_gets_no_token(delivery: DeliveryId, index: int) -> None:
    assert LINKS.token(delivery, index) is None


def test_each_address_of_a_campaign_gets_a_link_below_the_public_address() -> None:
    assert LINKS.links(DELIVERY, TELEGRAM, Account("42"), [NEW, OLD]) == {
        NEW: f"https://siyu.example/l/{token()}",
        OLD: f"https://siyu.example/l/{token(index=1)}",
    }
    assert LINKS.links(DELIVERY, WEBCHAT, Account("site"), []) == {}


def test_without_a_public_address_there_are_none() -> None:
    assert ShortLinks(b"secret", None, {}).links(DELIVERY, TELEGRAM, Account("42"), [NEW]) == {}


def test_on_wechat_they_go_out_with_the_accounts_own_domain_and_no_other() -> None:
    variables = {
        "SIYU_WECHAT__APP_ID": "wx1234567890",
        "SIYU_WECHAT__LINK_DOMAIN": "l.tea.example",
        "SIYU_WECHAT__OTHER__APP_ID": "wx0987654321",
    }
    links = ShortLinks(b"secret", "https://siyu.example", variables)
    assert links.links(DELIVERY, WECHAT, SHOP, [NEW]) == {NEW: f"https://l.tea.example/l/{token()}"}
    assert links.links(DELIVERY, WECHAT, Account("wx0987654321"), [NEW]) == {}
    assert LINKS.links(DELIVERY, WECHAT, SHOP, [NEW]) == {}
