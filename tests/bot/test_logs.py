"""Log lines: whoever writes them, no secret gets out, and each is one line."""

import json
import logging

import pytest
import structlog

from bot import logs
from bot.logs import HIDDEN, Redaction

TOKEN = "123456789:AAH-abcdefghijklmnopqrstuvwxyz_0123"
OTHER_TOKEN = "987654321:BBH-abcdefghijklmnopqrstuvwxyz_0123"
SECRET = "s3cret/of(the)shop"


as_json_and_pretty = pytest.mark.parametrize("pretty", [False, True], ids=["json", "pretty"])


def test_known_secrets_and_whatever_looks_like_a_token_are_hidden() -> None:
    redaction = Redaction(["abc", "abcdef", ""])
    assert redaction.clean("abcdef abc xyz") == f"{HIDDEN} {HIDDEN} xyz"
    assert redaction.clean(f"https://host/bot{TOKEN}/getMe") == f"https://host/bot{HIDDEN}/getMe"
    assert Redaction([]).clean("at 12:30, 10:00:00, #1042") == "at 12:30, 10:00:00, #1042"


@as_json_and_pretty
def test_our_own_lines_hold_no_secret(
    pretty: bool, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([SECRET, ""], pretty=pretty)
    log = structlog.get_logger("siyu")
    log.warning(
        "polling.failed", url=f"https://host/bot{TOKEN}/getUpdates", header=SECRET, nested={"a": [SECRET]}
    )
    said = capsys.readouterr().err
    assert "polling.failed" in said
    assert (TOKEN in said, SECRET in said, said.count("\n")) == (False, False, 1)


@as_json_and_pretty
def test_a_secret_that_came_after_the_start_is_hidden_too(
    pretty: bool, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([SECRET], pretty=pretty)
    late = "late-secret-of-the-shop"
    logs.hide([late, ""])
    structlog.get_logger("siyu").warning("opened", settings={"app_secret": late, "token": SECRET})
    logging.getLogger("aiohttp").warning("refused: %s", late)
    said = capsys.readouterr().err
    assert (late in said, SECRET in said, said.count(HIDDEN)) == (False, False, 3)


@as_json_and_pretty
def test_exceptions_of_ours_hold_no_secret(
    pretty: bool, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([SECRET, ""], pretty=pretty)
    try:
        raise ValueError(f"cannot reach /bot{TOKEN} with {SECRET}")
    except ValueError:
        structlog.get_logger("siyu").exception("polling.bug")
    said = capsys.readouterr().err
    assert "ValueError: cannot reach /bot" in said
    assert (TOKEN in said, SECRET in said) == (False, False)


@as_json_and_pretty
def test_what_libraries_log_holds_no_secret(
    pretty: bool, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([SECRET, ""], pretty=pretty)
    library = logging.getLogger("aiogram.dispatcher")
    library.warning("calling %s with %r", f"/bot{OTHER_TOKEN}/sendMessage", {"secret": SECRET})
    try:
        raise ConnectionError(f"/bot{TOKEN}/getMe")
    except ConnectionError:
        library.exception("failed with %s", SECRET)
    library.info("chatter is not wanted")
    said = capsys.readouterr().err
    assert said.count(HIDDEN) == 4
    assert all(secret not in said for secret in (TOKEN, OTHER_TOKEN, SECRET, "chatter"))


def test_a_secret_that_json_escapes_is_hidden_all_the_same(
    capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure(['pass"word\\1'], pretty=False)
    structlog.get_logger("siyu").error("store.away", url='postgresql://u:pass"word\\1@host')
    assert json.loads(capsys.readouterr().err)["url"] == f"postgresql://u:{HIDDEN}@host"


def test_a_line_for_machines_is_json_with_the_time_in_utc(
    capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([], pretty=False)
    structlog.get_logger("siyu").info("driver.recovered", driver="视图")
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "driver.recovered", "level": "info", "driver": "视图"}


def test_a_line_that_cannot_be_written_is_not_shown_instead(
    capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    logs.configure([SECRET], pretty=False)
    broken = logging.LogRecord(
        "aiogram", logging.ERROR, __file__, 1, "%d tokens", (f"{SECRET} {TOKEN}",), None
    )
    logging.getLogger().handlers[0].handle(broken)
    assert capsys.readouterr().err == "a line of aiogram could not be written\n"
