import pytest

from channels.webchat import texts
from channels.webchat.errors import REASONS


def test_texts_are_given_in_the_language_asked_for() -> None:
    said = texts.translated(texts.ERRORS, lambda text, locale: f"{locale}: {text}", "zh")
    assert said["empty"] == f"zh: {texts.ERRORS['empty']}"


def test_every_reason_of_an_error_has_words() -> None:
    assert set(texts.ERRORS) == set(REASONS)


@pytest.mark.parametrize(
    "header,house,expected",
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "en", "zh"),
        ("zh-Hant-TW", "en", "zh"),
        ("en-GB", "zh", "en"),
        ("en;q=0.4, zh;q=0.5", "en", "zh"),
        ("fr-FR,en;q=0.7", "zh", "en"),
        ("zh;q=0, en;q=0.1", "zh", "en"),
        ("fr", "zh_CN", "zh"),
        (None, "zh", "zh"),
        ("", "de", "en"),
        ("*", "zh", "zh"),
        ("<script>,;;q=,zh", "en", "zh"),
        ("en," * 5_000, "zh", "en"),
    ],
)
def test_the_language_is_the_first_wanted_one_that_we_speak(
    header: str | None, house: str, expected: str
) -> None:
    assert texts.language(header, house) == expected
