"""Settings written into siyu.toml: only what was asked for changes, and nobody else may read it."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connect.settings_file import changed, put
from bot.settings import PREFIX, flat
from domain.errors import BadSettings, StoreUnavailable

TOKEN = "SIYU_TELEGRAM__TOKEN"
BEFORE = """\
# our shop
brand_name = "Tea House"   # as on the sign

[telegram]
mode = "polling"
token = 'old'  # from BotFather

[telegram.shop]
token = "shop's"
"""


def test_a_value_is_changed_in_its_line_and_everything_else_stays_as_it_was() -> None:
    assert changed(BEFORE, {TOKEN: "new"}) == BEFORE.replace("'old'", '"new"')


def test_a_new_key_goes_into_its_table_and_a_new_table_to_the_end() -> None:
    after = changed(BEFORE, {"SIYU_TELEGRAM__SHOP__MODE": "webhook", "SIYU_WECHAT__KIND": "service"})
    assert after == BEFORE + 'mode = "webhook"\n\n[wechat]\nkind = "service"\n'


def test_what_belongs_to_the_house_stands_before_every_table() -> None:
    after = changed(BEFORE, {"SIYU_PUBLIC_URL": "https://shop.example"})
    assert after.index("public_url") < after.index("[telegram]")
    assert changed("[telegram]\n", {"SIYU_PUBLIC_URL": "x"}) == 'public_url = "x"\n\n[telegram]\n'


def test_an_empty_file_becomes_one_with_a_table() -> None:
    assert changed("", {TOKEN: 'a"b\\c'}) == '[telegram]\ntoken = "a\\"b\\\\c"\n'


@pytest.mark.parametrize(
    "text",
    ['telegram = {token = "old"}\n', 'telegram.token = "old"\n', '[telegram]\ntoken = """\nold"""\n'],
)
def test_what_we_would_spoil_is_left_alone_and_the_settings_are_named(text: str) -> None:
    with pytest.raises(BadSettings, match=rf"set these in it yourself: {TOKEN}$"):
        changed(text, {TOKEN: "new"})


@given(
    st.dictionaries(
        st.sampled_from([TOKEN, "SIYU_PUBLIC_URL", "SIYU_WECHAT__APP_ID", "SIYU_TELEGRAM__SHOP__TOKEN"]),
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1),
        min_size=1,
    )
)
def test_whatever_is_written_is_read_again_with_all_that_was_there(changes: dict[str, str]) -> None:
    after = flat(tomllib.loads(changed(BEFORE, changes)), PREFIX)
    assert after == {**flat(tomllib.loads(BEFORE), PREFIX), **changes}


def test_a_file_that_others_could_read_is_for_its_owner_alone_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "siyu.toml"
    file.write_text(BEFORE, "utf8")
    file.chmod(0o644)
    put(file, {TOKEN: "new"})
    assert stat.filemode(file.stat().st_mode) == "-rw-------"
    assert [path.name for path in tmp_path.iterdir()] == ["siyu.toml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "siyu.toml").symlink_to(tmp_path / "etc" / "siyu.toml")
    put(tmp_path / "siyu.toml", {TOKEN: "new"})
    assert (tmp_path / "siyu.toml").is_symlink()
    assert 'token = "new"' in (tmp_path / "etc" / "siyu.toml").read_text("utf8")


def test_a_file_that_is_no_toml_and_a_folder_that_is_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "siyu.toml").write_text("token = secret", "utf8")
    with pytest.raises(BadSettings, match=r"^siyu.toml is no valid TOML"):
        put(tmp_path / "siyu.toml", {TOKEN: "new"})
    with pytest.raises(StoreUnavailable, match="cannot be written: No such file or directory"):
        put(tmp_path / "missing" / "siyu.toml", {TOKEN: "new"})
    assert (tmp_path / "siyu.toml").read_text("utf8") == "token = secret"
