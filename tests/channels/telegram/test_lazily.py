"""aiogram's classes are completed when they are used, and then they are whole."""

import subprocess
import sys

import aiogram.methods
import aiogram.types
import pytest
from pydantic import BaseModel

import channels.telegram
from channels.telegram import lazily

FRESH = """
import sys
from pydantic import BaseModel

class Ours(BaseModel):
    other: "Later"

class Later(BaseModel):
    number: int

class Meanwhile:  # somebody else completes a class of theirs while aiogram is imported
    def find_spec(self, name, *_):
        if name == "aiogram.types.update":
            Ours.model_rebuild()

sys.meta_path.insert(0, Meanwhile())
assert not Ours.__pydantic_complete__
import channels.telegram
assert Ours.__pydantic_complete__
from aiogram.methods import SendMessage
from aiogram.methods.base import Response
from aiogram.types import Message, Poll, Update

said = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "hello"}
before = [kind.__pydantic_complete__ for kind in (Update, Poll, SendMessage)]
update = Update.model_validate({"update_id": 1, "message": said})
sent = SendMessage(chat_id=7, text="hello").model_dump(exclude_unset=True)
told = Response[Message].model_validate({"ok": True, "result": said})
after = [kind.__pydantic_complete__ for kind in (Update, Poll, SendMessage)]
print(before, after, update.message.text, sent["text"], told.result.chat.id)
"""


def test_a_class_is_completed_by_its_first_use_and_no_other_is() -> None:
    ran = subprocess.run([sys.executable, "-c", FRESH], check=True, capture_output=True, text=True)

    assert ran.stdout == "[False, False, False] [True, False, True] hello hello 7\n"


@pytest.mark.parametrize("module", [aiogram.types, aiogram.methods], ids=lambda module: module.__name__)
def test_every_class_can_be_completed(module: object) -> None:
    names = [name for name in module.__all__ if hasattr(getattr(module, name), "model_rebuild")]  # type: ignore[attr-defined]

    for name in names:
        getattr(module, name).model_rebuild()

    assert len(names) > 150
    assert [name for name in names if not getattr(module, name).__pydantic_complete__] == []


def test_nobody_else_s_classes_are_touched() -> None:
    class Ours(BaseModel):
        other: "Later"

    class Later(BaseModel):
        number: int

    assert channels.telegram.lazily is lazily
    assert Ours.model_rebuild() is True
    assert Ours(other=Later(number=5)).other.number == 5
