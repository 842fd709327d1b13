"""``siyu connect`` as people and scripts use it: real processes, on a terminal and piped."""

import re
import stat
import tomllib
from pathlib import Path

import pytest

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import WeChatSimulator
from tests.bot.connect.house import Running, siyu
from tests.bot.connect.terminal import Terminal

CANARY = "12345:canary_Secret_of_the_shop_0123456789"


def kept(folder: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((folder / "siyu.toml").read_text("utf8"))


def at(telegram: TelegramSimulator) -> tuple[str, ...]:
    return ("connect", "telegram", "--set", f"api_base={telegram.base}")


# --- while none runs ---------------------------------------------------------------------------------------------------


async def test_alone_it_asks_checks_saves_and_says_what_comes_next(
    folder: Path, telegram: TelegramSimulator
) -> None:
    with Terminal(folder, "connect", "telegram", settings={"SIYU_TELEGRAM__API_BASE": telegram.base}) as seen:
        await seen.shows("Bot token:")
        seen.types(telegram.token)
        assert await seen.ended() == 0
        screen = seen.screen
    assert telegram.token not in screen  # typed without echo, and never shown
    assert "✓ Telegram knows the bot: this is Siyu, @siyu_bot" in screen
    assert "· A first message came: once Siyu runs" in screen
    assert "Next: siyu run" in screen
    assert kept(folder) == {"telegram": {"token": telegram.token}}
    assert stat.S_IMODE((folder / "siyu.toml").stat().st_mode) == 0o600
    assert not (folder / "data").exists()


async def test_what_is_wrong_is_asked_for_again(folder: Path, telegram: TelegramSimulator) -> None:
    with Terminal(folder, "connect", "telegram", settings={"SIYU_TELEGRAM__API_BASE": telegram.base}) as seen:
        await seen.shows("Bot token:")
        seen.types("nonsense")
        await seen.shows("Bot token:", times=2)
        assert "is no bot token" in seen.screen
        seen.types(CANARY)
        await seen.shows("Bot token:", times=3)
        assert "Telegram does not know this token" in seen.screen
        seen.types(telegram.token)
        assert await seen.ended() == 0
        assert CANARY not in seen.screen
    assert kept(folder)["telegram"]["token"] == telegram.token


async def test_ctrl_c_keeps_what_was_saved_and_says_how_to_go_on(
    folder: Path, telegram: TelegramSimulator
) -> None:
    with Terminal(folder, "connect", "telegram", settings={"SIYU_TELEGRAM__API_BASE": telegram.base}) as seen:
        await seen.shows("Bot token:")
        seen.types(CANARY)
        await seen.shows("Telegram does not know this token")
        seen.interrupts()
        assert await seen.ended() == 130
        assert "Go on with: siyu connect telegram" in seen.screen
        assert "Traceback" not in seen.screen
    assert kept(folder)["telegram"]["token"] == CANARY


@pytest.mark.nightly
async def test_piped_it_is_plain_and_a_missing_secret_is_one_line(
    folder: Path, telegram: TelegramSimulator
) -> None:
    missing = await siyu(folder, *at(telegram))
    assert (missing.code, missing.err.count("\n")) == (2, 1)
    assert missing.err.startswith("siyu: SIYU_TELEGRAM__TOKEN is missing: Open @BotFather")
    wrong = await siyu(folder, *at(telegram), "--from-stdin", stdin=f"TOKEN={CANARY}\n")
    assert (wrong.code, wrong.err, "✗ Telegram knows the bot" in wrong.out) == (1, "", True)
    right = await siyu(folder, "connect", "telegram", "--from-stdin", stdin=f"token={telegram.token}\n")
    assert (right.code, right.err) == (0, "")
    said = missing.out + wrong.out + right.out + wrong.err
    assert [secret for secret in (CANARY, telegram.token, "\x1b[") if secret in said] == []


@pytest.mark.nightly
async def test_what_the_environment_says_can_be_kept(folder: Path, telegram: TelegramSimulator) -> None:
    settings = {"SIYU_TELEGRAM__TOKEN": telegram.token, "SIYU_TELEGRAM__API_BASE": telegram.base}
    assert (await siyu(folder, "connect", "telegram", settings=settings)).code == 0
    assert not (folder / "siyu.toml").exists()
    assert (await siyu(folder, "connect", "telegram", "--from-env", settings=settings)).code == 0
    assert kept(folder) == {"telegram": {"token": telegram.token, "api_base": telegram.base}}
    overridden = await siyu(
        folder, "connect", "telegram", "--from-stdin", stdin=f"token={CANARY}\n", settings=settings
    )
    assert (overridden.code, "change it there" in overridden.err, CANARY in overridden.err) == (
        2,
        True,
        False,
    )


@pytest.mark.parametrize(
    "arguments,told",
    [
        (("connect", "pigeons"), "no channel is called pigeons: there are telegram, wechat"),
        (("connect", "telegram", "--account", "../x"), "an account is called by small letters"),
        (("connect", "telegram", "--set", f"token={CANARY}"), "token is a secret"),
        (("connect", "telegram", "--set", "nonsense"), "write --set KEY=VALUE"),
        (("connect", "wechat", "--set", "kind=other"), "SIYU_WECHAT__APP_ID is missing"),
    ],
)
async def test_bad_usage_is_one_line_and_exit_2(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    ran = await siyu(folder, *arguments)
    assert (ran.code, ran.err.count("\n"), CANARY in ran.out + ran.err) == (2, 1, False)
    assert ran.err.startswith(f"siyu: {told}")
    assert not (folder / "siyu.toml").exists()


async def test_the_link_needs_a_siyu_that_runs(folder: Path) -> None:
    ran = await siyu(folder, "connect", "--link")
    assert (ran.code, ran.err) == (1, f"siyu: no Siyu runs on {folder / 'data'}: start it with siyu run\n")


# --- beside one that runs ----------------------------------------------------------------------------------------------


async def test_beside_a_running_siyu_the_account_is_opened_at_once_and_ticked_live(
    running: Running, telegram: TelegramSimulator
) -> None:
    with Terminal(running.folder, *at(telegram)) as seen:
        await seen.shows("Bot token:")
        seen.types(telegram.token)
        await seen.shows("… A first message came: Write to the bot: https://t.me/siyu_bot")
        telegram.user(77, "Ada").says("hello")
        await seen.shows("✓ A first message came")
        assert await seen.ended() == 0
        assert re.search(r"! The bot may read its groups: .*/setprivacy, choose @siyu_bot", seen.screen)
        assert telegram.token not in seen.screen
    assert running.app.accounts.adapter("telegram", "main") is not None


async def test_a_second_account_may_not_be_the_first_one_again(
    running: Running, telegram: TelegramSimulator
) -> None:
    token = f"token={telegram.token}\n"
    await siyu(running.folder, *at(telegram), "--from-stdin", stdin=token)
    again = await siyu(running.folder, *at(telegram), "--account", "shop", "--from-stdin", stdin=token)
    assert (again.code, again.err) == (2, "siyu: two accounts of telegram are the same one: 1234567890\n")
    assert "shop" not in running.file()


async def test_an_official_accounts_token_and_key_are_shown_to_people_and_not_to_scripts(
    running: Running, wechat: WeChatSimulator
) -> None:
    account = wechat.account
    plain = [f"api_base={wechat.api_base}", "kind=service", f"app_id={account.app_id}"]
    arguments = [word for pair in (*plain, f"public_url={running.address}") for word in ("--set", pair)]
    piped = await siyu(
        running.folder,
        "connect",
        "wechat",
        *arguments,
        "--from-stdin",
        stdin=f"app_secret={account.app_secret}\n",
    )
    made = kept(running.folder)["wechat"]
    assert (piped.code, len(made["aes_key"]), len(made["token"])) == (1, 43, 24)
    assert [
        secret for secret in (made["aes_key"], made["token"], account.app_secret) if secret in piped.out
    ] == []
    assert "switches off WeChat's own automatic replies and menu" in piped.out
    with Terminal(running.folder, "connect", "wechat", "--renew") as seen:
        await seen.shows("A first encrypted message came")
        anew = kept(running.folder)["wechat"]
        assert made["token"] != anew["token"]
        assert [value in seen.screen for value in (anew["token"], anew["aes_key"])] == [True, True]
        assert account.app_secret not in seen.screen
        seen.interrupts()
        assert await seen.ended() == 130


async def test_doctor_tells_how_each_account_does(running: Running, telegram: TelegramSimulator) -> None:
    await siyu(running.folder, *at(telegram), "--from-stdin", stdin=f"token={telegram.token}\n")
    well = await siyu(running.folder, "doctor")
    assert (
        well.code,
        "  ok       telegram: Telegram knows the bot: this is Siyu, @siyu_bot" in well.out,
    ) == (0, True)
    telegram.token = CANARY
    ill = await siyu(running.folder, "doctor")
    assert (ill.code, "  wrong    telegram: not so: Telegram knows the bot." in ill.out) == (1, True)


async def test_the_link_opens_the_page(running: Running) -> None:
    ran = await siyu(running.folder, "connect", "--link")
    assert (ran.code, ran.out.startswith(f"{running.address}/connect?key=")) == (0, True)
