import pytest

from channels.channel import Limits
from channels.webchat import open_channel
from channels.webchat.limits import DATED, SHOP_TEXT_UNITS, SOURCE
from channels.webchat.settings import Settings, read
from domain.errors import BadSettings
from domain.identity import Account, Channel
from tests.channels.webchat.house import House


def test_without_settings_the_chat_has_no_rate_and_is_embedded_by_itself_only() -> None:
    assert read("main", {}) == Settings(
        frame_ancestors="'self'", sockets=2_000, rate_per_s=0, chat_rate_per_s=0, group_rate_per_min=0
    )


def test_settings_come_as_text() -> None:
    given = {"frame_ancestors": " https://shop.example   https://*.shop.example:8443 ", "rate_per_s": "2.5"}
    assert read("main", given) == Settings(
        frame_ancestors="https://shop.example https://*.shop.example:8443", rate_per_s=2.5
    )


@pytest.mark.parametrize(
    "name,settings,named",
    [
        ("main", {"rate_per_s": "often"}, "SIYU_WEBCHAT__RATE_PER_S"),
        ("main", {"chat_rate_per_s": "-1"}, "SIYU_WEBCHAT__CHAT_RATE_PER_S"),
        ("main", {"group_rate_per_min": "inf"}, "SIYU_WEBCHAT__GROUP_RATE_PER_MIN"),
        ("main", {"sockets": "0"}, "SIYU_WEBCHAT__SOCKETS"),
        ("main", {"colour": "green"}, "SIYU_WEBCHAT__COLOUR"),
        ("main", {"frame_ancestors": ""}, "SIYU_WEBCHAT__FRAME_ANCESTORS"),
        ("main", {"frame_ancestors": "https://a.example; script-src *"}, "SIYU_WEBCHAT__FRAME_ANCESTORS"),
        ("vip", {"frame_ancestors": "*"}, "SIYU_WEBCHAT__VIP__FRAME_ANCESTORS"),
        ("ws", {}, "SIYU_WEBCHAT__WS__"),
        ("static", {}, "SIYU_WEBCHAT__STATIC__"),
        ("a/b", {}, "SIYU_WEBCHAT__A/B__"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_on_one_line(
    name: str, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSettings) as caught:
        read(name, settings)
    assert str(caught.value).startswith(named)
    assert "\n" not in str(caught.value)


def test_an_account_is_called_as_in_the_settings_and_has_its_own_limits() -> None:
    adapter = open_channel("vip", {"chat_rate_per_s": "1"}, House().desk())
    assert (adapter.channel, adapter.account) == (Channel("webchat"), Account("vip"))
    assert adapter.limits == Limits(
        source=SOURCE,
        dated=DATED,
        text_units=SHOP_TEXT_UNITS,
        rate_per_s=0,
        chat_rate_per_s=1,
        group_rate_per_min=0,
    )
