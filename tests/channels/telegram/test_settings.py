import pytest
from pydantic import SecretStr

from channels.telegram import open_channel
from channels.telegram.settings import Settings, read_settings
from domain.errors import BadSettings
from tests.channels.house import House

TOKEN = "1234567890:not-a-real_token"
SECRET = "a-canary-secret"
PUBLIC_URL = "https://siyu.example"


def test_a_token_is_enough() -> None:
    assert read_settings("main", {"token": TOKEN}, None) == Settings(
        token=SecretStr(TOKEN),
        api_base="https://api.telegram.org",
        mode="polling",
        webhook_secret=None,
        proxy=None,
        rate_per_s=30.0,
        chat_rate_per_s=1.0,
        group_rate_per_min=20.0,
    )


def test_everything_can_be_set_and_an_empty_value_is_none() -> None:
    given = {
        "token": TOKEN,
        "api_base": "http://127.0.0.1:8081/",
        "mode": "webhook",
        "webhook_secret": SECRET,
        "proxy": "socks5://user:pass@127.0.0.1:1080",
        "rate_per_s": "0",
        "chat_rate_per_s": "2.5",
        "group_rate_per_min": "",
    }
    assert read_settings("main", given, PUBLIC_URL) == Settings(
        token=SecretStr(TOKEN),
        api_base="http://127.0.0.1:8081",
        mode="webhook",
        webhook_secret=SecretStr(SECRET),
        proxy=SecretStr("socks5://user:pass@127.0.0.1:1080"),
        rate_per_s=0.0,
        chat_rate_per_s=2.5,
        group_rate_per_min=20.0,
    )


@pytest.mark.parametrize(
    "given, public_url, message",
    [
        ({}, None, "SIYU_TELEGRAM__TOKEN is missing"),
        ({"token": ""}, None, "SIYU_TELEGRAM__TOKEN is missing"),
        ({"mode": "webhook", "webhook_secret": SECRET}, PUBLIC_URL, "SIYU_TELEGRAM__TOKEN is missing"),
        ({"token": SECRET}, None, "SIYU_TELEGRAM__TOKEN: is no bot token"),
        ({"token": f"1:{SECRET}/x"}, None, "SIYU_TELEGRAM__TOKEN: is no bot token"),
        ({"token": TOKEN, "mode": "webhook"}, PUBLIC_URL, "SIYU_TELEGRAM__WEBHOOK_SECRET is missing"),
        (
            {"token": TOKEN, "mode": "webhook", "webhook_secret": ""},
            PUBLIC_URL,
            "SIYU_TELEGRAM__WEBHOOK_SECRET is missing",
        ),
        (
            {"token": TOKEN, "mode": "webhook", "webhook_secret": f"{SECRET} 密"},
            PUBLIC_URL,
            "SIYU_TELEGRAM__WEBHOOK_SECRET: must be 1 to 256",
        ),
        (
            {"token": TOKEN, "mode": "webhook", "webhook_secret": SECRET},
            None,
            "SIYU_PUBLIC_URL is missing",
        ),
        (
            {"token": TOKEN, "mode": SECRET},
            None,
            "SIYU_TELEGRAM__MODE: Input should be 'polling' or 'webhook'",
        ),
        ({"token": TOKEN, "api_base": f"ftp://{SECRET}"}, None, "SIYU_TELEGRAM__API_BASE: must be an http"),
        (
            {"token": TOKEN, "api_base": f"http://h/{{{SECRET}}}"},
            None,
            "SIYU_TELEGRAM__API_BASE: must be an http",
        ),
        ({"token": TOKEN, "api_base": "http://h:port"}, None, "SIYU_TELEGRAM__API_BASE: must be an http"),
        ({"token": TOKEN, "proxy": SECRET}, None, "SIYU_TELEGRAM__PROXY: must be an address such as"),
        ({"token": TOKEN, "rate_per_s": "0"}, None, "SIYU_TELEGRAM__RATE_PER_S: 0 (no limit) needs another"),
        (
            {"token": TOKEN, "group_rate_per_min": "0"},
            None,
            "SIYU_TELEGRAM__GROUP_RATE_PER_MIN: 0 (no limit) needs another",
        ),
        (
            {"token": TOKEN, "rate_per_s": "1001"},
            None,
            "SIYU_TELEGRAM__RATE_PER_S: Input should be less than",
        ),
        (
            {"token": TOKEN, "rate_per_s": "-1"},
            None,
            "SIYU_TELEGRAM__RATE_PER_S: Input should be greater than",
        ),
        ({"token": TOKEN, "rate_per_s": "nan"}, None, "SIYU_TELEGRAM__RATE_PER_S: Input should be a finite"),
        ({"token": TOKEN, "tokn": SECRET}, None, "SIYU_TELEGRAM__TOKN is no setting of Telegram"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(
    given: dict[str, str], public_url: str | None, message: str
) -> None:
    with pytest.raises(BadSettings) as error:
        read_settings("main", given, public_url)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    assert TOKEN not in str(error.value)


def test_a_further_account_is_named_in_its_settings() -> None:
    with pytest.raises(BadSettings, match="SIYU_TELEGRAM__SHOP__TOKEN is missing"):
        read_settings("shop", {}, None)


def test_settings_print_no_secret() -> None:
    given = {"token": TOKEN, "webhook_secret": SECRET, "proxy": f"socks5://user:{SECRET}@127.0.0.1:1080"}
    shown = repr(read_settings("main", given, None))
    assert "not-a-real_token" not in shown
    assert SECRET not in shown


async def test_an_open_channel_has_the_bots_id_as_account_and_the_rates_of_its_settings() -> None:
    adapter = open_channel("main", {"token": TOKEN, "rate_per_s": "500"}, House().desk())
    limits = (adapter.limits.rate_per_s, adapter.limits.chat_rate_per_s, adapter.limits.text_units)
    assert (adapter.channel, adapter.account, limits) == ("telegram", "1234567890", (500.0, 1.0, 4096))
    assert adapter.routes() == ()
    await adapter.stop()


async def test_opening_refuses_wrong_settings() -> None:
    with pytest.raises(BadSettings, match="SIYU_TELEGRAM__WEBHOOK_SECRET is missing"):
        open_channel("main", {"token": TOKEN, "mode": "webhook"}, House().desk(PUBLIC_URL))
