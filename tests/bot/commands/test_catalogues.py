"""Every text people see is in both catalogues, and the README's table is the registry's."""

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.commands.registry import COMMANDS, WORDS
from bot.commands.table import BEGIN, END, table
from bot.texts import FOLDER, LOCALES, Texts
from domain.identity import Locale
from tests.bot.commands.catalogue import ROOT, marked_texts


def catalogue(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "siyu.po").open("rb") as file:
        return read_po(file, locale=language)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LOCALES)
def test_a_catalogue_has_every_text_and_no_other(language: str) -> None:
    translated = {message.id for message in catalogue(language) if message.id and message.string}
    assert translated == marked_texts()


@pytest.mark.parametrize("language", LOCALES)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    different = [
        message.id
        for message in catalogue(language)
        if message.id and placeholders(str(message.id)) != placeholders(str(message.string))
    ]
    assert different == []


def test_nothing_is_left_in_doubt() -> None:
    assert [
        message.id for language in LOCALES for message in catalogue(language) if message.fuzzy and message.id
    ] == []


def test_a_chinese_text_is_chinese() -> None:
    words = [m for m in catalogue("zh") if re.search(r"[a-z]", re.sub(r"\{[^}]*\}", "", str(m.id)))]
    assert [m.id for m in words if not re.search(r"[\u4e00-\u9fff]", str(m.string))] == []


def test_texts_are_translated_as_they_are_asked_for() -> None:
    said = [Texts("zh").say("Unsubscribe", locale) for locale in (None, Locale("en-GB"), Locale("zh_CN"))]
    assert said == ["退订", "Unsubscribe", "退订"]


def test_the_marked_texts_are_found_wherever_they_stand() -> None:
    expected = {
        "Unsubscribe",  # domain/processes/stop_words.py: say(text, language)
        "You are subscribed again.",  # there: through _say
        "You are unsubscribed: we send you no more offers. Write START to subscribe again.",  # there: by name
        "Customers: {count}",  # bot/commands: call.say(text)
        "give a customer a tag",  # what a command does
    }
    assert expected - marked_texts() == set()


def test_the_readme_has_the_table_of_the_registry() -> None:
    readme = (ROOT / "README.md").read_text("utf8")
    assert readme[readme.index(BEGIN) : readme.index(END) + len(END)] == table()


def test_names_and_words_of_commands_are_taken_once() -> None:
    names = [command.name for command in COMMANDS]
    words = [entry.partition(" ")[0] for command in COMMANDS for entry in command.words]
    assert len({*names, *words}) == len(names) + len(words)
    assert {meaning.partition(" ")[0] for meaning in WORDS.values()} <= set(names)


def test_every_usage_begins_with_its_command() -> None:
    assert [
        usage for command in COMMANDS for usage in command.usage if usage.split()[0] != f"/{command.name}"
    ] == []


def test_a_command_is_one_file_and_one_entry() -> None:
    folder = Path(ROOT / "bot" / "commands")
    registered = (folder / "registry.py").read_text("utf8")
    offering = {
        file.stem
        for file in folder.glob("*.py")
        if "OperatorCommand(\n" in file.read_text("utf8") and file.stem not in {"command", "registry"}
    }
    assert [name for name in sorted(offering) if f"from bot.commands.{name} import" not in registered] == []
