import pytest

from channels.wechat import open_channel
from channels.wechat.settings import Settings, read_settings
from domain.errors import BadSettings
from tests.channels.house import House

SECRET = "acanarysecretacanarysecret123456"
AES_KEY = "CanaryCanaryCanaryCanaryCanaryCanaryCanary0"
GIVEN = {"app_id": "wx1234567890abcdef", "app_secret": SECRET, "token": "CanaryToken", "aes_key": AES_KEY}


def test_app_id_and_three_secrets_are_enough() -> None:
    settings = read_settings("main", GIVEN)
    assert (settings.api_base, settings.kind, settings.reply) == (
        "https://api.weixin.qq.com",
        "service",
        "auto",
    )
    assert settings.aes_key.get_secret_value() == AES_KEY


def test_everything_can_be_set_and_an_empty_value_is_none() -> None:
    further = {
        "api_base": "http://127.0.0.1:8081/",
        "kind": "subscription",
        "reply": "passive",
        "link_domain": "l.example.com",
        "rate_per_s": "0",
        "chat_rate_per_s": "",
        "group_rate_per_min": "7",
    }
    assert read_settings("main", GIVEN | further) == Settings(
        app_id="wx1234567890abcdef",
        app_secret=read_settings("main", GIVEN).app_secret,
        token=read_settings("main", GIVEN).token,
        aes_key=read_settings("main", GIVEN).aes_key,
        api_base="http://127.0.0.1:8081",
        kind="subscription",
        reply="passive",
        link_domain="l.example.com",
        rate_per_s=0.0,
        chat_rate_per_s=2.0,
        group_rate_per_min=7.0,
    )


@pytest.mark.parametrize("missing", ["APP_ID", "APP_SECRET", "TOKEN", "AES_KEY"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_channel_without_one_of_its_secrets_refuses_to_start_naming_it(
    missing: str, value: str | None
) -> None:
    given = {name: kept for name, kept in GIVEN.items() if name.upper() != missing}
    if value is not None:
        given[missing.lower()] = value
    with pytest.raises(BadSettings, match=f"^SIYU_WECHAT__{missing} is missing$"):
        open_channel("main", given, House().desk())
    with pytest.raises(BadSettings, match=f"^SIYU_WECHAT__SHOP__{missing} is missing$"):
        open_channel("shop", given, House().desk())


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("app_id", f"xx{SECRET}", "SIYU_WECHAT__APP_ID: is no AppID"),
        ("app_secret", f"{SECRET} 密", "SIYU_WECHAT__APP_SECRET: is no AppSecret"),
        ("token", f"{SECRET}-", "SIYU_WECHAT__TOKEN: must be 3 to 32"),
        ("aes_key", AES_KEY[:-1], "SIYU_WECHAT__AES_KEY: must be 43"),
        ("aes_key", AES_KEY + "0", "SIYU_WECHAT__AES_KEY: must be 43"),
        ("api_base", f"ftp://{SECRET}", "SIYU_WECHAT__API_BASE: must be an http"),
        ("api_base", f"http://h?{SECRET}", "SIYU_WECHAT__API_BASE: must be an http"),
        ("kind", SECRET, "SIYU_WECHAT__KIND: Input should be 'subscription' or 'service'"),
        ("reply", SECRET, "SIYU_WECHAT__REPLY: Input should be 'auto', 'passive' or 'service'"),
        ("link_domain", f"https://{SECRET}", "SIYU_WECHAT__LINK_DOMAIN: must be a domain"),
        ("rate_per_s", "0", "SIYU_WECHAT__RATE_PER_S: 0 (no limit) needs another"),
        ("chat_rate_per_s", "nan", "SIYU_WECHAT__CHAT_RATE_PER_S: Input should be a finite"),
        ("tokn", SECRET, "SIYU_WECHAT__TOKN is no setting of WeChat"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(name: str, value: str, message: str) -> None:
    with pytest.raises(BadSettings) as error:
        read_settings("main", GIVEN | {name: value})
    told = str(error.value)
    assert told.startswith(message)
    assert "\n" not in told
    assert not any(secret in told for secret in (SECRET, AES_KEY, "CanaryToken"))


def test_settings_print_no_secret() -> None:
    shown = repr(read_settings("main", GIVEN))
    assert not any(secret in shown for secret in (SECRET, AES_KEY, "CanaryToken"))


async def test_an_open_channel_has_the_app_id_as_account_and_the_rates_of_its_settings() -> None:
    adapter = open_channel("main", GIVEN | {"rate_per_s": "500"}, House().desk())
    limits = (adapter.limits.rate_per_s, adapter.limits.chat_rate_per_s, adapter.limits.text_bytes)
    assert (adapter.channel, adapter.account, limits) == ("wechat", "wx1234567890abcdef", (500.0, 2.0, 2048))
    await adapter.stop()
