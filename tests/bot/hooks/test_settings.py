"""What a hook is set by; a bad setting is one clear line that never shows a value."""

import pytest

from bot.hooks.settings import TOLD_UNLESS_SAID, HookSettings, hooks_of
from domain.errors import BadSettings

SECRET = "canary-secret-of-the-shop"
URL = "https://crm.example/siyu?key=canary"


def variables(name: str = "CRM", **said: str) -> dict[str, str]:
    given = {"URL": URL, "SECRET": SECRET, **said}
    return {f"SIYU_HOOKS__{name}__{key}": value for key, value in given.items()}


def one(**said: str) -> HookSettings:
    (hook,) = hooks_of(variables(**said))
    return hook


def test_without_settings_there_is_no_hook() -> None:
    assert hooks_of({"SIYU_DATA": "data"}) == ()


def test_a_hook_is_told_of_a_sensible_list_where_none_is_given() -> None:
    hook = one()
    assert (hook.name, str(hook.url), hook.secret, hook.private) == ("crm", URL, SECRET.encode(), False)
    assert len(hook.events) == len(TOLD_UNLESS_SAID.split(","))
    assert hook.wants("customer-forgotten/1")
    assert not hook.wants("send-reserved/1")


def test_events_are_listed_without_their_version_or_all_meant_by_a_star() -> None:
    hook = one(EVENTS="order-paid, order-placed")
    assert [hook.wants(type_) for type_ in ("order-paid/1", "order-placed/7", "order-refunded/1")] == [
        True,
        True,
        False,
    ]
    assert one(EVENTS="*").wants("order-refunded/1")


def test_several_hooks_are_told_apart_by_name() -> None:
    found = hooks_of({**variables("SHOP_2"), **variables("CRM")})
    assert [hook.name for hook in found] == ["crm", "shop_2"]


@pytest.mark.parametrize(
    "said, told",
    [
        ({"URL": ""}, "SIYU_HOOKS__CRM__URL: is missing"),
        ({"SECRET": ""}, "SIYU_HOOKS__CRM__SECRET: is missing"),
        (
            {"SECRET": "canary"},
            "SIYU_HOOKS__CRM__SECRET: write at least 16 characters that nobody can guess",
        ),
        ({"URL": "http://crm.example/canary"}, "SIYU_HOOKS__CRM__URL: write it as https://crm.example/siyu"),
        ({"URL": "canary"}, "SIYU_HOOKS__CRM__URL: write it as https://crm.example/siyu"),
        ({"URL": "ftp://crm.example", "ALLOW_PRIVATE": "true"}, "SIYU_HOOKS__CRM__URL: write it as https://"),
        ({"URL": "https://[canary"}, "SIYU_HOOKS__CRM__URL: this is no address"),
        ({"URL": "https://a:canary@crm.example"}, "SIYU_HOOKS__CRM__URL: leave name and password out"),
        ({"URL": "https://10.0.0.7/canary"}, "SIYU_HOOKS__CRM__URL: this address is inside your own network"),
        ({"URL": "https://[::1]/canary"}, "SIYU_HOOKS__CRM__URL: this address is inside your own network"),
        ({"EVENTS": "order-paid, canary"}, "SIYU_HOOKS__CRM__EVENTS: one of these is no event"),
        ({"EVENTS": " , "}, "SIYU_HOOKS__CRM__EVENTS: name events, such as order-paid, or * for all of them"),
        ({"ALLOW_PRIVATE": "canary"}, "SIYU_HOOKS__CRM__ALLOW_PRIVATE: Input should be a valid boolean"),
        ({"URI": "canary"}, "SIYU_HOOKS__CRM__URI: there is no such setting"),
    ],
)
def test_a_bad_setting_names_itself_and_never_its_value(said: dict[str, str], told: str) -> None:
    with pytest.raises(BadSettings) as caught:
        hooks_of(variables(**said))
    line = str(caught.value)
    assert line.startswith(told)
    assert "canary" not in line
    assert "\n" not in line


@pytest.mark.parametrize("name", ["A__B", "CRM!", "-", "X" * 41])
def test_a_name_is_of_plain_signs(name: str) -> None:
    with pytest.raises(BadSettings, match="a hook's name is of a-z, 0-9, - and _, 40 at most"):
        hooks_of(variables(name))


def test_the_settings_show_neither_secret_nor_path() -> None:
    assert "canary" not in repr(one())


def test_an_address_inside_is_open_to_a_shop_that_says_so() -> None:
    assert one(URL="http://10.0.0.7:8080/crm", ALLOW_PRIVATE="true").private
