"""Settings: from the environment or siyu.toml, and what is told of those that make no sense."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import Marketing, Settings, accounts_of, environment, load
from domain.errors import BadSettings
from domain.identity import Slug, ZoneName
from domain.policies.frequency_cap import FrequencyCap, Scope, ScopedCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from domain.policies.stop_words import STOP_WORDS

TOML = """
data = "/srv/siyu"
locale = "en"
starter_rules = false
stop_words = ["停", "stop"]
bot_silence_min = 45

[marketing]
cap_per_day = 3
quiet_from = 20:30:00

[telegram]
token = "123:abc"
rate_per_s = 25

[telegram.shop]
token = "456:def"
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests."""
    for name in environment(Path("no file")):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def told(variables: dict[str, str]) -> str:
    with pytest.raises(BadSettings) as raised:
        load(variables)
    return str(raised.value)


def test_without_settings_everything_has_its_documented_default() -> None:
    settings = load(environment())
    assert settings == Settings(
        data=Path("data"),
        database=None,
        vault_database=None,
        master_key_file=None,
        public_url=None,
        region="cn",
        time_zone=ZoneName("Asia/Shanghai"),
        locale="zh",
        brand_name="Siyu",
        starter_rules=True,
        bot_silence_min=30,
        stop_words=STOP_WORDS,
        marketing=Marketing(),
    )
    assert settings.silence == timedelta(minutes=30)
    assert settings.controls == Controls(
        cap=FrequencyCap(1, 2),
        group_cap=FrequencyCap(1, 3),
        quiet=QuietHours(time(22), time(8, 30)),
        zone=ZoneName("Asia/Shanghai"),
    )


def test_a_region_brings_its_quiet_hours_and_a_setting_overrides_them() -> None:
    abroad = load({"SIYU_REGION": "intl", "SIYU_TIME_ZONE": "Europe/Berlin"}).controls
    assert (abroad.quiet, abroad.zone) == (QuietHours(time(21), time(9)), "Europe/Berlin")
    own = load(
        {"SIYU_REGION": "intl", "SIYU_MARKETING__QUIET_FROM": "00:00", "SIYU_MARKETING__CAP_PER_WEEK": "5"}
    )
    assert own.controls.quiet == QuietHours(time(0), time(9))
    assert own.controls.cap == FrequencyCap(1, 5)


def test_the_file_has_the_same_keys_as_the_environment(tmp_path: Path) -> None:
    (tmp_path / "siyu.toml").write_text(TOML, "utf8")
    variables = environment()
    assert variables == {
        "SIYU_DATA": "/srv/siyu",
        "SIYU_LOCALE": "en",
        "SIYU_STARTER_RULES": "False",
        "SIYU_STOP_WORDS": "停,stop",
        "SIYU_BOT_SILENCE_MIN": "45",
        "SIYU_MARKETING__CAP_PER_DAY": "3",
        "SIYU_MARKETING__QUIET_FROM": "20:30:00",
        "SIYU_TELEGRAM__TOKEN": "123:abc",
        "SIYU_TELEGRAM__RATE_PER_S": "25",
        "SIYU_TELEGRAM__SHOP__TOKEN": "456:def",
    }
    assert load(variables) == Settings(
        data=Path("/srv/siyu"),
        locale="en",
        starter_rules=False,
        stop_words=("停", "stop"),
        bot_silence_min=45,
        marketing=Marketing(cap_per_day=3, quiet_from=time(20, 30)),
    )


def test_the_environment_overrides_the_file_whatever_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "siyu.toml").write_text(TOML, "utf8")
    monkeypatch.setenv("SIYU_DATA", "/elsewhere")
    monkeypatch.setenv("siyu_stop_words", "halt, 别发 ,")
    monkeypatch.setenv("UNRELATED", "x")
    settings = load(environment())
    assert (settings.data, settings.stop_words, settings.locale) == (
        Path("/elsewhere"),
        ("halt", "别发"),
        "en",
    )


def test_an_empty_value_is_no_value() -> None:
    names = (
        "DATA",
        "DATABASE",
        "MASTER_KEY_FILE",
        "REGION",
        "TIME_ZONE",
        "STOP_WORDS",
        "MARKETING__CAP_PER_DAY",
    )
    assert load({f"SIYU_{name}": "" for name in names}) == load({})


@pytest.mark.parametrize("words", ["", "退订,", "a=1"])
def test_what_only_the_process_inherits_is_not_read_behind_our_back(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_STOP_WORDS", words)
    monkeypatch.setenv("SIYU_MARKETING", "{")
    assert load({}) == Settings()


@pytest.mark.parametrize(
    "name,value,complaint",
    [
        ("REGION", "cz-top-secret", "Input should be 'cn' or 'intl'"),
        ("LOCALE", "fr-top-secret", "Input should be 'zh' or 'en'"),
        ("TIME_ZONE", "../../etc/top-secret", "this is no time zone: write one like Asia/Shanghai"),
        ("TIME_ZONE", "Asia", "this is no time zone: write one like Asia/Shanghai"),
        (
            "BOT_SILENCE_MIN",
            "top-secret",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        ("BOT_SILENCE_MIN", "-1", "Input should be greater than or equal to 0"),
        ("STARTER_RULES", "top-secret", "Input should be a valid boolean, unable to interpret input"),
        (
            "MARKETING__CAP_PER_DAY",
            "top-secret",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            "DATABASE",
            "mysql://root:top-secret@host/x",
            "write it as postgresql://user:password@host/name, or leave it out for SQLite",
        ),
    ],
)
def test_what_makes_no_sense_is_named_without_its_value(name: str, value: str, complaint: str) -> None:
    assert told({f"SIYU_{name}": value}) == f"SIYU_{name}: {complaint}"


def test_all_that_makes_no_sense_is_told_at_once() -> None:
    assert told({"SIYU_REGION": "moon", "SIYU_LOCALE": "la"}).split("; ") == [
        "SIYU_REGION: Input should be 'cn' or 'intl'",
        "SIYU_LOCALE: Input should be 'zh' or 'en'",
    ]


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "siyu.toml"
    for wrong in (b"data = ", b"\xff\xfe"):
        file.write_bytes(wrong)
        with pytest.raises(BadSettings, match=r"^siyu.toml is no valid TOML: "):
            environment()


def test_files_are_kept_up_to_20_mb_unless_somebody_says_otherwise() -> None:
    assert load({}).media.max_bytes == 20 * 1024 * 1024
    assert load({"SIYU_MEDIA__MAX_MB": "5"}).media.max_bytes == 5 * 1024 * 1024
    for wrong in ("0", "many", "5000"):
        with pytest.raises(BadSettings, match="SIYU_MEDIA__MAX_MB"):
            load({"SIYU_MEDIA__MAX_MB": wrong})


def test_a_public_address_ends_without_a_slash() -> None:
    assert load({"SIYU_PUBLIC_URL": "https://shop.example/"}).public_url == "https://shop.example"


def test_the_short_form_is_the_main_account_and_others_are_named() -> None:
    variables = {
        "SIYU_TELEGRAM__TOKEN": "1",
        "SIYU_TELEGRAM__API_BASE": "http://x",
        "SIYU_TELEGRAM__SHOP__TOKEN": "2",
        "SIYU_TELEGRAM__MAIN__RATE_PER_S": "5",
        "SIYU_WEBCHAT__TITLE": "3",
        "SIYU_DATA": "d",
    }
    assert accounts_of("telegram", variables) == {
        "main": {"token": "1", "api_base": "http://x", "rate_per_s": "5"},
        "shop": {"token": "2"},
    }
    assert accounts_of("wechat", variables) == {}


@given(
    st.dictionaries(
        st.sampled_from(
            [f"SIYU_{name.upper()}" for name in Settings.model_fields] + ["SIYU_MARKETING__QUIET_TO"]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    )
)
def test_no_setting_raises_anything_but_bad_settings(variables: dict[str, str]) -> None:
    try:
        settings = load(variables)
    except BadSettings as error:
        assert "\n" not in str(error)  # noqa: PT017  # most values are good
    else:
        assert settings.controls.zone == settings.time_zone


def test_caps_and_topics_are_read_from_the_file_as_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "siyu.toml").write_text(
        '[marketing]\ncaps = ["topic:news 1/2", "channel:wechat 0/3"]\ntopics = ["news=新品", "sale = 促销"]\n'
        'consent_text = "2026-11"\nholdout_percent = 5\ngroup_share_percent = 20\n',
        "utf8",
    )
    settings = load(environment())
    assert settings.marketing.topics == {"news": "新品", "sale": "促销"}
    assert settings.marketing.consent_text == "2026-11"
    controls = settings.controls
    assert controls.caps == (
        ScopedCap(FrequencyCap(1, 2), Scope.TOPIC, Slug("news")),
        ScopedCap(FrequencyCap(0, 3), Scope.CHANNEL, Slug("wechat")),
    )
    assert (controls.holdout_percent, controls.group_share_percent) == (5, 20)


CAPS = "write each as topic:news 1/2 or channel:wechat 1/0: so many a day, so many a week"
TOPICS = "write each as news=新品: a code in small letters, and its name; marketing means all of them"


@pytest.mark.parametrize(
    "name, value, complaint",
    [
        ("CAPS", "news 1/2", CAPS),
        ("CAPS", "topic:News 1/2", CAPS),
        ("CAPS", "topic:news 1", CAPS),
        ("CAPS", "topic:news -1/2", CAPS),
        ("CAPS", "topic:news 0/0", "a cap of nothing a day and nothing a week is none: leave it out"),
        ("TOPICS", "新品", TOPICS),
        ("TOPICS", "news=", TOPICS),
        ("TOPICS", "marketing=全部", TOPICS),
        (
            "CONSENT_TEXT",
            "Version 2!",
            "write a version such as 2026-11, in small letters, digits and dashes",
        ),
        ("HOLDOUT_PERCENT", "51", "Input should be less than or equal to 50"),
        ("GROUP_SHARE_PERCENT", "0", "Input should be greater than or equal to 1"),
    ],
)
def test_a_control_that_makes_no_sense_is_refused(name: str, value: str, complaint: str) -> None:
    assert told({f"SIYU_MARKETING__{name}": value}) == f"SIYU_MARKETING__{name}: {complaint}"
